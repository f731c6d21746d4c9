//! What do the two replies to the question for a name's addresses come to?

use std::net::IpAddr;

use dns::wire::{Name, Rcode, RecordType};
use model::Family;

use crate::cluster_dns::ClusterDns;
use crate::reply::{self, By, Reply};

/// What the cluster DNS answers for a name's A and AAAA records. Resolvers ask for both at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) name: Name,
    v4: Reply,
    v6: Reply,
    /// The name is not there: the DNS walked the search list from it on, and at this one of the list it
    /// found what the name is an alias for.
    pub(crate) walked_to: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There is an address.
    Addresses,
    /// The name is there, and has no address.
    NoData,
    Denied,
    Failed,
    /// Others are asked.
    Elsewhere,
}

impl Answers {
    pub(crate) fn of(dns: &ClusterDns, name: Name) -> Self {
        let v4 = reply::ask(dns, &name, RecordType::A);
        let v6 = reply::ask(dns, &name, RecordType::AAAA);
        Self { name, v4, v6, walked_to: None }
    }

    pub(crate) const fn reply(&self, family: Family) -> &Reply {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Those that a client looks at which wants one family, or both.
    pub(crate) fn of_families(&self, wanted: Option<Family>) -> impl Iterator<Item = &Reply> {
        let all = Family::ALL.into_iter();
        all.filter(move |it| wanted.is_none_or(|family| family == *it)).map(|it| self.reply(it))
    }

    pub(crate) fn addresses(&self, wanted: Option<Family>) -> Vec<IpAddr> {
        let replies = self.of_families(wanted);
        replies.flat_map(|reply| reply.addresses.iter().copied()).collect()
    }

    /// Names that both lead over; the zone has the same for both families.
    pub(crate) fn aliases(&self) -> &[Name] {
        if self.v4.aliases.is_empty() { &self.v6.aliases } else { &self.v4.aliases }
    }

    pub(crate) fn last_name(&self) -> &Name {
        self.aliases().last().unwrap_or(&self.name)
    }

    pub(crate) fn kind(&self, wanted: Option<Family>) -> Kind {
        let kinds = self.of_families(wanted).map(|reply| match reply.rcode {
            _ if reply.is_elsewhere => Kind::Elsewhere,
            Rcode::NOERROR if reply.is_empty() => Kind::NoData,
            Rcode::NOERROR => Kind::Addresses,
            Rcode::NXDOMAIN => Kind::Denied,
            _ => Kind::Failed,
        });
        let kinds: Vec<Kind> = kinds.collect();
        // One address is enough; and while others may know one, none is denied.
        let telling = [Kind::Addresses, Kind::Elsewhere].into_iter().find(|it| kinds.contains(it));
        telling.or_else(|| kinds.first().copied()).unwrap_or(Kind::NoData)
    }

    /// The same, asked for by a name that is answered with an alias for this one, the `at`th of a list.
    pub(crate) fn behind(&self, name: &Name, at: usize) -> Self {
        let behind = |reply: &Reply| {
            let mut reply = reply.clone();
            reply.aliases.insert(0, self.name.clone());
            reply
        };
        let (v4, v6) = (behind(&self.v4), behind(&self.v6));
        Self { name: name.clone(), v4, v6, walked_to: Some(at) }
    }

    /// Who knows the addresses; both families are mostly known by the same.
    pub(crate) fn by(&self, wanted: Option<Family>) -> By {
        let mut replies = self.of_families(wanted);
        let with_address = replies.find(|reply| !reply.addresses.is_empty());
        with_address.or_else(|| self.of_families(wanted).next()).map_or(By::Zone, |it| it.by)
    }

    /// Seconds that all of it may be kept.
    pub(crate) fn ttl_s(&self, wanted: Option<Family>) -> Option<u32> {
        let with_data = |reply: &&Reply| !reply.is_no_data();
        self.of_families(wanted).filter(with_data).filter_map(|reply| reply.ttl_s).min()
    }

    /// `A 10.96.0.10, no AAAA`
    pub(crate) fn in_words(&self, wanted: Option<Family>) -> String {
        let words: Vec<String> = self.of_families(wanted).map(Reply::in_words).collect();
        words.join(", ")
    }
}
