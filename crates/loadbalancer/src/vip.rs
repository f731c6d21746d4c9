//! What does the status of a Service say of the addresses that it got of pools?

use ingest::api::Ingress;
use ipam::{Outcome, Refusal};
use model::{AddressRequest, FamilyPolicy};

use crate::event::Event;
use crate::seen::Seen;
use crate::wanted::Wanted;

/// It has all that it asks for.
const HAS_ALL: &str = "Allocated";

/// It prefers two families, and has one.
const HAS_PART: &str = "PartlyAllocated";

pub(crate) fn wanted(seen: &Seen, request: &AddressRequest, outcome: &Outcome) -> Wanted {
    let addresses = outcome.addresses.iter();
    let ingress: Vec<Ingress> = addresses
        .map(|(address, _)| Ingress {
            ip: Some(address.to_string()),
            ip_mode: Some("VIP".to_owned()),
            ..Ingress::default()
        })
        .collect();
    let addresses = outcome.addresses.iter();
    let got: Vec<String> = addresses.map(|(it, pool)| format!("{it} of pool {pool}")).collect();
    let got = got.join(", ");
    let mut events = taken_back(seen, &ingress, outcome);
    if !ingress.is_empty() {
        events.push(Event::normal("IPAllocated", got.clone()));
    }
    let Some(refusal) = &outcome.refusal else {
        return Wanted { ingress, is_true: true, reason: HAS_ALL, message: got, events };
    };
    let why = told(refusal);
    let is_content = !ingress.is_empty() && request.family_policy == FamilyPolicy::PreferDualStack;
    let warning = if ingress.is_empty() { "AllocationFailed" } else { "AdditionalAssignFailed" };
    events.push(Event::warning(warning, why.clone()));
    let message = if got.is_empty() { why } else { format!("{got}; {why}") };
    let reason = if is_content { HAS_PART } else { refusal.reason() };
    Wanted { ingress, is_true: is_content, reason, message, events }
}

/// What it had and has no longer.
fn taken_back(seen: &Seen, ingress: &[Ingress], outcome: &Outcome) -> Vec<Event> {
    let is_gone = |it: &&Ingress| it.ip.is_some() && ingress.iter().all(|kept| kept.ip != it.ip);
    let gone = seen.ingress.iter().filter(is_gone);
    let gone: Vec<&str> = gone.filter_map(|it| it.ip.as_deref()).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let why =
        outcome.refusal.as_ref().map_or_else(|| "pools or the request changed".to_owned(), told);
    vec![Event::normal("ClearAssignment", format!("gave up {}: {why}", gone.join(", ")))]
}

fn told(refusal: &Refusal) -> String {
    match refusal.hint() {
        Some(hint) => format!("{refusal}; hint: {hint}"),
        None => refusal.to_string(),
    }
}
