//! On which ports does the server answer, and as whom?

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::duration::parse_duration;
use crate::report::Identity;

/// What the server is told at its start.
#[derive(Debug, Clone)]
pub struct Options {
    pub identity: Identity,
    pub address: IpAddr,
    pub http: Vec<u16>,
    pub tcp: Vec<u16>,
    pub udp: Vec<u16>,
    pub ready: bool,
    pub linger: Duration,
    pub drain: Duration,
    /// Takes each line of the log.
    pub log: fn(&str),
}

/// The command line is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOption {
    #[error(
        "unknown option; expected --http, --tcp, --udp, --address, --unready, --linger or --drain: {0}"
    )]
    Unknown(String),
    #[error("expected a value after {0}")]
    NoValue(String),
    #[error("expected {expected} after {option}, found {found:?}")]
    Value { option: String, expected: &'static str, found: String },
}

impl Options {
    /// Without a port yet, and with a log on standard output.
    #[must_use]
    pub const fn new(identity: Identity) -> Self {
        Self {
            identity,
            address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            http: Vec::new(),
            tcp: Vec::new(),
            udp: Vec::new(),
            ready: true,
            linger: Duration::ZERO,
            drain: Duration::from_secs(25),
            log: crate::run::print_line,
        }
    }

    /// Reads a command line, without the program's name, and the variables that tell who it is.
    ///
    /// # Errors
    ///
    /// When an option is not known or its value is wrong.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidOption> {
        let mut options = Self::new(Identity::from_variables(variable));
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--unready" {
                options.ready = false;
                continue;
            }
            let (option, value) = match argument.split_once('=') {
                Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let mut value = || {
                let value = value.clone().or_else(|| arguments.next());
                value.ok_or_else(|| InvalidOption::NoValue(option.clone()))
            };
            match option.as_str() {
                "--http" => options.http.push(port(&option, value()?)?),
                "--tcp" => options.tcp.push(port(&option, value()?)?),
                "--udp" => options.udp.push(port(&option, value()?)?),
                "--address" => {
                    let text = value()?;
                    let address = text.parse().ok();
                    options.address = valid(address, &option, "an IP address", text)?;
                }
                "--linger" => options.linger = time(&option, value()?)?,
                "--drain" => options.drain = time(&option, value()?)?,
                _ => return Err(InvalidOption::Unknown(option)),
            }
        }
        if options.http.is_empty() && options.tcp.is_empty() && options.udp.is_empty() {
            options.http.push(8080);
        }
        Ok(options)
    }
}

fn port(option: &str, text: String) -> Result<u16, InvalidOption> {
    let port = text.parse().ok().filter(|port| *port != 0);
    valid(port, option, "a port from 1 to 65535", text)
}

fn time(option: &str, text: String) -> Result<Duration, InvalidOption> {
    valid(parse_duration(&text), option, "a time such as 200ms, 2s or 1m", text)
}

fn valid<T>(
    value: Option<T>,
    option: &str,
    expected: &'static str,
    found: String,
) -> Result<T, InvalidOption> {
    value.ok_or_else(|| InvalidOption::Value { option: option.to_owned(), expected, found })
}
