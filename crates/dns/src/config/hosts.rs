//! Which names and addresses does a file like /etc/hosts bind to each other?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::Fallthrough;
use super::notice::{Notice, Notices, Origin, quoted};
use super::zone_name::domain;

/// Pairs of a name and an address that one table keeps. More are ignored, with a notice.
pub const HOSTS_MAX: usize = 65_536;

/// More bytes of a file are not read.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Static entries, and how they are served: what CoreDNS's plugin `hosts` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The zones that the entries are served in; empty: wherever the block is asked. A name outside
    /// of them is not looked up here.
    pub zones: Vec<Arc<str>>,
    /// Those of the file, then those written in the Corefile.
    pub table: HostTable,
    /// The file whose entries are in the table too, to be watched for changes.
    pub file: Option<Arc<str>>,
    /// Seconds, of each answer.
    pub ttl: u32,
    /// Whether addresses are answered with their names (PTR).
    pub has_reverse: bool,
    /// What becomes of a name of the zones that has no entry.
    pub fallthrough: Fallthrough,
    /// Where it stands.
    pub origin: Origin,
}

/// Names and addresses, both ways.
///
/// A name may begin with `*.`, which stands for exactly one label; a whole name comes before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTable {
    addresses: BTreeMap<Arc<str>, Vec<IpAddr>>,
    names: BTreeMap<IpAddr, Vec<Arc<str>>>,
    pairs: usize,
}

impl HostTable {
    /// Reads lines of hosts(5). `path` is what notices call the file.
    #[must_use]
    pub fn read(path: &str, text: &str) -> (Self, Vec<Notice>) {
        let source: Arc<str> = path.into();
        let mut table = Self::default();
        let mut notices = Notices::default();
        if text.len() > BYTES_MAX {
            let message = format!("longer than {BYTES_MAX} bytes: nothing of it is read");
            notices.add(&Origin::new(path), message);
            return (table, notices.finish(path));
        }
        for (line, number) in text.lines().zip(1..) {
            let entry = line.split_once('#').map_or(line, |(entry, _)| entry);
            let mut words = entry.split_whitespace();
            if let Some(address) = words.next() {
                table.add_entry(address, words, &Origin::at(&source, number), &mut notices);
            }
        }
        (table, notices.finish(path))
    }

    /// One line: an address and its names.
    pub(crate) fn add_entry<'a>(
        &mut self,
        address: &str,
        names: impl Iterator<Item = &'a str>,
        origin: &Origin,
        notices: &mut Notices,
    ) {
        // A scope is of use on this node only; a pod has other interfaces.
        let bare = address.split_once('%').map_or(address, |(bare, _)| bare);
        let Ok(address) = bare.parse::<IpAddr>() else {
            notices.add(origin, format!("{} is no address, entry ignored", quoted(address)));
            return;
        };
        for text in names {
            match domain(text) {
                Some(name) if !name.is_empty() => self.add(name, address, origin, notices),
                Some(_) | None => {
                    notices.add(origin, format!("{} is no host name, ignored", quoted(text)));
                }
            }
        }
    }

    fn add(&mut self, name: Arc<str>, address: IpAddr, origin: &Origin, notices: &mut Notices) {
        if self.pairs == HOSTS_MAX {
            let message = format!("entries beyond {HOSTS_MAX} are ignored: {}", quoted(&name));
            notices.add(origin, message);
            return;
        }
        self.insert(name, address);
    }

    fn insert(&mut self, name: Arc<str>, address: IpAddr) {
        let addresses = self.addresses.entry(Arc::clone(&name)).or_default();
        if addresses.contains(&address) {
            return;
        }
        addresses.push(address);
        self.pairs += 1;
        if !name.starts_with("*.") {
            self.names.entry(address).or_default().push(name);
        }
    }

    /// Puts the entries of another table behind these.
    pub(crate) fn append(&mut self, other: &Self, origin: &Origin, notices: &mut Notices) {
        let pairs = other.addresses.iter();
        for (name, address) in pairs.flat_map(|(name, all)| all.iter().map(move |one| (name, *one)))
        {
            self.add(Arc::clone(name), address, origin, notices);
        }
    }

    /// The addresses of a name (lower case, no final dot), of both families, in the order of the
    /// entries; `None` when it has no entry. `web.example.org` also finds `*.example.org`.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Option<&[IpAddr]> {
        let found = self.addresses.get(name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.addresses.get(format!("*.{parent}").as_str())
        });
        found.map(Vec::as_slice)
    }

    /// The names of an address, in the order of the entries; `None` when it has no entry.
    #[must_use]
    pub fn names(&self, address: IpAddr) -> Option<&[Arc<str>]> {
        self.names.get(&address).map(Vec::as_slice)
    }

    /// Every name with its addresses, ordered by name.
    pub fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &[IpAddr])> {
        self.addresses.iter().map(|(name, addresses)| (name, addresses.as_slice()))
    }

    /// How many pairs of a name and an address there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.pairs
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }
}
