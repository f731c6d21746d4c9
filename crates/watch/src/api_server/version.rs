//! Is this a version of the API server that we know?

use serde::Deserialize;

/// Minor versions of Kubernetes 1 that the tests run with.
const OLDEST: u32 = 33;
const NEWEST: u32 = 36;

/// What `/version` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Version {
    major: String,
    /// Some providers put a sign behind the number.
    minor: String,
    /// As which one it behaves, where it says so.
    emulation_minor: String,
    pub(super) git_version: String,
}

/// What follows from a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Supported,
    /// It is used all the same.
    Newer(String),
    Older(String),
    /// Whoever answers is no API server.
    Unknown(String),
}

impl Version {
    pub(super) fn verdict(&self) -> Verdict {
        let minor = Some(&self.emulation_minor).filter(|it| !it.is_empty()).unwrap_or(&self.minor);
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        let (Ok(major), Ok(minor)) = (self.major.parse::<u32>(), digits.parse::<u32>()) else {
            return Verdict::Unknown(
                "whoever answers as the API server does not say its version".to_owned(),
            );
        };
        let found = &self.git_version;
        let supported = format!("1.{OLDEST} to 1.{NEWEST}");
        if (major, minor) < (1, OLDEST) {
            Verdict::Older(format!(
                "the API server is of a version that is not supported: {found}\nhint: it must be \
                 of {supported}; upgrade the cluster first"
            ))
        } else if (major, minor) > (1, NEWEST) {
            Verdict::Newer(format!(
                "the API server is newer than what this was tried with: {found}, tried with \
                 {supported}"
            ))
        } else {
            Verdict::Supported
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_judged_by_their_numbers() {
        let verdict = |major: &str, minor: &str, emulated: &str| {
            let (major, minor) = (major.to_owned(), minor.to_owned());
            let git_version = format!("v{major}.{minor}.0");
            let emulation_minor = emulated.to_owned();
            match (Version { major, minor, emulation_minor, git_version }).verdict() {
                Verdict::Supported => "supported",
                Verdict::Newer(_) => "newer",
                Verdict::Older(_) => "older",
                Verdict::Unknown(_) => "unknown",
            }
        };
        let versions = [("1", "33"), ("1", "36+"), ("1", "32"), ("1", "37"), ("2", "0"), ("", "")];
        let verdicts = versions.map(|(major, minor)| verdict(major, minor, ""));
        let expected = ["supported", "supported", "older", "newer", "newer", "unknown"];
        assert_eq!(verdicts, expected);
        let emulated = [("37", "36"), ("37", "37"), ("33", "32")];
        let verdicts = emulated.map(|(minor, emulated)| verdict("1", minor, emulated));
        assert_eq!(verdicts, ["supported", "newer", "older"]);
    }
    #[test]
    fn what_is_said_of_a_version_names_it_and_those_that_are_supported() {
        let verdict = |major: &str, minor: &str, git_version: &str| {
            let [major, minor, git_version] = [major, minor, git_version].map(str::to_owned);
            (Version { major, minor, git_version, ..Version::default() }).verdict()
        };
        assert_eq!(
            [
                verdict("1", "32", "v1.32.9"),
                verdict("1", "37+", "v1.37.0-x.1"),
                verdict("", "", "")
            ],
            [
                Verdict::Older(
                    "the API server is of a version that is not supported: v1.32.9\n\
                     hint: it must be of 1.33 to 1.36; upgrade the cluster first"
                        .to_owned()
                ),
                Verdict::Newer(
                    "the API server is newer than what this was tried with: v1.37.0-x.1, tried \
                     with 1.33 to 1.36"
                        .to_owned()
                ),
                Verdict::Unknown(
                    "whoever answers as the API server does not say its version".to_owned()
                ),
            ]
        );
    }
}
