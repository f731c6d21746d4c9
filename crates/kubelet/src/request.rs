//! What does a request ask for, and which right does it need?

use std::fmt;

use jiff::Timestamp;

use crate::log::{LogOptions, LogStreams};

/// A pod, as the API names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodName {
    pub namespace: String,
    pub name: String,
}

/// A container, an init container or a sidecar of a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerName {
    pub pod: PodName,
    pub name: String,
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "container {} of pod {}", self.name, self.pod)
    }
}

/// Which streams of a program are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "streams, each of them wanted or not")]
pub struct Wanted {
    pub stdin: bool,
    pub stdout: bool,
    /// Never with a terminal, which has one output.
    pub stderr: bool,
    pub terminal: bool,
}

/// What a client asks of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Healthz,
    /// The pods of this node, as a `PodList`.
    Pods,
    Logs {
        container: ContainerName,
        options: LogOptions,
    },
    Exec {
        container: ContainerName,
        command: Vec<String>,
        wanted: Wanted,
    },
    Attach {
        container: ContainerName,
        wanted: Wanted,
    },
    PortForward(PodName),
}

/// Why a request is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("no such path: {0}")]
    NoPath(String),
    #[error("{parameter} is not {wanted}: {value}")]
    Parameter { parameter: &'static str, wanted: &'static str, value: String },
    #[error("{parameter} occurs {count} times, more than {max}")]
    TooMany { parameter: &'static str, count: usize, max: usize },
    #[error("no command")]
    NoCommand,
    #[error("you must specify at least 1 of stdin, stdout, stderr")]
    NoStreams,
}

/// Words of a command. The API server's own bound is that of a request's first line.
const COMMAND_WORDS_MAX: usize = 4096;

/// A right that a request needs: a verb on a subresource of this node. With one of them the request
/// is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// As the API server says it: `get` or `create`.
    pub verb: &'static str,
    pub subresources: &'static [&'static str],
}

impl Access {
    /// The right that a method and a path need; none for a method that nothing here has.
    pub(crate) fn of(method: &str, path: &str) -> Option<Self> {
        let verb = match method {
            "GET" => "get",
            "POST" => "create",
            _ => return None,
        };
        let subresources: &[&str] = match path.split('/').nth(1) {
            Some("pods") => &["pods", "proxy"],
            Some("healthz") => &["healthz", "proxy"],
            _ => &["proxy"],
        };
        Some(Self { verb, subresources })
    }
}

/// Reads the path and the query of a request, still as they were sent.
///
/// # Errors
///
/// When nothing here is at that path, or a parameter is wrong.
pub(crate) fn asked(path: &str, query: &str) -> Result<Asked, RequestError> {
    let parts: Vec<String> = path.trim_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let parameters = Parameters(form_urlencoded::parse(query.as_bytes()).into_owned().collect());
    let pod = |namespace: &str, name: &str| PodName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let container = |namespace: &str, name: &str, container: &str| ContainerName {
        pod: pod(namespace, name),
        name: container.to_owned(),
    };
    // The uid is a former form of some paths; the name says enough.
    match parts.as_slice() {
        ["healthz"] => Ok(Asked::Healthz),
        ["pods"] => Ok(Asked::Pods),
        ["containerLogs", namespace, name, of] => {
            let container = container(namespace, name, of);
            Ok(Asked::Logs { container, options: parameters.log_options()? })
        }
        ["exec", namespace, name, of] | ["exec", namespace, name, _, of] => Ok(Asked::Exec {
            container: container(namespace, name, of),
            command: parameters.command()?,
            wanted: parameters.wanted()?,
        }),
        ["attach", namespace, name, of] | ["attach", namespace, name, _, of] => Ok(Asked::Attach {
            container: container(namespace, name, of),
            wanted: parameters.wanted()?,
        }),
        ["portForward", namespace, name] | ["portForward", namespace, name, _] => {
            Ok(Asked::PortForward(pod(namespace, name)))
        }
        _ => Err(RequestError::NoPath(path.to_owned())),
    }
}

fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first that is there; an empty one is none.
    fn value(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(key, _)| key == name);
        first.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn parsed<T>(
        &self,
        parameter: &'static str,
        wanted: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, RequestError> {
        let Some(value) = self.value(parameter) else { return Ok(None) };
        let error = || RequestError::Parameter { parameter, wanted, value: value.to_owned() };
        parse(value).map(Some).ok_or_else(error)
    }

    fn is_set(&self, parameter: &'static str) -> Result<bool, RequestError> {
        let parse = |value: &str| match value {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        Ok(self.parsed(parameter, "true or false", parse)?.unwrap_or(false))
    }

    fn command(&self) -> Result<Vec<String>, RequestError> {
        let command: Vec<String> = self.all("command").map(str::to_owned).collect();
        match command.len() {
            0 => Err(RequestError::NoCommand),
            count if count > COMMAND_WORDS_MAX => {
                Err(RequestError::TooMany { parameter: "command", count, max: COMMAND_WORDS_MAX })
            }
            _ => Ok(command),
        }
    }

    fn wanted(&self) -> Result<Wanted, RequestError> {
        let terminal = self.is_set("tty")?;
        let wanted = Wanted {
            stdin: self.is_set("input")?,
            stdout: self.is_set("output")?,
            stderr: self.is_set("error")? && !terminal,
            terminal,
        };
        let is_any = wanted.stdin || wanted.stdout || wanted.stderr;
        if is_any { Ok(wanted) } else { Err(RequestError::NoStreams) }
    }

    fn log_options(&self) -> Result<LogOptions, RequestError> {
        let streams = |value: &str| match value {
            "All" => Some(LogStreams::All),
            "Stdout" => Some(LogStreams::Stdout),
            "Stderr" => Some(LogStreams::Stderr),
            _ => None,
        };
        let positive = |value: &str| value.parse().ok().filter(|number| *number > 0);
        Ok(LogOptions {
            follow: self.is_set("follow")?,
            previous: self.is_set("previous")?,
            timestamps: self.is_set("timestamps")?,
            tail_lines: self.parsed("tailLines", "a number of lines", |it| it.parse().ok())?,
            limit_bytes: self.parsed("limitBytes", "a number of bytes above 0", positive)?,
            since_s: self.parsed("sinceSeconds", "a number of seconds above 0", positive)?,
            since: self.parsed("sinceTime", "a time as in RFC 3339", |value| {
                value.parse::<Timestamp>().ok()
            })?,
            streams: self.parsed("stream", "All, Stdout or Stderr", streams)?.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> ContainerName {
        let pod = PodName { namespace: "shop".to_owned(), name: "web-0".to_owned() };
        ContainerName { pod, name: "app".to_owned() }
    }

    #[test]
    fn a_command_keeps_its_words() {
        let query = "command=sh&command=-c&command=echo+a%26b&input=1&output=1&error=1&tty=0";
        let wanted = Asked::Exec {
            container: container(),
            command: vec!["sh".to_owned(), "-c".to_owned(), "echo a&b".to_owned()],
            wanted: Wanted { stdin: true, stdout: true, stderr: true, terminal: false },
        };
        assert_eq!(asked("/exec/shop/web-0/app", query), Ok(wanted.clone()));
        assert_eq!(asked("/exec/shop/web-0/the-uid/app", query), Ok(wanted));
    }

    #[test]
    fn a_terminal_has_one_output() {
        let wanted = Wanted { stdin: true, stdout: true, stderr: false, terminal: true };
        assert_eq!(
            asked("/attach/shop/web-0/app", "input=1&output=1&error=1&tty=1"),
            Ok(Asked::Attach { container: container(), wanted })
        );
    }

    #[test]
    fn logs_may_be_asked_for_in_part() {
        let query = "follow=true&previous=true&timestamps=true&tailLines=0&limitBytes=9\
                     &sinceSeconds=60&sinceTime=2026-01-02T03:04:05Z&stream=Stderr";
        let options = LogOptions {
            follow: true,
            previous: true,
            timestamps: true,
            tail_lines: Some(0),
            limit_bytes: Some(9),
            since_s: Some(60),
            since: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            streams: LogStreams::Stderr,
        };
        assert_eq!(
            asked("/containerLogs/shop/web-0/app", query),
            Ok(Asked::Logs { container: container(), options })
        );
        assert_eq!(
            asked("/containerLogs/shop/web-0/app", "tailLines=&follow=false"),
            Ok(Asked::Logs { container: container(), options: LogOptions::default() })
        );
    }

    #[test]
    fn the_other_paths_are_plain() {
        let forward = Asked::PortForward(container().pod);
        assert_eq!(asked("/portForward/shop/web-0", ""), Ok(forward.clone()));
        assert_eq!(asked("/portForward/shop/web-0/the-uid", "port=1"), Ok(forward));
        assert_eq!(asked("/healthz", ""), Ok(Asked::Healthz));
        assert_eq!(asked("/pods/", ""), Ok(Asked::Pods));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |path, query| asked(path, query).unwrap_err().to_string();
        let logs = "/containerLogs/shop/web-0/app";
        let exec = "/exec/shop/web-0/app";
        let many = "command=x&".repeat(COMMAND_WORDS_MAX + 1);
        let found = [
            message("/run/shop/web-0/app", ""),
            message(logs, "tailLines=-1"),
            message(logs, "limitBytes=0"),
            message(logs, "sinceTime=yesterday"),
            message(logs, "follow=yes"),
            message(exec, "output=1"),
            message(exec, "command=ls"),
            message(exec, &many),
        ];
        let wanted = [
            "no such path: /run/shop/web-0/app",
            "tailLines is not a number of lines: -1",
            "limitBytes is not a number of bytes above 0: 0",
            "sinceTime is not a time as in RFC 3339: yesterday",
            "follow is not true or false: yes",
            "no command",
            "you must specify at least 1 of stdin, stdout, stderr",
            "command occurs 4097 times, more than 4096",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn rights_are_those_that_a_kubelet_asks_for() {
        let exec = Access { verb: "create", subresources: &["proxy"] };
        let logs = Access { verb: "get", subresources: &["proxy"] };
        let pods = Access { verb: "get", subresources: &["pods", "proxy"] };
        let healthz = Access { verb: "get", subresources: &["healthz", "proxy"] };
        assert_eq!(Access::of("POST", "/exec/shop/web-0/app"), Some(exec));
        assert_eq!(Access::of("GET", "/containerLogs/shop/web-0/app"), Some(logs));
        assert_eq!(Access::of("GET", "/pods"), Some(pods));
        assert_eq!(Access::of("GET", "/healthz"), Some(healthz));
        assert_eq!(Access::of("DELETE", "/pods"), None);
    }
}
