//! What does a resolv.conf say?

use std::sync::Arc;
use std::time::Duration;

use super::notice::{Notice, Notices, Origin, quoted};
use super::upstream::{DNS_PORT, UPSTREAMS_MAX, Upstream};
use super::zone_name::domain;

/// Search domains that are kept: glibc knows no bound, musl none either, a kubelet writes 32.
pub const SEARCH_MAX: usize = 32;

/// More bytes of a file are not read.
const BYTES_MAX: usize = 64 * 1024;

/// A resolv.conf. What it does not say has the value that resolver libraries take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// In order, [`UPSTREAMS_MAX`] at most. (glibc asks the first three.)
    pub nameservers: Vec<Upstream>,
    /// The domains that complete a name: of the last `search` or `domain` line.
    pub search: Vec<Arc<str>>,
    /// A name with at least that many dots is tried as it stands first: 0 to 15.
    pub ndots: u32,
    /// Until a nameserver is taken as silent: 1 to 30 seconds.
    pub timeout: Duration,
    /// How often the whole list is asked: 1 to 5.
    pub attempts: u32,
    /// Whether the nameservers take turns.
    pub rotate: bool,
}

impl Default for ResolvConf {
    fn default() -> Self {
        Self {
            nameservers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
        }
    }
}

impl ResolvConf {
    /// Reads one. `path` is what notices call it.
    #[must_use]
    pub fn read(path: &str, text: &str) -> (Self, Vec<Notice>) {
        let source: Arc<str> = path.into();
        let mut read = Self::default();
        let mut notices = Notices::default();
        if text.len() > BYTES_MAX {
            let message = format!("longer than {BYTES_MAX} bytes: nothing of it is read");
            notices.add(&Origin::new(path), message);
            return (read, notices.finish(path));
        }
        for (line, number) in text.lines().zip(1..) {
            read.line(line, &Origin::at(&source, number), &mut notices);
        }
        (read, notices.finish(path))
    }

    fn line(&mut self, line: &str, origin: &Origin, notices: &mut Notices) {
        if line.starts_with(['#', ';']) {
            return;
        }
        let mut words = line.split_whitespace();
        let Some(keyword) = words.next() else { return };
        match keyword {
            "nameserver" => self.nameserver(words.next().unwrap_or_default(), origin, notices),
            "search" => self.search(words, origin, notices),
            "domain" => self.search(words.take(1), origin, notices),
            "options" => words.for_each(|option| self.option(option, origin, notices)),
            "sortlist" => {
                let message = "sortlist is not understood, ignored: addresses are in any order";
                notices.add(origin, message);
            }
            _ => notices.add(origin, format!("{} is not understood, ignored", quoted(keyword))),
        }
    }

    fn nameserver(&mut self, text: &str, origin: &Origin, notices: &mut Notices) {
        let Some(upstream) = Upstream::without_port(text, DNS_PORT) else {
            notices.add(origin, format!("nameserver {} is no address, ignored", quoted(text)));
            return;
        };
        if self.nameservers.len() < UPSTREAMS_MAX {
            self.nameservers.push(upstream);
        } else {
            let message = format!("nameserver {text} is beyond the first {UPSTREAMS_MAX}, ignored");
            notices.add(origin, message);
        }
    }

    fn search<'a>(
        &mut self,
        words: impl Iterator<Item = &'a str>,
        origin: &Origin,
        notices: &mut Notices,
    ) {
        self.search.clear();
        for word in words {
            // A comment may follow: no domain begins so.
            if word.starts_with(['#', ';']) {
                return;
            }
            match domain(word) {
                // The root completes nothing: the name is tried as it stands anyway.
                Some(name) if name.is_empty() => {}
                Some(_) if self.search.len() == SEARCH_MAX => {
                    let message = format!(
                        "search domain {} is beyond the first {SEARCH_MAX}, ignored",
                        quoted(word)
                    );
                    notices.add(origin, message);
                }
                Some(name) => self.search.push(name),
                None => {
                    let message = format!("search domain {} is no name, ignored", quoted(word));
                    notices.add(origin, message);
                }
            }
        }
    }

    fn option(&mut self, option: &str, origin: &Origin, notices: &mut Notices) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        let number: Option<u32> = value.parse().ok();
        match (name, number) {
            ("ndots", Some(ndots)) => self.ndots = ndots.min(15),
            ("timeout", Some(seconds)) => {
                self.timeout = Duration::from_secs(seconds.clamp(1, 30).into());
            }
            ("attempts", Some(attempts)) => self.attempts = attempts.clamp(1, 5),
            ("rotate", None) if value.is_empty() => self.rotate = true,
            ("ndots" | "timeout" | "attempts", None) => {
                notices.add(origin, format!("option {} has no number, ignored", quoted(option)));
            }
            _ => {
                notices
                    .add(origin, format!("option {} is not understood, ignored", quoted(option)));
            }
        }
    }
}
