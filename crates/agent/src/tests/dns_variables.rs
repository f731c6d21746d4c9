//! Which variables may a Corefile name?

use super::cluster::ip;
use super::dns_metrics::{serve, with_events};

#[test]
fn a_corefile_names_the_variables_of_the_process() {
    // Whatever runs tests by cargo sets this one.
    let corefile = "\
. {
    hosts {
        192.0.2.7 {$CARGO_PKG_NAME}.example {$NOT_SET_BY_ANYBODY}none.example
    }
}
";
    serve("variables", corefile, with_events(&[]), |view| {
        let state = view.state();
        let hosts = state.responder.blocks.iter().filter_map(|block| block.hosts.as_ref());
        let entries = hosts.flat_map(|hosts| hosts.table.entries());
        let found: Vec<_> = entries.map(|(name, it)| (name.to_string(), it.to_vec())).collect();
        let expected =
            ["agent.example", "none.example"].map(|name| (name.to_owned(), vec![ip("192.0.2.7")]));
        assert_eq!(found, expected);
    });
}
