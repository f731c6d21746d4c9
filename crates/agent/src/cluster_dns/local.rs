//! How is the cluster DNS's own address answered on this node, past the dataplane?
//!
//! The address is put on a link of the node, a socket listens there, and a table that lives no longer
//! than this process keeps its packets untracked, so that the dataplane does not lead them elsewhere.
//! In this order; and taken back in the other, but that answers to what came before stay untracked to the
//! last. When the process dies, the table goes first of all, and the Service's other endpoints answer.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use dns::config::DNS_PORT;
use host::dummy::Dummy;
use nameserver::{Listen, Running};
use reconcile::{LOCAL_DNS_LINK, LocalDns};

/// Whether and where this node answers for the cluster DNS's Service.
#[derive(Debug, Default)]
pub(super) struct Local {
    table: Option<LocalDns>,
    link: Option<Dummy>,
    /// What the table lets pass; of no meaning without it.
    answered: BTreeSet<SocketAddr>,
    /// Where sockets listen, though what comes after them may have failed.
    listening: BTreeSet<SocketAddr>,
    wanted: BTreeSet<IpAddr>,
    /// What failed last; it is tried again.
    problem: Option<String>,
}

impl Local {
    /// Lets packets for these addresses pass untracked already, since a predecessor answers there and
    /// its sockets are taken over: there is no moment in between.
    pub(super) fn precede(&mut self, addresses: &[IpAddr]) {
        let addresses: BTreeSet<SocketAddr> =
            addresses.iter().map(|ip| SocketAddr::new(*ip, DNS_PORT)).collect();
        let opened = LocalDns::open().and_then(|mut table| {
            table.set(&addresses)?;
            Ok(table)
        });
        match opened {
            Ok(table) => {
                self.listening.clone_from(&addresses);
                (self.table, self.answered) = (Some(table), addresses);
            }
            Err(error) => {
                tracing::warn!(%error, "questions may be lost while the predecessor is replaced");
            }
        }
    }

    /// What `precede` did stays only where the predecessor's sockets are here now.
    pub(super) fn check_taken(&mut self, running: &Running) {
        let taken = running.addresses();
        self.listening.retain(|address| taken.contains(address));
        if self.listening != self.answered {
            self.table = None;
            self.answered.clear();
        }
    }

    /// Answers at just these addresses. Gives what is wrong, if anything is: then the Service's
    /// endpoints answer by the dataplane.
    pub(super) fn follow(&mut self, wanted: &[IpAddr], running: &Running) -> Option<String> {
        let wanted: BTreeSet<IpAddr> = wanted.iter().copied().collect();
        if wanted == self.wanted && self.problem.is_none() {
            return None;
        }
        self.wanted = wanted;
        self.bring(running)
    }

    /// Tries again what failed; `Some` when that changed anything.
    pub(super) fn retry(&mut self, running: &Running) -> Option<Option<String>> {
        self.problem.is_some().then(|| self.bring(running))
    }

    /// Where this node's clients are answered.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let answered = self.table.iter().flat_map(|_| &self.answered);
        answered.copied().collect()
    }

    /// From now on others answer. What was asked before is still answered here, until this value is
    /// dropped.
    pub(super) fn leave(&mut self) {
        let answered = std::mem::take(&mut self.answered);
        let left = self.table.as_mut().map(|table| table.leave(&answered));
        if let Some(Err(error)) = left {
            tracing::warn!(%error, "clients whose last question is answered late may be lost");
            self.table = None;
        }
    }

    fn bring(&mut self, running: &Running) -> Option<String> {
        let outcome = self.try_to(running);
        let problem = outcome.err();
        if problem != self.problem {
            match &problem {
                Some(problem) => {
                    tracing::warn!(%problem, "this node's clients are answered by the Service's endpoints");
                }
                None => tracing::info!(addresses = ?self.answered, "answering this node's clients"),
            }
        }
        self.problem.clone_from(&problem);
        problem
    }

    fn try_to(&mut self, running: &Running) -> Result<(), String> {
        let wanted: BTreeSet<SocketAddr> =
            self.wanted.iter().map(|ip| SocketAddr::new(*ip, DNS_PORT)).collect();
        if wanted.is_empty() && self.link.is_none() {
            return Ok(());
        }
        let mut table = match self.table.take() {
            Some(table) => table,
            None => LocalDns::open().map_err(|error| error.to_string())?,
        };
        let kept: BTreeSet<SocketAddr> = self.answered.intersection(&wanted).copied().collect();
        if kept != self.answered {
            // Before the sockets go: until then the others do not answer.
            table.set(&kept).map_err(|error| error.to_string())?;
        }
        self.answered = kept;
        for gone in self.listening.extract_if(.., |address| !wanted.contains(address)) {
            running.unlisten(gone);
        }
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(Dummy::ensure(LOCAL_DNS_LINK).map_err(|error| error.to_string())?),
        };
        link.set_addresses(&self.wanted).map_err(|error| error.to_string())?;
        for address in &wanted {
            running.listen(&Listen::at(*address)).map_err(|error| error.to_string())?;
            self.listening.insert(*address);
        }
        table.set(&wanted).map_err(|error| error.to_string())?;
        self.answered = wanted;
        self.table = Some(table);
        Ok(())
    }
}
