//! Which other records has a name, for whoever asks for nothing but the name?

use dns::wire::{Lowered, Name, RecordType};
use dns::zone::{Found, Place, Stands};

use crate::dns_question::DnsQuestion;
use crate::name::{End, Names, count};
use crate::reply;
use crate::verdict::Outcome;

/// Records that are told one by one.
const TOLD_MAX: usize = 16;

impl Names<'_> {
    /// SRV records of a Service, and the names of a headless one's endpoints.
    pub(crate) fn records(&mut self, name: &Name, found: &Found<'_>) {
        let Found::Service(names) = found else { return };
        let srv = self.note_records(name, RecordType::SRV);
        if !srv.is_empty() {
            self.say(format!("{name} has SRV records: {}", list(&srv)), Vec::new());
        }
        if matches!(names.stands, Stands::Endpoints { .. }) {
            let endpoints = self.endpoint_names(&srv);
            if !endpoints.is_empty() {
                let says = format!("its endpoints have names of their own: {}", list(&endpoints));
                self.say(says, Vec::new());
            }
        }
    }

    /// Whether a name without addresses has records that somebody may ask for by their type.
    pub(crate) fn has_records(&self, name: &Name) -> bool {
        self.other_type(name).is_some()
    }

    fn other_type(&self, name: &Name) -> Option<RecordType> {
        match self.view.dns.zone.find(&Lowered::new(name.as_wire())?) {
            Place::Inside { found: Ok(found), .. } => match found {
                Found::Port { .. } => Some(RecordType::SRV),
                Found::Version => Some(RecordType::TXT),
                Found::Apex => Some(RecordType::NS),
                Found::Pointers(_) => Some(RecordType::PTR),
                Found::NameServer
                | Found::Empty
                | Found::Service(_)
                | Found::Host(..)
                | Found::Zonal(..)
                | Found::Pod(_) => None,
            },
            Place::Inside { found: Err(_), .. } | Place::Outside => None,
        }
    }

    /// The records of a name without addresses.
    pub(crate) fn other_records(&mut self, name: &Name) -> End {
        let rtype = self.other_type(name).unwrap_or(RecordType::TXT);
        let records = self.note_records(name, rtype);
        self.say(format!("{name} has {rtype} records: {}", list(&records)), Vec::new());
        let n = count(records.len(), &format!("{rtype} record"));
        let says = format!("{name} has {n} and no address");
        End::Nothing { outcome: Outcome::Resolved, says }
    }

    /// Asks for one type, and gives what the records say.
    pub(crate) fn note_records(&mut self, name: &Name, rtype: RecordType) -> Vec<String> {
        let reply = reply::ask(self.view.dns, name, rtype);
        let reason = self.why(name, &reply).map(|why| why.reason);
        self.dns_questions.push(DnsQuestion::new(name, &reply, None, reason));
        reply.records
    }

    /// As the targets of SRV records tell them, with their addresses.
    fn endpoint_names(&self, srv: &[String]) -> Vec<String> {
        let targets = srv.iter().filter_map(|record| record.rsplit(' ').next());
        let mut targets: Vec<&str> = targets.collect();
        targets.sort_unstable();
        targets.dedup();
        let dns = self.view.dns;
        let told = targets.iter().map(|target| {
            let addresses = Name::from_text(target).map(|name| {
                let replies =
                    [RecordType::A, RecordType::AAAA].map(|rtype| reply::ask(dns, &name, rtype));
                let all: Vec<String> = replies
                    .iter()
                    .flat_map(|reply| reply.addresses.iter().map(ToString::to_string))
                    .collect();
                all.join(" ")
            });
            let label = target.split('.').next().unwrap_or(target);
            format!("{label} ({})", addresses.unwrap_or_default())
        });
        told.collect()
    }
}

fn list(all: &[String]) -> String {
    let told: Vec<&str> = all.iter().take(TOLD_MAX).map(String::as_str).collect();
    match all.len() - told.len() {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}
