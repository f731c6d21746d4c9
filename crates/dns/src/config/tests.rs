//! Is what configures a cluster DNS understood, and is it told where it is not?

mod any_input;
mod corefile;
mod flags;
mod hosts;
mod in_use;
mod kube_dns;
mod merge;
mod own_names;
mod plugins;
mod resolv_conf;
mod rewrite;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use super::*;

/// Notices as they are shown.
fn lines(notices: &[Notice]) -> Vec<String> {
    notices.iter().map(ToString::to_string).collect()
}

fn map<K: From<&'static str> + Ord>(entries: &[(&'static str, &str)]) -> BTreeMap<K, String> {
    entries.iter().map(|(name, text)| ((*name).into(), (*text).to_owned())).collect()
}

fn corefile(text: &str) -> (Corefile, Vec<Notice>) {
    let empty = BTreeMap::new();
    Corefile::read(&CorefileText { name: "Corefile", text, imports: &empty, environment: &empty })
}

/// A Corefile that is understood as a whole.
#[track_caller]
fn understood(text: &str) -> Corefile {
    let (corefile, notices) = corefile(text);
    assert_eq!(lines(&notices), [""; 0]);
    corefile
}

fn at(line: u32) -> Origin {
    Origin { source: "Corefile".into(), line: Some(line) }
}

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn plain(address: &str) -> Upstream {
    let address = address.parse().expect("an address with a port");
    Upstream { address, interface: None, transport: Transport::Plain }
}

fn over_tls(address: &str, server_name: Option<&str>) -> Upstream {
    let transport = Transport::Tls { server_name: server_name.map(Arc::from) };
    Upstream { transport, ..plain(address) }
}

fn shown<T, E: Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// The block of a Corefile that is understood as a whole. Its second line is `lines`' first.
#[track_caller]
fn block(lines: &str) -> ServerBlock {
    let mut corefile = understood(&format!(".:53 {{\n{lines}\n}}\n"));
    corefile.blocks.remove(0)
}

#[track_caller]
fn told(lines_of_block: &str, notices: &[&str]) -> ServerBlock {
    let (mut corefile, said) = corefile(&format!(".:53 {{\n{lines_of_block}\n}}\n"));
    assert_eq!(lines(&said), notices);
    corefile.blocks.remove(0)
}

fn empty_block() -> ServerBlock {
    block("")
}
