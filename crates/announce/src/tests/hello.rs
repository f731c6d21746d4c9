//! Is what agents tell each other read as it was written, and everything else refused?

use std::net::IpAddr;
use std::time::Duration;

use model::{Mac, NodeName};
use proptest::prelude::*;

use crate::journal::Journal;
use crate::{Change, HELLO_BYTES_MAX, Hello, Standing};

fn change() -> impl Strategy<Value = Change> {
    let standing =
        prop_oneof![Just(Standing::Standby), Just(Standing::Owner), Just(Standing::Unable)];
    prop_oneof![
        (any::<IpAddr>(), standing)
            .prop_map(|(address, standing)| Change::Vip { address, standing }),
        ("[a-z.-]{0,253}", any::<Option<bool>>())
            .prop_map(|(node, is_up)| Change::Peer { node: NodeName::new(node), is_up }),
        (any::<[u8; 6]>(), any::<bool>())
            .prop_map(|(mac, is_own)| Change::Mac { mac: Mac(mac), is_own }),
    ]
}

fn hello() -> impl Strategy<Value = Hello> {
    let versions = any::<[u32; 3]>().prop_map(|mut versions| {
        versions.sort_unstable();
        versions.map(u64::from)
    });
    let numbers = (any::<[u64; 4]>(), any::<Option<u64>>(), any::<u64>(), any::<u64>());
    let changes = prop::collection::vec(change(), 0..4);
    (numbers, any::<[bool; 2]>(), 1_u64..60_000, versions, changes).prop_map(
        |(
            ([life, revision, has_forgotten, forgets], hears, sequence, knows),
            [is_leaving, is_needed],
            interval,
            [from, to, version],
            changes,
        )| {
            let interval = Duration::from_millis(interval);
            Hello {
                life,
                hears,
                is_leaving,
                is_needed,
                interval,
                sequence,
                knows,
                has_forgotten,
                revision,
                version,
                forgets,
                from,
                to,
                changes,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_hello_is_read_as_it_was_written(hello in hello()) {
        let bytes = hello.encode();
        prop_assert_eq!(Hello::decode(&bytes), Some(hello.clone()));
        // Cut short it is none, or lacks whole changes.
        for length in 0..bytes.len() {
            if let Some(less) = Hello::decode(&bytes[..length]) {
                let changes = hello.changes[..less.changes.len()].to_vec();
                prop_assert_eq!(less, Hello { changes, ..hello.clone() });
            }
        }
    }

    #[test]
    fn whoever_takes_all_hellos_knows_the_last_word_on_everything(
        changes in prop::collection::vec(change(), 0..400),
        told_at in 0_usize..400,
    ) {
        let mut journal = Journal::default();
        let mut known = Known::default();
        for (n, change) in changes.iter().enumerate() {
            journal.tell(change.clone());
            if n == told_at {
                known.follow(&journal);
            }
        }
        known.follow(&journal);
        let mut fresh = Known::default();
        fresh.follow(&journal);
        prop_assert_eq!(&known.words, &fresh.words);
    }
}

/// What a receiver has heard: the last word on each thing that is not the default.
#[derive(Default)]
struct Known {
    version: u64,
    words: Vec<Change>,
}

impl Known {
    fn follow(&mut self, journal: &Journal) {
        while self.version < journal.version() {
            let (changes, to) = journal.since(self.version);
            let length: usize = changes.iter().map(Change::length).sum();
            assert!(length <= HELLO_BYTES_MAX, "{length}");
            for change in changes {
                let (subject, is_default) = subject(&change);
                self.words.retain(|word| self::subject(word).0 != subject);
                if !is_default {
                    self.words.push(change);
                }
            }
            self.version = to;
        }
        self.words.sort_by_key(|word| subject(word).0);
    }
}

fn subject(change: &Change) -> (String, bool) {
    match change {
        Change::Vip { address, standing } => (address.to_string(), *standing == Standing::Standby),
        Change::Peer { node, is_up } => (format!("node {node}"), is_up.is_none()),
        Change::Mac { mac, is_own } => (format!("mac {mac}"), !is_own),
    }
}

fn is_other_with(bytes: &[u8], place: usize) -> bool {
    let mut bytes = bytes.to_vec();
    bytes[place] += 1;
    Hello::is_of_other_version(&bytes)
}

#[test]
fn what_is_not_a_hello_of_this_version_is_refused() {
    let hello = Hello {
        life: 1,
        hears: Some(2),
        is_leaving: true,
        is_needed: true,
        interval: Duration::from_millis(60),
        sequence: 3,
        knows: 4,
        has_forgotten: 2,
        forgets: 3,
        revision: 8,
        version: 7,
        from: 5,
        to: 6,
        changes: vec![Change::Vip { address: [10, 0, 0, 1].into(), standing: Standing::Owner }],
    };
    let good = hello.encode();
    let with = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        Hello::decode(&bytes)
    };
    assert_eq!(Hello::decode(&good), Some(hello.clone()));
    // The magic, the version, a change that is longer than the rest, or shorter than its value.
    let changes = good.len() - 7;
    let broken = [with(0, b'x'), with(4, 2), with(changes + 1, 6), with(changes + 1, 4)];
    assert_eq!(broken, [None, None, None, None]);
    assert_eq!([0, 4].map(|place| is_other_with(&good, place)), [false, true]);
    // Of a later version that says more: a flag, a kind of change, a standing.
    let changed = |changes: Vec<Change>| Some(Hello { changes, ..hello.clone() });
    let unable = Change::Vip { address: [10, 0, 0, 1].into(), standing: Standing::Unable };
    assert_eq!(
        [with(5, 7 | 128), with(changes, 99), with(changes + 6, 9)],
        [changed(hello.changes.clone()), changed(Vec::new()), changed(vec![unable])]
    );
    let backwards = Hello { from: 9, ..hello.clone() };
    let beyond = Hello { to: 8, ..hello.clone() };
    let restless = Hello { interval: Duration::ZERO, ..hello };
    assert_eq!(
        [backwards, beyond, restless].map(|hello| Hello::decode(&hello.encode())),
        [None, None, None]
    );
}
