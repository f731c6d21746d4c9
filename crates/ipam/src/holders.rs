//! Who has which address?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeBounds;
use std::sync::Arc;

use model::{AddressRequest, ServiceName};

use crate::verdict::Candidate;

/// The Services of each address, by name, as they are written now.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    by_address: BTreeMap<IpAddr, BTreeMap<ServiceName, Arc<AddressRequest>>>,
    /// The addresses of those that consent to sharing, by their key.
    by_key: BTreeMap<Arc<str>, BTreeSet<IpAddr>>,
}

impl Holders {
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.by_address.contains_key(&address)
    }

    pub(crate) fn within(
        &self,
        addresses: impl RangeBounds<IpAddr>,
    ) -> impl Iterator<Item = (IpAddr, impl Iterator<Item = &ServiceName>)> {
        self.by_address.range(addresses).map(|(address, holders)| (*address, holders.keys()))
    }

    /// The addresses that Services of a key have, lowest first.
    pub(crate) fn sharing(&self, key: &str) -> impl Iterator<Item = IpAddr> {
        self.by_key.get(key).into_iter().flatten().copied()
    }

    /// Whether it is the first that has the address.
    pub(crate) fn insert(&mut self, address: IpAddr, request: &Arc<AddressRequest>) -> bool {
        let holders = self.by_address.entry(address).or_default();
        let is_first = holders.is_empty();
        holders.insert(request.service.clone(), Arc::clone(request));
        if let Some(sharing) = &request.sharing {
            self.by_key.entry(Arc::clone(&sharing.key)).or_default().insert(address);
        }
        is_first
    }

    pub(crate) fn remove(&mut self, address: IpAddr, service: &ServiceName) {
        let Some(holders) = self.by_address.get_mut(&address) else { return };
        let Some(request) = holders.remove(service) else { return };
        let key = request.sharing.as_ref().map(|it| Arc::clone(&it.key));
        let has_key =
            |other: &Arc<AddressRequest>| other.sharing.as_ref().map(|it| &it.key) == key.as_ref();
        let is_last_of_key = !holders.values().any(has_key);
        if holders.is_empty() {
            self.by_address.remove(&address);
        }
        if let Some(key) = key.filter(|_| is_last_of_key)
            && let Some(addresses) = self.by_key.get_mut(&key)
        {
            addresses.remove(&address);
            if addresses.is_empty() {
                self.by_key.remove(&key);
            }
        }
    }

    /// Whether the Service may join those that have the address.
    pub(crate) fn judge(&self, address: IpAddr, request: &AddressRequest) -> Candidate {
        let Some(holders) = self.by_address.get(&address) else { return Candidate::Free };
        let others = holders.values().filter(|other| other.service != request.service);
        let mut verdicts = others.map(|other| judge_pair(other, request)).peekable();
        if verdicts.peek().is_none() {
            return Candidate::Free;
        }
        verdicts.find(|verdict| !verdict.is_ok()).unwrap_or(Candidate::ShareOk)
    }
}

fn judge_pair(theirs: &AddressRequest, ours: &AddressRequest) -> Candidate {
    let holder = || theirs.service.clone();
    let (Some(their_sharing), Some(our_sharing)) = (&theirs.sharing, &ours.sharing) else {
        return Candidate::HeldBy(holder());
    };
    if their_sharing.key != our_sharing.key {
        return Candidate::ShareKeyDiffers {
            theirs: Arc::clone(&their_sharing.key),
            ours: Arc::clone(&our_sharing.key),
            holder: holder(),
        };
    }
    let (there, here) = (&theirs.service.namespace, &ours.service.namespace);
    if !their_sharing.with.admits(there, here) || !our_sharing.with.admits(here, there) {
        return Candidate::NamespaceDiffers(holder());
    }
    if let Some((protocol, port)) = ours.ports.intersection(&theirs.ports).next() {
        return Candidate::PortTaken(*protocol, *port, holder());
    }
    if theirs.local_selector != ours.local_selector {
        return Candidate::SelectorDiffers(holder());
    }
    Candidate::ShareOk
}
