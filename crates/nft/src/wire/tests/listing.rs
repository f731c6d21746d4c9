//! Does `nft` list the table as a person would write it, and take the list as its input?

use std::path::Path;

use model::{DetectLocal, Family};

use super::kernel::{in_netns, nft, send};
use super::whole::{options, picking_chains, whole_table};
use crate::layout::picking_chain;
use crate::name::{ChainId, SetId};
use crate::program::{Expr, Op};

const LISTING: &str = "src/wire/tests/listing.nft";

#[test]
fn the_listing_reads_well() {
    let ids = [ChainId::Pick { n: 1 }, ChainId::Pick { n: 2 }, ChainId::Pick { n: 3 }];
    let sticky = ChainId::Sticky { n: 2, timeout_s: 10_800 };
    let picking = ids.into_iter().chain([sticky]).filter_map(picking_chain).collect();
    let cidrs = ["10.1.0.0/16", "10.3.0.1/32", "fd00:1::/64"].map(|cidr| cidr.parse().unwrap());
    let ops = whole_table(&options(DetectLocal::Cidrs(cidrs.to_vec())), picking);
    in_netns(|socket| {
        send(socket, &ops);
        // Without what changes by itself: counters, and the time that elements have left.
        let listing = nft(&["-s", "list", "ruleset"], "");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(LISTING);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &listing).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert!(listing == expected, "UPDATE_EXPECT=1 writes {LISTING} anew:\n{listing}");
    });
}

/// But for dynamic elements with keys longer than sixteen bytes: nft 1.0.6 gives them registers
/// for sixteen and ends with a failed assertion. The kernel takes them, and nft lists them.
#[test]
fn nft_accepts_its_listing() {
    let ops = whole_table(&options(DetectLocal::Never), picking_chains());
    let ops: Vec<Op> = ops.into_iter().filter(|op| !writes_long_keys(op)).collect();
    in_netns(|socket| {
        send(socket, &ops);
        let listing = nft(&["list", "ruleset"], "");
        let again = format!("delete table inet pogu\n{listing}");
        assert_eq!(nft(&["-c", "-f", "-"], &again), "");
        nft(&["-f", "-"], &again);
        let listed_again = nft(&["list", "ruleset"], "");
        assert_eq!(without_time(&listed_again), without_time(&listing));
    });
}

/// The lines, each up to the time that its element has left.
fn without_time(listing: &str) -> Vec<&str> {
    listing.lines().filter_map(|line| line.split(" expires ").next()).collect()
}

fn writes_long_keys(op: &Op) -> bool {
    let long = SetId::Affinity(Family::V6);
    let writes = |expr: &Expr| matches!(expr, Expr::Dynamic { set, .. } if *set == long);
    matches!(op, Op::AddRule(rule) if rule.exprs.iter().any(writes))
}
