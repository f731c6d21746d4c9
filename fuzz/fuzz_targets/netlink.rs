//! Does anything that a kernel may list break reading it, or what we would do about it?
#![no_main]

use std::sync::{Arc, LazyLock};

use ingest::Objects;
use ingest::manifest::{Manifest, parse};
use libfuzzer_sys::fuzz_target;
use model::{DetectLocal, NodeContext, NodeName, NodeTable};
use nft::wire::{decode_any, encode};
use nft::{Options, Ruleset, adopt};

const SHOP: &str = include_str!("../seeds/manifest/shop.yaml");

static TABLE: LazyLock<NodeTable> = LazyLock::new(|| {
    let mut objects = Objects::new();
    for manifest in parse("shop.yaml", SHOP).0 {
        if let Manifest::Object(object) = manifest {
            objects.apply(object);
        }
    }
    let node = NodeContext {
        name: NodeName::new("a"),
        zone: None,
        local_addresses: [[192, 168, 0, 1].into()].into(),
        primary_addresses: Vec::new(),
        node_port_addresses: vec![[192, 168, 0, 1].into()],
        detect_local: DetectLocal::Never,
        masquerade_all: false,
    };
    NodeTable::new(Arc::new(node), &objects.table())
});

fuzz_target!(|bytes: &[u8]| {
    let held = decode_any(bytes);
    // Most inputs say nothing; they must not cost what follows.
    if held == Ruleset::default() {
        return;
    }
    let options = Options::default();
    let clients_max = options.affinity_clients_max;
    let (planner, _) = adopt(&TABLE, options, &held);
    let desired = planner.desired();
    // A transaction can be written and read whatever is there.
    let mending = encode(&held.steps_to(&desired), clients_max, 1, None);
    drop(decode_any(&mending.bytes));

    // Whichever numbers were taken over, an empty kernel ends with what is wanted.
    let mut filled = Ruleset::default();
    let steps = filled.steps_to(&desired);
    filled.apply(&steps, clients_max).expect("all steps are additions in order");
    assert_eq!(decode_any(&encode(&steps, clients_max, 1, None).bytes), filled);
    assert_eq!(filled.steps_to(&desired), []);
});
