#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod capacity;
mod cluster;
mod control;
mod daemon;
mod down;
mod errand;
mod event;
mod exec;
mod files;
mod home;
mod housekeeping;
mod image;
mod joined;
mod kind;
mod kubelet;
mod lab;
mod lock;
mod network;
mod place;
mod plan;
mod routes;
mod settings;
mod source;
mod status;
mod step;
mod store;
mod up;
mod who;

pub use control::{AskError, Reply, Request, ask};
pub use down::{RemoveError, Removed, labs};
pub use exec::{ExecError, exec, logs, netns, settled};
pub use joined::{Failure, JoinError, KubeconfigError};
pub use network::NetworkError;
pub use settings::{LabName, NODES_MAX, SettingError, Settings};
pub use source::Notice;
pub use status::{DeploymentView, NodeStatus, PodStatus, Site, Status};
pub use up::{Listener, OnReady, UpError, clean, down, own_log, up};
pub use who::{PodName, UnknownWho, Who};
