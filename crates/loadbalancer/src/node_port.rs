//! What does the status say of a Service whose balancer is outside of the cluster?
//!
//! It sends to the node ports of the nodes and changes packets on their way, so nodes must not stand in
//! for it: its addresses are of mode Proxy. Where they come from is its owner's word.

use ingest::api::Ingress;
use model::Service;

use crate::event::Event;
use crate::seen::Seen;
use crate::wanted::Wanted;

pub(crate) fn wanted(seen: &Seen, service: &Service) -> Wanted {
    let without: Vec<String> = service
        .ports
        .iter()
        .filter(|port| port.node_port.is_none())
        .map(|port| format!("{}/{}", port.port, port.protocol))
        .collect();
    if !without.is_empty() {
        let why = format!(
            "no node port leads to {}; hint: allocateLoadBalancerNodePorts: true gives each one",
            without.join(", ")
        );
        return refused("NoNodePort", why);
    }
    match &seen.outside {
        Err(why) => refused("InvalidRequest", why.clone()),
        Ok(addresses) if addresses.is_empty() => {
            let why = "it is not known where the balancer outside listens; hint: the annotation \
                       pogu.dev/outside-addresses says it";
            refused("NoOutsideAddress", why.to_owned())
        }
        Ok(addresses) => {
            let addresses = addresses.iter();
            let ingress: Vec<Ingress> = addresses
                .map(|address| Ingress {
                    ip: Some(address.to_string()),
                    ip_mode: Some("Proxy".to_owned()),
                    ..Ingress::default()
                })
                .collect();
            let texts: Vec<&str> = ingress.iter().filter_map(|it| it.ip.as_deref()).collect();
            let message = format!("addresses of a balancer outside: {}", texts.join(", "));
            let events = vec![Event::normal("EnsuredLoadBalancer", message.clone())];
            Wanted { ingress, is_true: true, reason: "Allocated", message, events }
        }
    }
}

fn refused(reason: &'static str, message: String) -> Wanted {
    let events = vec![Event::warning("SyncLoadBalancerFailed", message.clone())];
    Wanted { ingress: Vec::new(), is_true: false, reason, message, events }
}
