//! Which addresses of Services are announced, and who answers for them?

use std::net::IpAddr;
use std::time::SystemTime;

use announce::Role;
use serde::{Deserialize, Serialize};

use super::Wanted;
use crate::announcing::AddressShown;
use crate::site::View;

/// An address as the agent's node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    pub address: IpAddr,
    /// Who has it, `NAMESPACE/NAME`: several where they share it.
    pub services: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The nodes that say that they answer, as far as this one hears of them: more than one only while
    /// the address changes hands.
    pub owners: Vec<String>,
    /// What the agent's node is: `owner`, `standby`, `detecting`, `conflict`, `unable` or `bystander`.
    pub role: String,
    /// Why it cannot answer, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long the role has been that.
    pub since_seconds: u64,
    /// All that may answer, the first of them that can does.
    pub candidates: Vec<String>,
}

/// Those of the Services that are wanted, by address.
pub(super) fn list(view: &View, wanted: Wanted<'_>, now: SystemTime) -> Vec<Address> {
    let Some(announced) = &view.announced else { return Vec::new() };
    let announced = announced.borrow().clone();
    let published = view.published();
    let cluster = &published.table;
    let held = cluster.load_balancer_addresses();
    let shown = |(address, shown): (&IpAddr, &AddressShown)| {
        let holders = held.get(address)?;
        holders.iter().any(|holder| wanted.has(&holder.name)).then(|| Address {
            address: *address,
            services: holders.iter().map(|holder| holder.name.to_string()).collect(),
            pool: cluster.pool_of(*address).map(|pool| pool.name.to_string()),
            owners: shown.owners.iter().map(ToString::to_string).collect(),
            role: role(shown.role).to_owned(),
            reason: reason(shown.role),
            since_seconds: now.duration_since(shown.since).unwrap_or_default().as_secs(),
            candidates: shown.candidates.iter().map(ToString::to_string).collect(),
        })
    };
    announced.addresses.iter().filter_map(shown).collect()
}

/// One word, for columns and labels.
pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Standby => "standby",
        Role::Detecting => "detecting",
        Role::Conflict(_) => "conflict",
        Role::Unable(_) => "unable",
        Role::Bystander => "bystander",
    }
}

fn reason(role: Role) -> Option<String> {
    match role {
        Role::Conflict(mac) => Some(format!("{mac}, which is no node's, has the address")),
        Role::Unable(unable) => Some(unable.to_string()),
        Role::Owner | Role::Standby | Role::Detecting | Role::Bystander => None,
    }
}
