//! What is asked in the demo, and what must happen?

/// One request.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    /// What there is to see.
    pub(crate) shows: &'static str,
    pub(crate) from: &'static str,
    pub(crate) target: &'static str,
    pub(crate) flags: &'static [&'static str],
    /// As the trace spells it.
    pub(crate) outcome: &'static str,
    pub(crate) sees: Sees,
}

/// Whom the server must see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sees {
    /// The one who asks.
    Client,
    /// A node in its place.
    Node,
    /// Nobody is reached.
    Nobody,
    /// Nobody is tried: a name is all that is asked for.
    NotTried,
}

const CLIENT: &str = "pod/shop/client";

pub(crate) const ROWS: [Row; 14] = [
    Row {
        kind: "ClusterIP",
        shows: "An address that only the cluster knows. The pod's own node balances, and pods that are\n\
                ready see the client itself.",
        from: CLIENT,
        target: "http://web",
        flags: &[],
        outcome: "forward",
        sees: Sees::Client,
    },
    Row {
        kind: "ClusterIP, from a node",
        shows: "A node is no pod: its address is rewritten, so that the answer comes back to it.",
        from: "node/node-1",
        target: "svc/shop/web",
        flags: &[],
        outcome: "forward",
        sees: Sees::Node,
    },
    Row {
        kind: "dual stack",
        shows: "The same Service by IPv6.",
        from: CLIENT,
        target: "http://web-dual",
        flags: &["-6"],
        outcome: "forward",
        sees: Sees::Client,
    },
    Row {
        kind: "headless",
        shows: "No address of its own: the DNS answers with the pods', and the client chooses.",
        from: CLIENT,
        target: "http://catalog:8080",
        flags: &[],
        outcome: "direct",
        sees: Sees::Client,
    },
    Row {
        kind: "a name",
        shows: "What the DNS of the pod's own node answers, and why.",
        from: CLIENT,
        target: "web-dual.shop",
        flags: &[],
        outcome: "resolved",
        sees: Sees::NotTried,
    },
    Row {
        kind: "NodePort",
        shows: "A port of every node. Any pod may answer, so the source address changes: that is what\n\
                externalTrafficPolicy Cluster means.",
        from: "outside",
        target: "http://172.30.0.11:30080",
        flags: &[],
        outcome: "forward",
        sees: Sees::Node,
    },
    Row {
        kind: "NodePort, Local",
        shows: "Only pods of the node itself answer, and they see the client.",
        from: "outside",
        target: "http://172.30.0.12:30081",
        flags: &[],
        outcome: "forward",
        sees: Sees::Client,
    },
    Row {
        kind: "externalIPs",
        shows: "An address that somebody else leads to the nodes.",
        from: "outside",
        target: "http://203.0.113.10",
        flags: &[],
        outcome: "forward",
        sees: Sees::Node,
    },
    Row {
        kind: "LoadBalancer",
        shows: "A load balancer's address, with externalTrafficPolicy Local: the client is seen.",
        from: "outside",
        target: "http://172.30.0.200",
        flags: &[],
        outcome: "forward",
        sees: Sees::Client,
    },
    Row {
        kind: "LoadBalancer, from inside",
        shows: "The same address from a pod: the packet never leaves the node. That it works here\n\
                proves nothing about clients outside.",
        from: CLIENT,
        target: "http://172.30.0.200",
        flags: &[],
        outcome: "forward",
        sees: Sees::Client,
    },
    Row {
        kind: "UDP",
        shows: "Datagrams are balanced as connections are.",
        from: CLIENT,
        target: "clock:123/udp",
        flags: &[],
        outcome: "forward",
        sees: Sees::Client,
    },
    Row {
        kind: "ExternalName",
        shows: "Another name for a host outside. The HTTP Host stays what the client typed.",
        from: CLIENT,
        target: "http://search",
        flags: &[],
        outcome: "unknown",
        sees: Sees::Client,
    },
    Row {
        kind: "no Service",
        shows: "The question that all of this began with: no Service is in the way.",
        from: CLIENT,
        target: "http://www.naver.com",
        flags: &[],
        outcome: "unknown",
        sees: Sees::Client,
    },
    Row {
        kind: "no endpoints",
        shows: "A Service without pods refuses at once, so that nobody waits for a timeout.",
        from: CLIENT,
        target: "http://basket",
        flags: &[],
        outcome: "reject",
        sees: Sees::Nobody,
    },
];
