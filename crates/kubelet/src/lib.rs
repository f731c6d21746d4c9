#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod answer;
mod certificate;
mod channel;
mod descriptor;
mod log;
mod port_forward;
mod remote_command;
mod request;
mod runtime;
mod server;
mod session;
pub mod spdy;
mod spdy_connection;
mod status;
mod upgrade;
mod user;
mod web_socket;

pub use certificate::{Certificate, CertificateError};
pub use descriptor::{reader, writer};
pub use log::{Log, LogWriter, Recorder, Stream};
pub use request::{Access, ContainerName, PodName, Wanted};
pub use runtime::{Duplex, Exit, Process, Reader, Refusal, Resize, Runtime, TerminalSize, Writer};
pub use server::{CONNECTIONS_MAX, Server};
pub use user::User;
