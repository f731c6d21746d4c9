//! To which names does an address lead back?

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use dns::wire::{Name, RecordType};

use crate::dns_question::{DnsQuestion, NoAnswer};
use crate::name::{End, Names, count};
use crate::reply;
use crate::verdict::Outcome;

impl Names<'_> {
    /// An address alone: what PTR records say of it.
    pub(crate) fn reverse(&mut self, address: IpAddr) -> End {
        let connection = SocketAddr::new(address, 80);
        let text = reverse_name(address);
        let Ok(name) = Name::from_text(&text) else {
            let says = format!("{address} has no name");
            return End::Nothing { outcome: Outcome::Unknown, says };
        };
        let reply = reply::ask(self.view.dns, &name, RecordType::PTR);
        let why = self.why(&name, &reply);
        let reason = why.as_ref().map(|why| why.reason);
        self.dns_questions.push(DnsQuestion::new(&name, &reply, None, reason));
        if reply.is_elsewhere {
            let rule = self.view.dns.upstreams.rule(&name);
            let whom = rule.map_or_else(|| "the DNS outside".to_owned(), |rule| rule.whom());
            let says = format!(
                "nothing in the cluster has the address {address}: the cluster DNS asks {whom} for \
                 its PTR records, whose answer is not known here"
            );
            self.say(says, Vec::new());
            let says = format!("the names of {address} are not known here");
            return End::Nothing { outcome: Outcome::Unknown, says };
        }
        if let Some(why) = why {
            let says = format!("{address} has no name ({}): {}", reply.rcode, why.says);
            let is_unknown = why.reason == NoAnswer::NotSynced;
            self.say_why(says.clone(), why);
            let outcome = if is_unknown { Outcome::Unknown } else { Outcome::NoSuchName };
            return End::Nothing { outcome, says };
        }
        let ttl_s = reply.ttl_s.unwrap_or_default();
        let names = reply.records.join(" and ");
        self.say(format!("{address} has PTR records: {names}, for {ttl_s} s"), Vec::new());
        let says = format!(
            "{address} leads back to {}; {connection} explains a connection",
            count(reply.records.len(), "name")
        );
        End::Nothing { outcome: Outcome::Resolved, says }
    }
}

fn reverse_name(address: IpAddr) -> String {
    let mut text = String::new();
    match address {
        IpAddr::V4(address) => {
            for octet in address.octets().iter().rev() {
                write!(text, "{octet}.").expect("a string takes everything");
            }
            text.push_str("in-addr.arpa");
        }
        IpAddr::V6(address) => {
            for octet in address.octets().iter().rev() {
                write!(text, "{:x}.{:x}.", octet & 0xf, octet >> 4)
                    .expect("a string takes everything");
            }
            text.push_str("ip6.arpa");
        }
    }
    text
}
