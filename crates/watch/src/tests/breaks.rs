//! Does what is told add up, however often a watch breaks?

use ingest::api::Kind;
use proptest::prelude::*;

use super::api_server::{Rig, end_of_list, line, page, refused, slice};
use crate::api_server::follower::Request;
use crate::api_server::form::Form;
use crate::event::Event;

/// What happens to one object, or to the connection.
#[derive(Debug, Clone)]
enum Step {
    Write(usize),
    Delete(usize),
    /// The connection breaks, and so many of the changes until then were not heard.
    Break {
        is_expired: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_usize).prop_map(Step::Write),
        2 => (0..6_usize).prop_map(Step::Delete),
        1 => any::<bool>().prop_map(|is_expired| Step::Break { is_expired }),
    ]
}

proptest! {
    /// Whoever does what is told holds what the server holds, however often the watch breaks.
    #[test]
    fn what_is_told_adds_up_to_what_the_server_has(
        steps in proptest::collection::vec(step(), 0..60),
        by_pages in any::<bool>(),
    ) {
        let mut rig = Rig::new(Kind::EndpointSlice);
        let mut server = std::collections::BTreeMap::new();
        let mut held = std::collections::BTreeMap::new();
        // Changes in the order of their versions, which count from 1.
        let mut log: Vec<String> = Vec::new();
        let mut heard = 0;
        for step in steps.iter().cloned().chain([Step::Break { is_expired: true }]) {
            let version = u32::try_from(log.len()).expect("few steps") + 1;
            match step {
                Step::Write(index) => {
                    let object = slice(&index.to_string(), version);
                    log.push(line("MODIFIED", &object));
                    server.insert(index.to_string(), version);
                }
                Step::Delete(index) => {
                    if server.remove(&index.to_string()).is_some() {
                        log.push(line("DELETED", &slice(&index.to_string(), version)));
                    }
                }
                Step::Break { is_expired } => {
                    let failure = if is_expired { refused(410) } else { refused(500) };
                    rig.end(Some(&failure));
                    let mut request = rig.begin();
                    if by_pages && request == Request::Stream {
                        rig.end(Some(&refused(422)));
                        request = rig.begin();
                    }
                    let now = u32::try_from(log.len()).expect("few steps");
                    let events = match request {
                        Request::Stream => {
                            let mut events = Vec::new();
                            for (name, version) in &server {
                                let line = line("ADDED", &slice(name, *version));
                                events.extend(rig.follower.hear(Form::Json, line.as_bytes()).expect("good"));
                            }
                            let end = end_of_list(now);
                            events.extend(rig.follower.hear(Form::Json, end.as_bytes()).expect("good"));
                            events
                        }
                        Request::Page { .. } => {
                            let objects: Vec<String> = server
                                .iter()
                                .map(|(name, version)| slice(name, *version))
                                .collect();
                            rig.follower.hear_page(Form::Json, page(&objects, now, "").as_bytes()).expect("good")
                        }
                        Request::Watch { resource_version } => {
                            let from: usize = resource_version.parse().expect("a number");
                            prop_assert_eq!(from, heard);
                            let mut events = Vec::new();
                            for line in log.iter().skip(from) {
                                events.extend(rig.follower.hear(Form::Json, line.as_bytes()).expect("good"));
                            }
                            events
                        }
                    };
                    for event in events {
                        match event {
                            Event::Applied(object) => {
                                let metadata = object.metadata();
                                let version = metadata.resource_version.clone().expect("it has one");
                                held.insert(metadata.name.clone(), version.parse().expect("a number"));
                            }
                            Event::Deleted(key) => {
                                prop_assert!(held.remove(&key.name).is_some());
                            }
                            Event::FileRejected { .. } | Event::FileRepaired { .. } | Event::Synced => {
                                prop_assert!(false, "nothing of the kind is told");
                            }
                        }
                    }
                    heard = log.len();
                    prop_assert_eq!(&held, &server);
                }
            }
        }
    }
}
