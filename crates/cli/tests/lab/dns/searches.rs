//! Are search lists walked where they are known, so that one question is enough?

use super::{asked, counted, names_lab, says};

#[test]
fn a_pod_asks_once_for_what_its_search_list_leads_to() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    for name in ["www.example.com", "web.shop", "docs"] {
        let found = asked(&lab, "node-2", || {
            drop(says(&lab, "pod/shop/two", &["getent", "ahosts", name]));
        });
        assert_eq!(found, counted(&[("A", 1), ("AAAA", 1)]), "{name}");
    }
}

#[test]
fn a_pod_of_the_nodes_network_walks_its_search_list_itself() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    let found = asked(&lab, "node-1", || {
        drop(says(&lab, "pod/shop/of-node", &["getent", "ahosts", "www.example.com"]));
    });
    // Three domains of the list, and the name as it is.
    assert_eq!(found, counted(&[("A", 4), ("AAAA", 4)]));
}
