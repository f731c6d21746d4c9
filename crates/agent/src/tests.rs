//! Do the pieces of the agent, taken from outside, say what they should?

pub(crate) mod answers;
pub(crate) mod cluster;
mod config;
mod core;
mod dns_metrics;
mod dns_variables;
mod explained;
mod health;
mod health_check_ports;
mod metrics;
mod together;

use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime};

/// So long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// 2026-11-25T09:00:00Z and so many seconds.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_597_200 + seconds)
}

/// What a server answers, whole, but for the time of day.
fn ask(stream: impl Read + Write, request: &str) -> String {
    try_ask(stream, request).unwrap()
}

fn try_ask(mut stream: impl Read + Write, request: &str) -> io::Result<String> {
    write!(stream, "{request} HTTP/1.1\r\nhost: pogu\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let lines = answer.lines().filter(|line| !line.starts_with("date: "));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}
