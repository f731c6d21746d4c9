#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod action;
mod announcer;
mod hello;
mod journal;
mod problem;
mod rank;
mod settings;
#[cfg(test)]
mod tests;
mod view;
pub mod wire;

pub use action::{Action, Event, Holding, Release, Role, Shown, Unable};
pub use announcer::{Announcer, Counts};
pub use hello::{Change, HELLO_BYTES_MAX, Hello, PORT, Standing};
pub use problem::Problem;
pub use rank::{Candidate, Contender, Lot, Ranking, rank};
pub use settings::Settings;
pub use view::{Link, View, Vip};
