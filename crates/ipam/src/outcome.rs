//! What did a Service get, and what stood in the way of the rest?

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use model::{Family, PoolName};

use crate::verdict::Candidate;

/// What a Service has now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// In the order of the Service's families, each with its pool.
    pub addresses: Vec<(IpAddr, PoolName)>,
    /// Why it is not all that the Service asks for. Beside addresses: it has one family of two.
    pub refusal: Option<Refusal>,
}

impl Outcome {
    /// Whether it has an address of the family.
    #[must_use]
    pub fn has(&self, family: Family) -> bool {
        self.addresses.iter().any(|(address, _)| Family::of(*address) == family)
    }
}

/// Why a Service did not get what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What it asks for cannot be made out, as the text says.
    Unclear(Arc<str>),
    /// There is no pool.
    NoPool,
    /// It asks for a pool that there is not.
    UnknownPool(PoolName),
    /// It asks for an address of a family that it does not have.
    Family(IpAddr),
    /// It asks for an address that no pool has.
    NotInPool(IpAddr),
    /// It asks for an address, and for a pool that does not have it.
    PoolDiffers { address: IpAddr, asked: PoolName, found: PoolName },
    /// The first rule of each pool that stood in the way, in the order in which they were asked.
    Pools(Vec<(PoolName, PoolRefusal)>),
}

/// Which rule of a pool stood in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolRefusal {
    /// It is for those who ask for it.
    NotAutomatic,
    /// It gives no new addresses.
    Disabled,
    /// Its selectors do not name the namespace.
    Namespace,
    /// Its selectors do not name the Service.
    Service,
    /// It has no address of the family.
    NoFamily(Family),
    /// All are in use, and the first that others share by the Service's key is not for it.
    Exhausted {
        family: Family,
        used: u128,
        capacity: u128,
        shared: Option<Box<(IpAddr, Candidate)>>,
    },
    /// The address that the Service asks for is not for it.
    Address(IpAddr, Candidate),
}

impl Refusal {
    /// One word, for the reason of a condition.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unclear(_) => "InvalidRequest",
            Self::NoPool => "NoPool",
            Self::UnknownPool(_) => "UnknownPool",
            Self::Family(_) => "FamilyMismatch",
            Self::NotInPool(_) => "AddressNotInPool",
            Self::PoolDiffers { .. } => "PoolMismatch",
            Self::Pools(pools) => {
                let is_full = |(_, refusal): &&(PoolName, PoolRefusal)| {
                    matches!(refusal, PoolRefusal::Exhausted { .. })
                };
                let told = pools.iter().find(is_full).or_else(|| pools.first());
                told.map_or("NoPool", |(_, refusal)| refusal.reason())
            }
        }
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unclear(_) => Some("ask for one thing, in one way".to_owned()),
            Self::NoPool => Some("create an AddressPool".to_owned()),
            Self::UnknownPool(_) => {
                Some("kubectl get addresspools shows those there are".to_owned())
            }
            Self::Family(_) => Some("spec.ipFamilies says which the Service has".to_owned()),
            Self::NotInPool(_) => Some("ask for one of a pool, or add it to one".to_owned()),
            Self::PoolDiffers { found, .. } => {
                Some(format!("ask for the pool {found}, or for the address alone"))
            }
            Self::Pools(pools) => pools.iter().find_map(|(pool, refusal)| refusal.hint(pool)),
        }
    }

    /// The pools in which something may become free for it.
    pub(crate) fn waits_for(&self) -> impl Iterator<Item = &PoolName> {
        let pools = match self {
            Self::Pools(pools) => pools.as_slice(),
            Self::Unclear(_)
            | Self::NoPool
            | Self::UnknownPool(_)
            | Self::Family(_)
            | Self::NotInPool(_)
            | Self::PoolDiffers { .. } => &[],
        };
        pools.iter().filter(|(_, refusal)| refusal.may_pass()).map(|(pool, _)| pool)
    }
}

impl PoolRefusal {
    const fn reason(&self) -> &'static str {
        match self {
            Self::NotAutomatic => "NoAutomaticPool",
            Self::Disabled => "PoolDisabled",
            Self::Namespace | Self::Service => "SelectorMismatch",
            Self::NoFamily(_) => "NoAddressOfFamily",
            Self::Exhausted { .. } => "OutOfAddresses",
            Self::Address(..) => "AddressNotAvailable",
        }
    }

    fn hint(&self, pool: &PoolName) -> Option<String> {
        match self {
            Self::NotAutomatic => {
                Some(format!("the annotation pogu.dev/address-pool: {pool} asks for it"))
            }
            Self::Disabled => Some(format!("spec.disabled of the pool {pool} says so")),
            Self::Namespace => {
                Some(format!("add the namespace to the selectors of the pool {pool}"))
            }
            Self::Service => Some(format!(
                "give the Service labels that the selectors of the pool {pool} ask for"
            )),
            Self::NoFamily(family) => Some(format!("add {family} addresses to the pool {pool}")),
            Self::Exhausted { shared, .. } => {
                let hint = shared.as_ref().and_then(|shared| shared.1.hint());
                hint.or_else(|| Some(format!("add addresses to the pool {pool}")))
            }
            Self::Address(_, candidate) => candidate.hint(),
        }
    }

    /// Whether it may be otherwise when somebody gives something up.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Exhausted { .. } => true,
            Self::Address(_, candidate) => candidate.may_pass(),
            Self::NotAutomatic
            | Self::Disabled
            | Self::Namespace
            | Self::Service
            | Self::NoFamily(_) => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclear(why) => f.write_str(why),
            Self::NoPool => f.write_str("there is no pool of addresses"),
            Self::UnknownPool(pool) => write!(f, "there is no pool {pool}"),
            Self::Family(address) => {
                write!(f, "expected an address of the Service's families, found {address}")
            }
            Self::NotInPool(address) => write!(f, "{address} is in no pool"),
            Self::PoolDiffers { address, asked, found } => {
                write!(f, "{address} is in the pool {found}, not in {asked}")
            }
            Self::Pools(pools) => {
                for (index, (pool, refusal)) in pools.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}pool {pool}: {refusal}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for PoolRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAutomatic => f.write_str("only for Services that ask for it"),
            Self::Disabled => f.write_str("disabled"),
            Self::Namespace => f.write_str("not for this namespace"),
            Self::Service => f.write_str("not for a Service with these labels"),
            Self::NoFamily(family) => write!(f, "has no {family} addresses"),
            Self::Exhausted { family, used, capacity, shared } => {
                let held_back = if used < capacity { ", the others are held back" } else { "" };
                write!(
                    f,
                    "no {family} address is left ({used} of {capacity} are in use{held_back})"
                )?;
                match shared {
                    Some(shared) => write!(f, ", and {}: {}", shared.0, shared.1),
                    None => Ok(()),
                }
            }
            Self::Address(address, candidate) => write!(f, "{address}: {candidate}"),
        }
    }
}
