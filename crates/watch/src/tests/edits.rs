//! Do any edits end where reading the final files afresh would?

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Heard, documents, path};
use crate::files::{Files, Read};

const NAMES: [&str; 3] = ["a.yaml", "b.yaml", "c/d.yaml"];

/// What somebody does to one file.
#[derive(Debug, Clone)]
enum Edit {
    Write(Vec<(&'static str, u16)>),
    /// The start of what would have been written.
    WriteHalf(Vec<(&'static str, u16)>, usize),
    Truncate,
    Forbid,
    Remove,
}

fn services() -> impl Strategy<Value = Vec<(&'static str, u16)>> {
    vec((prop::sample::select(&["web", "api", "db"][..]), 80_u16..83), 0..4)
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => services().prop_map(Edit::Write),
        2 => (services(), 0_usize..300).prop_map(|(services, bytes)| Edit::WriteHalf(services, bytes)),
        1 => Just(Edit::Truncate),
        1 => Just(Edit::Forbid),
        2 => Just(Edit::Remove),
    ]
}

/// Files as they are, and what was read of them.
#[derive(Default)]
struct World {
    disk: BTreeMap<&'static str, Read>,
    files: Files,
    heard: Heard,
}

impl World {
    fn edit(&mut self, batch: Vec<(&'static str, Edit)>) {
        let mut reads = BTreeMap::new();
        for (name, edit) in batch {
            let read = match edit {
                Edit::Write(services) => Read::Text(written(&services)),
                Edit::WriteHalf(services, bytes) => {
                    let whole = written(&services);
                    Read::Text(whole.get(..bytes).unwrap_or(&whole).to_owned())
                }
                Edit::Truncate => Read::Text(String::new()),
                Edit::Forbid => Read::Failed("permission denied".to_owned()),
                Edit::Remove => Read::Gone,
            };
            self.disk.insert(name, read.clone());
            reads.insert(name, read);
        }
        let mut reads: Vec<_> = reads.into_iter().map(|(name, read)| (path(name), read)).collect();
        while !reads.is_empty() {
            let taken = self.files.take(reads);
            self.heard.hear(taken.events);
            reads = taken
                .read_again
                .into_iter()
                .map(|again| {
                    let name = NAMES.into_iter().find(|name| path(name) == again).unwrap();
                    (again, self.disk[name].clone())
                })
                .collect();
        }
    }
}

/// A file that holds nothing says so, and is not taken for one that is being written.
fn written(services: &[(&'static str, u16)]) -> String {
    if services.is_empty() { "# none\n".to_owned() } else { documents(services) }
}

proptest! {
    #[test]
    fn edits_end_where_a_fresh_read_does(
        batches in vec(vec((prop::sample::select(&NAMES[..]), edit()), 1..4), 1..12),
        last in vec(prop::option::of(services()), NAMES.len()),
    ) {
        let mut edited = World::default();
        for batch in batches {
            edited.edit(batch);
        }
        let last: Vec<(&'static str, Edit)> = NAMES
            .into_iter()
            .zip(last)
            .map(|(name, services)| (name, services.map_or(Edit::Remove, Edit::Write)))
            .collect();
        let mut fresh = World::default();
        fresh.edit(last.clone());
        edited.edit(last);
        prop_assert_eq!(edited.heard, fresh.heard);
    }
}
