//! Which names stand for the one that a pod's resolver asks first?
//!
//! With `ndots:5` a pod asks for `www.example.com.shop.svc.cluster.local` before it asks for
//! `www.example.com`. Its namespace tells its whole search list, so the list is walked here, and the
//! first question gets the last one's answer. Only for pods of this node, by their addresses: the
//! others' namespaces are not known for sure. One on the network of its node has the node's address,
//! and so is nobody that could be told.

use std::net::IpAddr;
use std::sync::Arc;

use imbl::OrdMap;
use model::{NodeName, PodName, ServiceTable};

use crate::wire::{Lowered, NAME_LEN_MAX, Name};

/// The pods whose search lists are known.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Each pod's namespace, by its addresses.
    pods: OrdMap<IpAddr, PodName>,
    /// What the node's own resolver appends, which pods' resolvers append last.
    node_suffixes: Arc<[Name]>,
}

impl Search {
    /// Knows no pods yet; `node_suffixes` in lower case.
    #[must_use]
    pub fn new(node_suffixes: Vec<Name>) -> Self {
        Self { pods: OrdMap::new(), node_suffixes: node_suffixes.into() }
    }

    /// The same for `new`, where this one is for `old`. Costs what differs between the two.
    #[must_use]
    pub fn advance(&self, old: &ServiceTable, new: &ServiceTable, node: &NodeName) -> Self {
        let mut search = self.clone();
        let changed = old.changed_pods(new);
        for name in &changed {
            for address in old.pods.get(name).iter().flat_map(|pod| &pod.addresses) {
                // An address goes round: it may be another pod's by now.
                if search.pods.get(address) == Some(name) {
                    search.pods.remove(address);
                }
            }
        }
        for name in &changed {
            let pod = new.pods.get(name);
            let pod = pod.filter(|pod| pod.node.as_ref() == Some(node) && !pod.host_network);
            for address in pod.iter().flat_map(|pod| &pod.addresses) {
                search.pods.insert(*address, name.clone());
            }
        }
        search
    }

    /// The namespace of the pod that has an address.
    #[must_use]
    pub fn namespace(&self, client: IpAddr) -> Option<&str> {
        self.pods.get(&client).map(|pod| &*pod.namespace)
    }

    /// The walk that a name begins, if it is the first of a pod's search list.
    pub(super) fn walk<'s>(
        &'s self,
        client: IpAddr,
        name: &'s Lowered,
        domain: &'s Name,
    ) -> Option<Walk<'s>> {
        if self.pods.is_empty() {
            return None;
        }
        let namespace = self.namespace(client)?;
        let before = name.labels_before(domain.as_wire())?;
        let (base, kind) = (before.checked_sub(2)?, before.checked_sub(1)?);
        let is_own = name.label(kind)? == b"svc" && name.label(base)? == namespace.as_bytes();
        (is_own && base > 0).then_some(Walk { search: self, name, base, domain, next: 0 })
    }
}

/// The names after the first of a search list, in the order in which a resolver asks.
#[derive(Debug, Clone)]
pub(super) struct Walk<'s> {
    search: &'s Search,
    name: &'s Lowered,
    /// Labels of the name that the client means.
    base: usize,
    domain: &'s Name,
    next: usize,
}

impl Iterator for Walk<'_> {
    type Item = Lowered;

    fn next(&mut self) -> Option<Lowered> {
        loop {
            let step = self.next;
            self.next += 1;
            let suffixes = &self.search.node_suffixes;
            let domain = self.domain.as_wire();
            let candidate = match step {
                0 => self.join(&[b"\x03svc", domain]),
                1 => self.join(&[domain]),
                _ if step - 2 < suffixes.len() => {
                    let suffix = suffixes.get(step - 2).map(Name::as_wire);
                    self.join(&[suffix.unwrap_or_default()])
                }
                // A name of one label is the client's own to ask for: few mean a top-level domain.
                _ if step - 2 == suffixes.len() && self.base > 1 => self.join(&[b"\0"]),
                _ => return None,
            };
            // What is too long for a name is not asked by resolvers either.
            if candidate.is_some() {
                return candidate;
            }
        }
    }
}

impl Walk<'_> {
    fn join(&self, suffix: &[&[u8]]) -> Option<Lowered> {
        let mut octets = [0; NAME_LEN_MAX];
        let mut len = 0;
        let base = self.name.as_wire().get(..self.name.start(self.base))?;
        for part in [base].into_iter().chain(suffix.iter().copied()) {
            octets.get_mut(len..len + part.len())?.copy_from_slice(part);
            len += part.len();
        }
        Lowered::new(octets.get(..len)?)
    }
}
