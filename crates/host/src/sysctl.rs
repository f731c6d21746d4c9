//! Which value does a kernel parameter have, and which shall it have?
//!
//! Parameters under `net.` are those of the network namespace of the calling thread.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

#[derive(Debug, thiserror::Error)]
pub enum SysctlError {
    #[error("not a name of a kernel parameter: {0:?}")]
    InvalidName(String),
    #[error("cannot read kernel parameter {name}: {}", explain(.source))]
    Read { name: String, source: io::Error },
    #[error("cannot set kernel parameter {name}: {}: {value:?}", explain(.source))]
    Write { name: String, value: String, source: io::Error },
    #[error("kernel parameter {name} is not a number: {value:?}")]
    NotANumber { name: String, value: String },
}

fn explain(source: &io::Error) -> String {
    let reason = match source.raw_os_error() {
        Some(libc::ENOENT) => "this kernel does not have it",
        Some(libc::EACCES | libc::EPERM) => "missing privilege",
        Some(libc::EROFS) => "/proc/sys is mounted read-only",
        Some(libc::EINVAL | libc::ERANGE) => "the kernel does not take the value",
        _ => return source.to_string(),
    };
    format!("{reason}: {source}")
}

/// Reads a parameter by its dotted name, without the line's end.
pub fn read(name: &str) -> Result<String, SysctlError> {
    let value = fs::read_to_string(path_of(name)?)
        .map_err(|source| SysctlError::Read { name: name.to_owned(), source })?;
    Ok(value.trim_end().to_owned())
}

pub fn read_number<T: FromStr>(name: &str) -> Result<T, SysctlError> {
    let value = read(name)?;
    let Ok(number) = value.parse() else {
        return Err(SysctlError::NotANumber { name: name.to_owned(), value });
    };
    Ok(number)
}

pub fn write(name: &str, value: &str) -> Result<(), SysctlError> {
    fs::write(path_of(name)?, value).map_err(|source| SysctlError::Write {
        name: name.to_owned(),
        value: value.to_owned(),
        source,
    })
}

/// As sysctl(8) has it: dots part the name, and a slash stands for a dot within a part, as in
/// `net.ipv4.conf.eth0/1.forwarding`.
fn path_of(name: &str) -> Result<PathBuf, SysctlError> {
    let mut path = Path::new("/proc/sys").to_path_buf();
    for part in name.split('.') {
        let part = part.replace('/', ".");
        if matches!(part.as_str(), "" | "." | "..") || part.contains('\0') {
            return Err(SysctlError::InvalidName(name.to_owned()));
        }
        path.push(part);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_in_a_name_is_a_dot_of_a_link() {
        assert_eq!(
            path_of("net.ipv4.conf.eth0/1.forwarding").unwrap(),
            Path::new("/proc/sys/net/ipv4/conf/eth0.1/forwarding")
        );
    }

    #[test]
    fn a_name_cannot_leave_the_directory() {
        let texts = ["net.//.x", "", "net..x"].map(|name| path_of(name).unwrap_err().to_string());
        assert_eq!(
            texts,
            [
                "not a name of a kernel parameter: \"net.//.x\"",
                "not a name of a kernel parameter: \"\"",
                "not a name of a kernel parameter: \"net..x\"",
            ]
        );
    }

    #[test]
    fn a_parameter_that_is_not_there_is_said_to_be() {
        assert_eq!(
            read("net.no_such_parameter").unwrap_err().to_string(),
            "cannot read kernel parameter net.no_such_parameter: this kernel does not have it: \
             No such file or directory (os error 2)"
        );
    }
}
