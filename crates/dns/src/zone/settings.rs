//! How is a zone to be, besides what the objects say?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use model::ServiceName;

use crate::config::Selector;
use crate::wire::Name;

/// All that shapes a zone. Names are in lower case.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Usually `cluster.local`.
    pub domain: Name,
    /// The domain of ServiceImports, usually `clusterset.local`; absent where there is none.
    pub clusterset: Option<Name>,
    /// Zones of addresses that are ours to deny, below `in-addr.arpa` and `ip6.arpa`. What is known of
    /// an address is answered anywhere.
    pub reverse: Vec<Name>,
    /// What is not found in these is asked elsewhere, and not denied.
    pub falls_through: Vec<Name>,
    /// Seconds that answers hold, 0 to 3600.
    pub ttl_s: u32,
    pub pods: PodMode,
    /// An endpoint without a hostname is named after its Pod, not after its address.
    pub endpoint_pod_names: bool,
    /// A Service with an address and without a ready endpoint has no name.
    pub ignores_empty_services: bool,
    /// Headless Services have names for their endpoints of one topology zone.
    pub zonal: bool,
    pub namespaces: NamespaceFilter,
    /// The Service whose clients ask us.
    pub name_server: ServiceName,
    /// Where we are asked, for `ns.dns`, while there is no such Service.
    pub own_addresses: Vec<IpAddr>,
    /// Names that are not ours are asked elsewhere: clients are told that recursion is available.
    pub recurses: bool,
    pub transfer: Transfer,
}

impl Settings {
    /// As clusters ship it: Pods' names are not verified, answers hold for 30 s, all reverse zones
    /// fall through.
    #[must_use]
    pub fn new(domain: Name) -> Self {
        Self {
            domain: domain.to_lowercase(),
            clusterset: None,
            reverse: Vec::new(),
            falls_through: Vec::new(),
            ttl_s: 30,
            pods: PodMode::Insecure,
            endpoint_pod_names: false,
            ignores_empty_services: false,
            zonal: false,
            namespaces: NamespaceFilter::All,
            name_server: ServiceName::new("kube-system", "kube-dns"),
            own_addresses: Vec::new(),
            recurses: true,
            transfer: Transfer::default(),
        }
    }
}

/// What is answered for `10-1-0-5.shop.pod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PodMode {
    /// There is no such name.
    Disabled,
    /// The address that the name says, where the namespace exists.
    Insecure,
    /// The same, where a Pod of the namespace has the address.
    Verified,
}

/// Which namespaces may be seen; the others do not exist, forward or reverse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespaceFilter {
    All,
    Named(BTreeSet<Arc<str>>),
    /// Those whose Namespace has such labels.
    Labelled(Selector),
}

/// Who may have the whole zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transfer {
    pub to: Vec<IpNet>,
}

impl Transfer {
    #[must_use]
    pub fn is_allowed(&self, client: IpAddr) -> bool {
        self.to.iter().any(|net| net.contains(&client))
    }
}
