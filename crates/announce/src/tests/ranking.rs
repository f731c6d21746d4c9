//! Is the order of candidates MetalLB's?

use model::NodeName;

use crate::{Contender, rank};

const NODES: [&str; 5] = ["worker-a", "worker-b", "worker-c", "edge.example", "n1"];

fn contender(node: &str) -> Contender {
    Contender { node: NodeName::new(node), score: 0 }
}

fn names(nodes: &[NodeName]) -> Vec<&str> {
    nodes.iter().map(|node| &*node.0).collect()
}

/// The sums are those of Python's hashlib.
#[test]
fn the_order_is_that_of_the_sums_of_node_and_address() {
    let expected = [
        (
            "10.20.30.40",
            [
                ("worker-c", "16e35952"),
                ("worker-b", "5dfd1953"),
                ("worker-a", "6aff7fdd"),
                ("edge.example", "9c43b72e"),
                ("n1", "f357bb51"),
            ],
        ),
        (
            "fd00::1",
            [
                ("worker-b", "114b2bfc"),
                ("worker-c", "79f2115f"),
                ("edge.example", "8964efdf"),
                ("n1", "cafc3149"),
                ("worker-a", "d6ea89e6"),
            ],
        ),
        (
            "192.0.2.7",
            [
                ("worker-a", "4a3b9ff4"),
                ("worker-c", "4cfa9333"),
                ("edge.example", "b1a60127"),
                ("n1", "b4b68b0c"),
                ("worker-b", "d6956df2"),
            ],
        ),
    ];
    for (address, expected) in expected {
        let ranking = rank(address.parse().unwrap(), NODES.map(contender));
        let found: Vec<(&str, String)> = ranking
            .candidates
            .iter()
            .map(|candidate| (&*candidate.node.0, candidate.lot.to_string()))
            .collect();
        assert_eq!(found, expected.map(|(node, lot)| (node, lot.to_owned())));
    }
}

#[test]
fn a_higher_score_goes_first_whatever_the_sum() {
    let contenders = [("worker-a", 1), ("worker-b", 10), ("worker-c", 1), ("n1", -5)]
        .map(|(node, score)| Contender { score, ..contender(node) });
    let ranking = rank("10.20.30.40".parse().unwrap(), contenders);
    assert_eq!(names(&ranking.nodes()), ["worker-b", "worker-c", "worker-a", "n1"]);
}

#[test]
fn one_node_more_or_less_moves_only_what_it_has() {
    let first = |address: std::net::IpAddr, nodes: &[String]| {
        rank(address, nodes.iter().map(|node| contender(node))).nodes().remove(0)
    };
    let nodes: Vec<String> = (0..20).map(|n| format!("node-{n}")).collect();
    let mut moved = 0;
    for n in 0..2000_u32 {
        let address = std::net::IpAddr::V4((0x0a00_0000 + n).into());
        let (with, without) = (first(address, &nodes), first(address, &nodes[..19]));
        if with != without {
            moved += 1;
            assert_eq!(&*with.0, "node-19");
        }
    }
    // About a twentieth; so many by hashlib.
    assert_eq!(moved, 87);
}
