//! Who asks?

use std::net::IpAddr;
use std::sync::Arc;

use model::{DetectLocal, Family, NodeName, PodName};

use crate::question::{Question, Refusal};
use crate::target::is_name;
use crate::trace::{Hop, Object, Origin, Stage};
use crate::view::View;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// As the trace calls it.
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Whose search path completes names.
    pub(crate) namespace: Option<String>,
    /// Those that are known; empty for a node and for a client outside.
    pub(crate) addresses: Vec<IpAddr>,
    /// Who says where it is.
    pub(crate) origins: Vec<Origin>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The node itself.
    Node(NodeName),
    Pod(NodeName),
    Outside,
    /// At this node, on an interface; nobody asks how it came there.
    Arriving(Arc<str>),
}

pub(crate) fn asker(view: &View<'_>, question: &Question) -> Result<Asker, Refusal> {
    let mut asker = placed(view, question)?;
    if let Some(namespace) = &question.namespace {
        if !is_name(namespace) || namespace.contains('.') {
            let hint = "names have lower case letters, digits and `-`";
            return Err(Refusal::usage(format!("not a namespace: {namespace:?}"), hint));
        }
        if asker.namespace.as_ref().is_some_and(|known| known != namespace) {
            let what = format!("{} is in another namespace: {namespace}", asker.name);
            return Err(Refusal::usage(what, "leave --namespace out"));
        }
        asker.namespace = Some(namespace.clone());
    }
    if let Some(interface) = &question.via {
        let hint = "--via says how a packet of --from IP arrives at this node";
        let is_address =
            question.from.as_deref().is_some_and(|from| from.parse::<IpAddr>().is_ok());
        let is_own = asker.place == Place::Node(view.here.node.name.clone());
        if !is_address || is_own || interface.is_empty() || interface.len() > 15 {
            return Err(Refusal::usage(format!("--via has no use here: {interface}"), hint));
        }
        asker.place = Place::Arriving(interface.as_str().into());
        asker.origins = Vec::new();
    }
    Ok(asker)
}

fn placed(view: &View<'_>, question: &Question) -> Result<Asker, Refusal> {
    let here = view.here.node.name.clone();
    let Some(from) = question.from.as_deref() else {
        return Ok(node_asks(here));
    };
    let of_kind = |kind: &str| from.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
    if from == "outside" {
        return Ok(Asker {
            name: from.to_owned(),
            place: Place::Outside,
            namespace: None,
            addresses: Vec::new(),
            origins: Vec::new(),
        });
    }
    if let Some(name) = of_kind("node") {
        let name = NodeName::new(name);
        if name != here && !view.cluster().nodes.contains_key(&name) {
            let known: Vec<&str> =
                view.cluster().nodes.keys().map(|name| &*name.0).take(10).collect();
            let hint = if known.is_empty() {
                format!("the objects speak of no node; this one is {here}")
            } else {
                format!("one of {}", known.join(", "))
            };
            return Err(Refusal::absent(format!("no such node: {name}"), hint));
        }
        return Ok(node_asks(name));
    }
    if let Some(name) = of_kind("pod") {
        return pod(view, name);
    }
    let address: IpAddr = from.parse().map_err(|_unspecific| {
        let hint = "write outside, node/NAME, pod/NAMESPACE/NAME or an IP address";
        Refusal::usage(format!("nobody is called so: {from}"), hint)
    })?;
    Ok(by_address(view, address))
}

fn node_asks(name: NodeName) -> Asker {
    Asker {
        name: format!("node/{name}"),
        place: Place::Node(name),
        namespace: None,
        addresses: Vec::new(),
        origins: Vec::new(),
    }
}

fn pod(view: &View<'_>, text: &str) -> Result<Asker, Refusal> {
    let Some((namespace, name)) = text.split_once('/') else {
        let hint = "write it as pod/NAMESPACE/NAME";
        return Err(Refusal::usage(format!("not a pod: pod/{text}"), hint));
    };
    if view.cluster().pods.is_empty() {
        let hint = "give its address: --from IP, and its namespace: --namespace NAME";
        let what = format!("nobody says here which pods there are: pod/{text}");
        return Err(Refusal::absent(what, hint));
    }
    let Some(pod) = view.cluster().pods.get(&PodName::new(namespace, name)) else {
        let mut others = view.cluster().pods.keys().filter(|known| *known.namespace == *namespace);
        let hint = others.next().map_or_else(
            || format!("there is no pod with an address in namespace {namespace}"),
            |other| format!("there is pod/{other}, for example"),
        );
        return Err(Refusal::absent(format!("no such pod: pod/{text}"), hint));
    };
    let Some(node) = pod.node.clone() else {
        let hint = "its spec.nodeName says it, once a scheduler has chosen";
        return Err(Refusal::absent(format!("the pod is on no node: pod/{text}"), hint));
    };
    let mut origins = vec![Origin::new(Object::pod(namespace, name), "spec.nodeName", &node)];
    if pod.host_network {
        origins.insert(0, Origin::new(Object::pod(namespace, name), "spec.hostNetwork", true));
    }
    Ok(Asker {
        name: format!("pod/{text}"),
        // A pod on the node's own network speaks as the node, and mostly has its resolver too.
        place: if pod.host_network { Place::Node(node) } else { Place::Pod(node) },
        namespace: (!pod.host_network).then(|| namespace.to_owned()),
        addresses: if pod.host_network { Vec::new() } else { pod.addresses.clone() },
        origins,
    })
}

/// What bears an address is found out from the objects: a node, a pod, or somebody outside.
pub(crate) fn by_address(view: &View<'_>, address: IpAddr) -> Asker {
    let here = &view.here.node;
    let pod = view.pod_at(address);
    let (place, origins) = if let Some(node) = view.node_of(address) {
        let origins = view.says_of(&node, address).into_iter().collect();
        (Place::Node(node), origins)
    } else if address.is_loopback() {
        (Place::Node(here.name.clone()), Vec::new())
    } else if let Some((pod, node)) = pod.and_then(|pod| pod.node.clone().map(|node| (pod, node))) {
        let object = Object::pod(&pod.name.namespace, &pod.name.name);
        let addressed = Origin::new(object.clone(), "status.podIPs", address);
        (Place::Pod(node.clone()), vec![addressed, Origin::new(object, "spec.nodeName", node)])
    } else if let Some((node, service)) = view.endpoint_at(address) {
        let origin = Origin::new(Object::endpoint_slice(), "endpoints[].nodeName", &node);
        let service = Origin::new(Object::service(&service), "metadata.name", "");
        (Place::Pod(node), vec![origin, service])
    } else if let Some((node, net)) = pod_cidr(view, address) {
        (
            Place::Pod(node.clone()),
            vec![Origin::new(Object::new("Node", node), "spec.podCIDRs", net)],
        )
    } else if let DetectLocal::Cidrs(cidrs) = &here.detect_local
        && let Some(net) = cidrs.iter().find(|net| net.contains(&address))
    {
        (Place::Pod(here.name.clone()), vec![Origin::new(Object::agent(), "--cluster-cidr", net)])
    } else {
        (Place::Outside, Vec::new())
    };
    let namespace = pod.map(|pod| pod.name.namespace.to_string());
    Asker { name: address.to_string(), place, namespace, addresses: vec![address], origins }
}

fn pod_cidr<'a>(view: &View<'a>, address: IpAddr) -> Option<(&'a NodeName, &'a ipnet::IpNet)> {
    view.cluster().nodes.iter().find_map(|(name, node)| {
        let net = node.pod_cidrs.iter().find(|net| net.contains(&address))?;
        Some((name, net))
    })
}

impl Asker {
    /// The family that the one who asks is bound to.
    pub(crate) fn family(&self) -> Option<Family> {
        match self.addresses.as_slice() {
            [only] => Some(Family::of(*only)),
            _ => None,
        }
    }

    /// What is said of it where no packet is sent.
    pub(crate) fn without_packet(&self) -> Hop {
        let (node, says) = match &self.place {
            Place::Node(node) => (Some(node), format!("node {node} asks")),
            Place::Pod(node) => (Some(node), format!("{} asks, a pod on node {node}", self.name)),
            Place::Outside => (None, "a client outside of the cluster asks".to_owned()),
            Place::Arriving(_) => (None, format!("{} asks", self.name)),
        };
        Hop::new(Stage::From, node, says, self.origins.clone())
    }

    /// Whether it asks the cluster DNS without anybody's doing.
    pub(crate) const fn uses_cluster_dns(&self) -> bool {
        self.namespace.is_some() || matches!(self.place, Place::Pod(_))
    }
}

impl Place {
    pub(crate) fn node(self) -> Option<NodeName> {
        match self {
            Self::Node(node) | Self::Pod(node) => Some(node),
            Self::Outside | Self::Arriving(_) => None,
        }
    }
}
