//! Are whole batches applied or refused, lists complete, changes heard of?

use std::time::Duration;

use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::netfilter::{Nfnetlink, NftMonitor, TransactError, TransactStats};
use crate::netlink::{DumpError, MessageError, MessageWriter, attributes, find};
use crate::netns::Netns;
use crate::{process, skip};

const DEADLINE: Duration = Duration::from_secs(20);

const NFT: u16 = 10 << 8;
const NEWTABLE: u16 = NFT;
const NEWCHAIN: u16 = NFT | 3;
const GETSETELEM: u16 = NFT | 13;
const NEWSETELEM: u16 = NFT | 12;
const NFPROTO_INET: u8 = 1;

const ACK: u16 = 4;
const DUMP: u16 = 0x300;
const CREATE: u16 = 0x400;

fn nft(args: &[&str], stdin: &str) -> String {
    process::stdout_of("nft", args, stdin, DEADLINE).unwrap()
}

type Body<'a> = &'a dyn Fn(&mut MessageWriter);

/// A batch of messages that are created in the inet family, the first with sequence number 101.
fn batch(messages: &[(u16, Body<'_>)]) -> Vec<u8> {
    let mut writer = MessageWriter::default();
    writer.batch_edge((16, 0), 100, [0, 10]);
    let mut sequence = 100;
    for (message_type, body) in messages {
        sequence += 1;
        writer.message((*message_type, CREATE), sequence, NFPROTO_INET, body);
    }
    writer.batch_edge((17, ACK), sequence + 1, [0, 10]);
    writer.bytes().to_vec()
}

fn table(name: &str) -> impl Fn(&mut MessageWriter) {
    let name = format!("{name}\0");
    move |writer| writer.put(1, name.as_bytes())
}

fn chain(table: &str, name: &str) -> impl Fn(&mut MessageWriter) {
    let (table, name) = (format!("{table}\0"), format!("{name}\0"));
    move |writer| {
        writer.put(1, table.as_bytes());
        writer.put(3, name.as_bytes());
    }
}

#[test]
fn a_batch_is_applied_and_acknowledged() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut netlink = Nfnetlink::open().unwrap();
            let before = netlink.generation_id().unwrap();
            let batch = batch(&[(NEWTABLE, &table("t")), (NEWCHAIN, &chain("t", "c"))]);
            let stats = netlink.transact(&batch).unwrap();
            assert_eq!(stats, TransactStats { bytes: batch.len(), acknowledgements: 1 });
            assert_eq!(nft(&["list", "ruleset"], ""), "table inet t {\n\tchain c {\n\t}\n}\n");
            assert_eq!(netlink.generation_id().unwrap(), before + 1);
        })
        .unwrap();
}

#[test]
fn each_refused_message_is_reported_and_nothing_of_the_batch_remains() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut netlink = Nfnetlink::open().unwrap();
            let batch = batch(&[
                (NEWTABLE, &table("t")),
                (NEWCHAIN, &chain("absent", "c")),
                (NEWCHAIN, &chain("t", "c")),
                (NEWCHAIN, &chain("gone", "c")),
            ]);
            let refused = |sequence| MessageError {
                sequence,
                errno: libc::ENOENT,
                text: None,
                attribute_offset: Some(20),
            };
            match netlink.transact(&batch) {
                Err(TransactError::Refused { errors, incomplete: false }) => {
                    assert_eq!(errors, [refused(102), refused(104)]);
                }
                other => panic!("expected a refusal, found {other:?}"),
            }
            assert_eq!(nft(&["list", "ruleset"], ""), "");
        })
        .unwrap();
}

#[test]
fn a_batch_for_a_former_generation_is_refused_as_such() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut netlink = Nfnetlink::open().unwrap();
            let seen = netlink.generation_id().unwrap();
            nft(&["add", "table", "inet", "other"], "");
            let mut writer = MessageWriter::default();
            // NFNL_BATCH_GENID behind the edge of the batch.
            writer.framed((16, 0), 100, [0, 0, 0, 10], |begin| begin.put(1, &seen.to_be_bytes()));
            writer.message((NEWTABLE, CREATE), 101, NFPROTO_INET, table("t"));
            writer.batch_edge((17, ACK), 102, [0, 10]);
            let error = netlink.transact(writer.bytes()).unwrap_err();
            assert!(matches!(error, TransactError::GenerationChanged), "{error:?}");
            assert_eq!(nft(&["list", "tables"], ""), "table inet other\n");
        })
        .unwrap();
}

#[test]
fn this_kernel_tells_whether_it_acknowledges_the_end_of_a_batch() {
    if skip::without_root() {
        return;
    }
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap(), numbers.next().unwrap());
    let found = Netns::unshared()
        .unwrap()
        .run(|| Nfnetlink::open().unwrap().acknowledges_batch_end().unwrap())
        .unwrap();
    assert_eq!(found, version >= (6, 10));
}

#[test]
fn a_batch_without_edges_is_not_sent() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut netlink = Nfnetlink::open().unwrap();
            let whole = batch(&[(NEWTABLE, &table("t"))]);
            let texts = [&whole[20..], &whole[..whole.len() - 20], &whole[..7]]
                .map(|batch| netlink.transact(batch).unwrap_err().to_string());
            assert_eq!(
                texts,
                [
                    "batch of 48 bytes is malformed: it does not start with BATCH_BEGIN",
                    "batch of 48 bytes is malformed: it does not end with BATCH_END",
                    "batch of 7 bytes is malformed: it does not start with BATCH_BEGIN",
                ]
            );
            assert_eq!(nft(&["list", "ruleset"], ""), "");
        })
        .unwrap();
}

const N_ELEMENTS: u32 = 10_000;

/// Writes the elements of a set of 32-bit numbers, 2,000 a message.
fn many_elements() -> Vec<u8> {
    let numbers: Vec<u32> = (0..N_ELEMENTS).collect();
    let mut writer = MessageWriter::default();
    writer.batch_edge((16, 0), 1, [0, 10]);
    for (numbers, sequence) in numbers.chunks(2000).zip(2..) {
        writer.message((NEWSETELEM, CREATE), sequence, NFPROTO_INET, |message| {
            message.put(1, b"t\0");
            message.put(2, b"s\0");
            message.nest(3, |elements| {
                for number in numbers {
                    elements.nest(1, |element| {
                        element.nest(1, |key| key.put(1, &number.to_ne_bytes()));
                    });
                }
            });
        });
    }
    writer.batch_edge((17, ACK), 1 + N_ELEMENTS, [0, 10]);
    writer.bytes().to_vec()
}

const SET: &str = "table inet t {\n set s {\n type mark\n }\n}\n";

/// A request for the elements of that set.
fn elements_request() -> Vec<u8> {
    let mut writer = MessageWriter::default();
    writer.message((GETSETELEM, DUMP), 7, NFPROTO_INET, |message| {
        message.put(1, b"t\0");
        message.put(2, b"s\0");
    });
    writer.bytes().to_vec()
}

#[test]
fn a_list_of_many_elements_is_complete() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            nft(&["-f", "-"], SET);
            let batch = many_elements();
            let mut netlink = Nfnetlink::open().unwrap();
            netlink.transact(&batch).unwrap();
            let mut numbers = Vec::new();
            netlink
                .dump(&elements_request(), &mut |message_type, payload| {
                    assert_eq!(message_type, NEWSETELEM);
                    numbers.extend(numbers_of(payload));
                })
                .unwrap();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..N_ELEMENTS).collect::<Vec<u32>>());
        })
        .unwrap();
}

fn numbers_of(payload: &[u8]) -> Vec<u32> {
    let elements = find(&payload[4..], 3).unwrap().unwrap();
    attributes(elements)
        .map(|element| {
            let key = find(element.unwrap().value, 1).unwrap().unwrap();
            let value = find(key, 1).unwrap().unwrap();
            u32::from_ne_bytes(value.try_into().unwrap())
        })
        .collect()
}

#[test]
fn a_batch_of_sixty_megabytes_goes_in_one_send() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let bulky = |writer: &mut MessageWriter| {
                writer.put(1, b"t\0");
                // The kernel passes over an attribute that it does not know.
                writer.put(1000, &[0; 60_000]);
            };
            let batch = batch(&vec![(NEWTABLE, &bulky as Body<'_>); 1060]);
            assert_eq!(batch.len() >> 20, 60);
            let stats = Nfnetlink::open().unwrap().transact(&batch).unwrap();
            assert_eq!(stats, TransactStats { bytes: batch.len(), acknowledgements: 1 });
            assert_eq!(nft(&["list", "ruleset"], ""), "table inet t {\n}\n");
        })
        .unwrap();
}

#[test]
fn a_batch_larger_than_the_send_buffer_is_not_sent_and_said_to_be() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let bulky = |writer: &mut MessageWriter| writer.put(1000, &[0; 60_000]);
            let batch = batch(&vec![(NEWTABLE, &bulky as Body<'_>); 2500]);
            let error = Nfnetlink::open().unwrap().transact(&batch).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "netlink takes no request of this size: {} bytes: Message too long (os error 90)\n\
                     hint: send less at once",
                    batch.len()
                )
            );
        })
        .unwrap();
}

#[test]
fn a_list_of_what_is_not_there_is_refused() {
    if skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(|| {
        let mut netlink = Nfnetlink::open().unwrap();
        let mut writer = MessageWriter::default();
        writer.message((GETSETELEM, DUMP), 7, NFPROTO_INET, |message| message.put(1, b"t\0"));
        let error = netlink.dump(writer.bytes(), &mut |_, _| {}).unwrap_err();
        assert_eq!(
            error.to_string(),
            "listing refused: message 7: No such file or directory (os error 2): attribute at byte 20"
        );
    }).unwrap();
}

#[test]
fn a_monitor_hears_what_others_and_what_this_socket_changed() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut monitor = NftMonitor::open().unwrap();
            assert_eq!(monitor.recv(Duration::ZERO).unwrap(), []);
            let mut netlink = Nfnetlink::open().unwrap();
            netlink.transact(&batch(&[(NEWTABLE, &table("own"))])).unwrap();
            nft(&["add", "table", "inet", "other"], "");
            let is_own: Vec<_> = monitor
                .recv(DEADLINE)
                .unwrap()
                .into_iter()
                .filter(|heard| heard.message_type == NEWTABLE)
                .map(|heard| heard.sender_port_id == netlink.port_id())
                .collect();
            assert_eq!(is_own, [true, false]);
        })
        .unwrap();
}

#[test]
fn more_changes_than_a_monitor_holds_are_said_to_be_lost_and_it_goes_on() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut monitor = NftMonitor::open().unwrap();
            set_socket_recv_buffer_size(&monitor, 4096).unwrap();
            let mut netlink = Nfnetlink::open().unwrap();
            nft(&["-f", "-"], SET);
            netlink.transact(&many_elements()).unwrap();
            let found = std::iter::from_fn(|| match monitor.recv(Duration::ZERO) {
                Ok(heard) if heard.is_empty() => None,
                heard => Some(heard.map(|_| ()).map_err(|error| error.to_string())),
            });
            let lost = "nftables changed faster than the changes were read: some were lost";
            assert_eq!(found.collect::<Vec<_>>(), [Err(lost.to_owned()), Ok(())]);
            netlink.transact(&batch(&[(NEWTABLE, &table("later"))])).unwrap();
            assert_ne!(monitor.recv(DEADLINE).unwrap(), []);
        })
        .unwrap();
}

#[test]
fn more_refusals_than_the_socket_holds_are_said_to_be_incomplete() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut netlink = Nfnetlink::open().unwrap();
            set_socket_recv_buffer_size(&netlink.socket, 4096).unwrap();
            let refused = chain("absent", "c");
            let batch = batch(&vec![(NEWCHAIN, &refused as Body<'_>); 100]);
            match netlink.transact(&batch) {
                Err(TransactError::Refused { errors, incomplete: true }) => {
                    let numbers: Vec<_> = errors.iter().map(|error| error.sequence).collect();
                    let first: Vec<_> = (101..).take(numbers.len()).collect();
                    assert_eq!(numbers, first);
                }
                other => panic!("expected a refusal, found {other:?}"),
            }
        })
        .unwrap();
}

#[test]
fn a_list_of_what_changes_meanwhile_is_interrupted() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            nft(&["-f", "-"], SET);
            let (mut netlink, mut other) = (Nfnetlink::open().unwrap(), Nfnetlink::open().unwrap());
            netlink.transact(&many_elements()).unwrap();
            let mut n_parts = 0;
            let error = netlink.dump(&elements_request(), &mut |_, _| {
                n_parts += 1;
                if n_parts == 1 {
                    other.transact(&batch(&[(NEWTABLE, &table("other"))])).unwrap();
                }
            });
            assert!(matches!(error, Err(DumpError::Interrupted)), "{error:?}");
            // The socket is in order: the list can be asked for again.
            netlink.dump(&elements_request(), &mut |_, _| {}).unwrap();
        })
        .unwrap();
}

#[test]
fn without_its_privilege_a_transaction_is_denied() {
    if skip::without_root() {
        return;
    }
    Netns::unshared()
        .unwrap()
        .run(|| {
            let mut netlink = Nfnetlink::open().unwrap();
            caps::drop(None, caps::CapSet::Effective, caps::Capability::CAP_NET_ADMIN).unwrap();
            let error = netlink.transact(&batch(&[(NEWTABLE, &table("t"))])).unwrap_err();
            assert!(matches!(error, TransactError::Denied), "{error:?}");
        })
        .unwrap();
}
