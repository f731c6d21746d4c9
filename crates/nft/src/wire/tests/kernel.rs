//! What does the real kernel make of our messages?

use host::netfilter::Nfnetlink;
use host::netns::Netns;
use host::skip;
use model::DetectLocal;

use super::whole::{CLIENTS_MAX, options, whole_table};
use crate::wire::encode;

#[test]
fn the_whole_table_is_accepted() {
    if skip::without_root() {
        return;
    }
    let netns = Netns::unshared().unwrap();
    netns
        .run(|| {
            let mut socket = Nfnetlink::open().unwrap();
            let ops = whole_table(&options(DetectLocal::Never));
            let batch = encode(&ops, CLIENTS_MAX, 1, None);
            if let Err(error) = socket.transact(&batch.bytes) {
                if let host::netfilter::TransactError::Refused { errors, .. } = &error {
                    for e in errors.iter().take(5) {
                        let culprit = batch.culprit(e.sequence, e.attribute_offset);
                        println!("{e}: {:?}", culprit.map(|range| &ops[range]));
                    }
                }
                panic!("{error}");
            }
            println!(
                "{}",
                host::process::stdout_of(
                    "nft",
                    &["list", "ruleset"],
                    "",
                    std::time::Duration::from_secs(10)
                )
                .unwrap()
            );
        })
        .unwrap();
}
