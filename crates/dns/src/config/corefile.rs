//! What does a Corefile say?
//!
//! Reading has three steps: words and braces become lines with bodies (`token`, `tree`), imports are
//! put in place (`import`), and each line of a server block becomes settings (`block`, then one
//! module for each plugin that has options).

mod address;
mod block;
mod cache;
mod forward;
mod hosts;
mod import;
mod kubernetes;
mod report;
mod rewrite;
mod token;
mod tree;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::address::ServerAddress;
pub use self::block::{Forward, RULES_MAX, ServerBlock};
use super::notice::{Notice, Notices, Origin};

/// More bytes of one text are not read: an object of the API is not larger.
pub const COREFILE_BYTES_MAX: usize = 1024 * 1024;

/// Zones of all server blocks together.
pub const ZONES_MAX: usize = 1024;

/// A Corefile, as its author wrote it; [`merge`](super::merge) makes a configuration of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corefile {
    /// In the order of the text.
    pub blocks: Vec<ServerBlock>,
}

/// The texts that a Corefile is made of.
#[derive(Clone, Copy, Debug)]
pub struct CorefileText<'a> {
    /// What notices and origins call it: `Corefile`.
    pub name: &'a str,
    /// The file.
    pub text: &'a str,
    /// What `import` may name, by file name: the keys of the ConfigMap `coredns-custom`. Only the
    /// last part of a path is compared, so it does not matter where the files would be mounted.
    pub imports: &'a BTreeMap<String, String>,
    /// What stands for `{$NAME}` and `{%NAME%}`.
    pub environment: &'a BTreeMap<String, String>,
}

impl Corefile {
    /// Reads one. What is not understood has a notice, and the rest holds.
    #[must_use]
    pub fn read(source: &CorefileText<'_>) -> (Self, Vec<Notice>) {
        let mut notices = Notices::default();
        let lines = import::lines(source, &mut notices);
        let mut read = Self::default();
        let mut zones = 0;
        for line in &lines {
            if !line.has_body {
                let message = "a server block has no braces, ignored: its zones are not served so";
                notices.add(&line.origin, message);
                continue;
            }
            let mut block = ServerBlock::read(line, &mut notices);
            if zones + block.addresses.len() > ZONES_MAX {
                block.addresses.truncate(ZONES_MAX - zones);
                notices.add(&line.origin, format!("zones beyond {ZONES_MAX} are ignored"));
            }
            zones += block.addresses.len();
            read.blocks.push(block);
        }
        (read, notices.finish(source.name))
    }

    /// The files that it names: of name servers and of hosts. Whoever merges gives their texts.
    #[must_use]
    pub fn files(&self) -> Vec<Arc<str>> {
        let mut files: Vec<Arc<str>> = self.blocks.iter().flat_map(ServerBlock::files).collect();
        files.sort();
        files.dedup();
        files
    }

    /// Where it begins: the first block.
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.blocks.first().map(|block| &block.origin)
    }
}
