//! Which ClusterIPs of which families does a Service get?

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ingest::api::ServiceSpec;
use ipnet::IpNet;
use model::{Family, ServiceName};

use crate::name_hash::hash;

/// Addresses of a range of IPv6 that are used: the range itself never ends.
const RANGE_SIZE_MAX: u128 = 1 << 16;

/// Addresses at the beginning that are given only to whom asks for one, at least and at most.
const STATIC_MIN: u128 = 16;
const STATIC_MAX: u128 = 256;

/// A field and why it is refused.
pub(crate) type Refusal = (String, String);

/// The service CIDRs, and who has which address of them.
#[derive(Debug, Clone)]
pub(crate) struct ClusterIps {
    /// One or two, of different families; the first is the default.
    ranges: Vec<IpNet>,
    taken: BTreeMap<IpAddr, ServiceName>,
}

/// What was asked for, checked against the ranges.
struct Wanted {
    families: Vec<Family>,
    policy: &'static str,
    /// Absent for a headless Service; else one for each family, if that one is given.
    addresses: Option<Vec<Option<IpAddr>>>,
}

impl ClusterIps {
    pub(crate) fn new(ranges: &[IpNet]) -> Self {
        let mut kept: Vec<IpNet> = Vec::new();
        for range in ranges {
            let family = Family::of(range.addr());
            if kept.iter().all(|other| Family::of(other.addr()) != family) {
                kept.push(range.trunc());
            }
        }
        Self { ranges: kept, taken: BTreeMap::new() }
    }

    pub(crate) fn release(&mut self, owner: &ServiceName) {
        self.taken.retain(|_, taken_by| taken_by != owner);
    }

    /// Fills in families and addresses, which are the owner's from now on. On a refusal nothing was
    /// taken. `held` are those that it has from before.
    pub(crate) fn admit(
        &mut self,
        spec: &mut ServiceSpec,
        has_selector: bool,
        owner: &ServiceName,
        held: &[IpAddr],
    ) -> Result<(), Refusal> {
        let wanted = self.wanted(spec, has_selector)?;
        spec.ip_family_policy = Some(wanted.policy.to_owned());
        let words = wanted.families.iter().map(|family| family.as_str().to_owned());
        spec.ip_families = words.collect();
        let Some(requested) = wanted.addresses else {
            spec.cluster_ip = Some("None".to_owned());
            spec.cluster_ips = vec!["None".to_owned()];
            return Ok(());
        };
        let mut found = Vec::with_capacity(requested.len());
        for (index, (family, requested)) in wanted.families.iter().zip(requested).enumerate() {
            let held = held.iter().copied().find(|address| Family::of(*address) == *family);
            let address = match requested.or(held) {
                Some(address) => self.requested(address, index, owner)?,
                None => self.automatic(*family, owner)?,
            };
            found.push(address);
        }
        self.taken.extend(found.iter().map(|address| (*address, owner.clone())));
        spec.cluster_ips = found.iter().map(IpAddr::to_string).collect();
        spec.cluster_ip = spec.cluster_ips.first().cloned();
        Ok(())
    }

    fn wanted(&self, spec: &ServiceSpec, has_selector: bool) -> Result<Wanted, Refusal> {
        let texts = requested_texts(spec);
        let is_headless = texts.first().is_some_and(|text| *text == "None");
        let addresses = if is_headless { Vec::new() } else { parse_all(&texts)? };
        let mut families = self.written_families(spec)?;
        for (index, address) in addresses.iter().enumerate() {
            let family = Family::of(*address);
            match families.get(index) {
                None => families.push(family),
                Some(written) if *written == family => {}
                Some(written) => {
                    let reason = format!("expected an {written} address, found {address}");
                    return Err((format!("spec.clusterIPs[{index}]"), reason));
                }
            }
        }
        // Whoever makes the slices of a headless Service decides the families.
        let is_open = is_headless && !has_selector && families.is_empty();
        let policy = self.policy(spec, &families, is_open)?;
        if families.is_empty() {
            families.push(self.primary()?);
        }
        let is_dual = policy == "RequireDualStack" || policy == "PreferDualStack";
        let other = Family::ALL.into_iter().find(|family| !families.contains(family));
        if let Some(other) =
            other.filter(|other| is_dual && (is_open || self.range(*other).is_some()))
        {
            families.push(other);
        }
        let requested = (0..families.len()).map(|index| addresses.get(index).copied()).collect();
        Ok(Wanted { addresses: (!is_headless).then_some(requested), families, policy })
    }

    fn written_families(&self, spec: &ServiceSpec) -> Result<Vec<Family>, Refusal> {
        let mut found = Vec::new();
        for (index, text) in spec.ip_families.iter().enumerate() {
            let field = || format!("spec.ipFamilies[{index}]");
            let family = Family::ALL.into_iter().find(|family| family.as_str() == text);
            let family = family
                .ok_or_else(|| (field(), format!("expected IPv4 or IPv6, found {text:?}")))?;
            if self.range(family).is_none() {
                let reason =
                    format!("expected a family that the service CIDRs have, found {family}");
                return Err((field(), reason));
            }
            if found.contains(&family) {
                return Err((field(), format!("expected each family once, found {family} again")));
            }
            found.push(family);
        }
        Ok(found)
    }

    fn policy(
        &self,
        spec: &ServiceSpec,
        families: &[Family],
        is_open: bool,
    ) -> Result<&'static str, Refusal> {
        let field = "spec.ipFamilyPolicy".to_owned();
        let policy = match spec.ip_family_policy.as_deref().unwrap_or_default() {
            "" if is_open => return Ok("RequireDualStack"),
            "" | "SingleStack" => "SingleStack",
            "PreferDualStack" => "PreferDualStack",
            "RequireDualStack" => "RequireDualStack",
            other => {
                let words = "SingleStack, PreferDualStack or RequireDualStack";
                return Err((field, format!("expected {words}, found {other:?}")));
            }
        };
        if policy == "SingleStack" && families.len() > 1 {
            let reason = "expected PreferDualStack or RequireDualStack for two families";
            return Err((field, format!("{reason}, found {policy}")));
        }
        if policy == "RequireDualStack" && self.ranges.len() < 2 {
            let reason = "expected a cluster with service CIDRs of both families for";
            return Err((field, format!("{reason} {policy}; PreferDualStack takes what there is")));
        }
        Ok(policy)
    }

    fn primary(&self) -> Result<Family, Refusal> {
        let first = self.ranges.first().map(|range| Family::of(range.addr()));
        first.ok_or_else(|| ("spec.clusterIP".to_owned(), "there is no service CIDR".to_owned()))
    }

    fn range(&self, family: Family) -> Option<IpNet> {
        self.ranges.iter().copied().find(|range| Family::of(range.addr()) == family)
    }

    fn requested(
        &self,
        address: IpAddr,
        index: usize,
        owner: &ServiceName,
    ) -> Result<IpAddr, Refusal> {
        let field = format!("spec.clusterIPs[{index}]");
        let Some(range) = self.range(Family::of(address)).filter(|range| range.contains(&address))
        else {
            let ranges: Vec<_> = self.ranges.iter().map(IpNet::to_string).collect();
            let ranges = ranges.join(" or ");
            return Err((field, format!("expected an address of {ranges}, found {address}")));
        };
        let is_broadcast = matches!(range, IpNet::V4(net) if net.broadcast() == address);
        if address == range.network() || is_broadcast {
            return Err((field, format!("expected an address of one Service, found {address}")));
        }
        match self.taken.get(&address) {
            Some(other) if other != owner => {
                Err((field, format!("{address} is already the address of Service {other}")))
            }
            Some(_) | None => Ok(address),
        }
    }

    /// An address from behind the static part, else from it. Where the search begins is the name's:
    /// a lab that is made again looks the same.
    fn automatic(&self, family: Family, owner: &ServiceName) -> Result<IpAddr, Refusal> {
        let full = |range: &str| {
            ("spec.clusterIP".to_owned(), format!("every address of {range} is taken"))
        };
        let range = self.range(family).ok_or_else(|| full("no range"))?;
        let usable = usable(range);
        let offset = static_part(usable);
        let seed = u128::from(hash(&[&owner.namespace, &owner.name]));
        let bands = [(offset, usable - offset), (0, offset)];
        for (begin, size) in bands {
            for step in 0..size {
                let address = nth_address(range, 1 + begin + (seed + step) % size);
                if !self.taken.contains_key(&address) {
                    return Ok(address);
                }
            }
        }
        Err(full(&range.to_string()))
    }

    pub(crate) fn taken(&self) -> &BTreeMap<IpAddr, ServiceName> {
        &self.taken
    }
}

/// The list counts; the single field is its first item.
fn requested_texts(spec: &ServiceSpec) -> Vec<&str> {
    let listed = spec.cluster_ips.iter().map(String::as_str);
    let single = spec.cluster_ip.as_deref().into_iter();
    let texts =
        if spec.cluster_ips.is_empty() { single.collect() } else { listed.collect::<Vec<_>>() };
    texts.into_iter().filter(|text| !text.is_empty()).collect()
}

fn parse_all(texts: &[&str]) -> Result<Vec<IpAddr>, Refusal> {
    let mut found: Vec<IpAddr> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let field = || format!("spec.clusterIPs[{index}]");
        let address: Option<IpAddr> = text.parse().ok();
        let address = address
            .ok_or_else(|| (field(), format!("expected an IP address or None, found {text:?}")))?;
        if found.iter().any(|other| Family::of(*other) == Family::of(address)) {
            let reason = format!("expected one address of each family, found {address}");
            return Err((field(), reason));
        }
        found.push(address);
    }
    Ok(found)
}

/// Addresses between the network's own and, in IPv4, the broadcast address.
fn usable(range: IpNet) -> u128 {
    let host_bits = u32::from(range.max_prefix_len() - range.prefix_len());
    let all = 1_u128.checked_shl(host_bits).unwrap_or(u128::MAX);
    match range {
        IpNet::V4(_) => all.saturating_sub(2),
        IpNet::V6(_) => all.saturating_sub(1).min(RANGE_SIZE_MAX),
    }
}

const fn static_part(usable: u128) -> u128 {
    if usable <= STATIC_MIN {
        return 0;
    }
    let part = usable / 16;
    if part < STATIC_MIN {
        STATIC_MIN
    } else if part > STATIC_MAX {
        STATIC_MAX
    } else {
        part
    }
}

/// The address at an offset from the network's own.
#[must_use]
pub fn nth_address(range: IpNet, offset: u128) -> IpAddr {
    match range.network() {
        IpAddr::V4(first) => {
            let offset = u32::try_from(offset).expect("a range of IPv4 has fewer addresses");
            Ipv4Addr::from_bits(first.to_bits() + offset).into()
        }
        IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits() + offset).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_beginning_of_a_range_for_those_who_ask() {
        let cases = [
            ("10.96.0.0/12", 256),
            ("10.0.0.0/24", 16),
            ("10.0.0.0/20", 255),
            ("10.0.0.0/28", 0),
            ("fd00::/108", 256),
            ("fd00::/64", 256),
        ];
        for (range, expected) in cases {
            let range: IpNet = range.parse().expect("the test's range");
            assert_eq!(static_part(usable(range)), expected, "{range}");
        }
    }
}
