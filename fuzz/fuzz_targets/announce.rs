//! Does any frame or datagram break the announcement, or make a node answer for what it must not?
#![no_main]

use std::net::IpAddr;
use std::time::Duration;

use announce::{Action, Announcer, Hello, Link, Settings, View, Vip, wire};
use libfuzzer_sys::fuzz_target;
use model::{Mac, NodeName};

const LINK: u32 = 3;

fuzz_target!(|bytes: &[u8]| {
    if let Some(hello) = Hello::decode(bytes) {
        assert_eq!(Hello::decode(&hello.encode()), Some(hello));
    }
    let _said = wire::read(bytes);

    // The first byte of each part says how long it is, and what it is.
    let mut rest = bytes;
    let (mut announcer, vips, peer) = node();
    let mut now = Duration::from_secs(1);
    while let [length, behind @ ..] = rest {
        let (part, behind) = behind.split_at(usize::from(*length >> 1).min(behind.len()));
        rest = behind;
        now += Duration::from_millis(7);
        if length & 1 == 0 {
            announcer.hear_frame(LINK, part, now);
        } else {
            announcer.hear_hello(peer, part, now);
        }
        announcer.tick(now);
        for action in announcer.take_actions() {
            // All that it sends is read by others.
            match action {
                Action::Hello { bytes, .. } => assert!(Hello::decode(&bytes).is_some()),
                Action::Frame { bytes, .. } => assert!(wire::read(&bytes).is_some()),
                Action::Join { .. } | Action::Leave { .. } | Action::Tell(_) => {}
            }
        }
        assert!(announcer.holdings().keys().all(|address| vips.contains(address)));
    }
});

/// A node with two addresses of which it is first, and with one other node.
fn node() -> (Announcer, [IpAddr; 2], IpAddr) {
    let vips = [IpAddr::from([10, 0, 0, 7]), IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 7])];
    let peer = IpAddr::from([192, 0, 2, 2]);
    let [me, other] = ["me", "other"].map(NodeName::new);
    let candidates = [me.clone(), other.clone()];
    let vip = Vip { candidates: candidates.into(), is_served: true, interfaces: None };
    let view = View {
        vips: vips.iter().map(|address| (*address, vip.clone())).collect(),
        nodes: [(other, vec![peer])].into(),
        revision: 0,
    };
    let link = Link {
        index: LINK,
        name: "wire".into(),
        mac: Mac([2, 0, 0, 0, 0, 1]),
        is_up: true,
        is_router: true,
        addresses: vec![[10, 0, 0, 1].into()],
        networks: ["10.0.0.0/8", "fd00::/16"].iter().flat_map(|text| text.parse()).collect(),
        gateways: vec![[10, 0, 0, 254].into()],
    };
    let now = Duration::ZERO;
    let mut announcer = Announcer::new(me, 1, Settings::default(), now);
    announcer.set_view(view, now);
    announcer.set_links(vec![link], now);
    announcer.tick(Duration::from_millis(900));
    announcer.take_actions();
    (announcer, vips, peer)
}
