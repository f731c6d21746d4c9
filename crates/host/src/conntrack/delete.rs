//! Which entries are forgotten?

use std::net::SocketAddr;

use model::Frontend;

use super::entry::{Entry, Identity};
use super::{Conntrack, ConntrackError, Filter, IPCTNL_MSG_CT_DELETE, Kind};

/// What a deletion took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deleted {
    /// Entries that the filter let through.
    pub matched: usize,
    /// Entries that were there and now are not.
    pub deleted: usize,
    /// Requests to the kernel: one for the list, one for each few hundred deletions.
    pub sends: usize,
}

impl Conntrack {
    /// Deletes the entries that the filter lets through and `is_stale` names. Those that end by
    /// themselves meanwhile are not counted. One that a new packet makes in their place has another
    /// id and stays, unless it lies in the very memory of the former; then its client is sent to an
    /// endpoint once more.
    pub fn delete_matching(
        &mut self,
        filter: &Filter,
        is_stale: &dyn Fn(&Entry) -> bool,
    ) -> Result<Deleted, ConntrackError> {
        let mut stale = Vec::new();
        let mut matched = 0;
        self.list(filter, &mut |entry| {
            matched += 1;
            if is_stale(entry) {
                stale.push(entry.identity());
            }
        })?;
        let kind = Kind { message_type: IPCTNL_MSG_CT_DELETE, flags: 0, operation: "delete" };
        let refusals = self.send_all(kind, &stale, Identity::family, Identity::write)?;
        let n_gone = refusals.iter().filter(|refusal| refusal.errno == libc::ENOENT).count();
        if let Some(refusal) = refusals.into_iter().find(|refusal| refusal.errno != libc::ENOENT) {
            return Err(ConntrackError::Refused { operation: "delete", refusal });
        }
        let sends = 1 + stale.len().div_ceil(super::ENTRIES_PER_SEND);
        Ok(Deleted { matched, deleted: stale.len() - n_gone, sends })
    }

    /// Deletes what clients sent to exactly this frontend and another than the kept endpoints
    /// answers.
    pub fn delete_stale(
        &mut self,
        frontend: &Frontend,
        keep: &dyn Fn(SocketAddr) -> bool,
    ) -> Result<Deleted, ConntrackError> {
        self.delete_matching(&Filter::frontend(frontend), &|entry| !keep(entry.reply.source))
    }

    /// Deletes one entry; whether it was there.
    pub fn delete(&mut self, entry: &Entry) -> Result<bool, ConntrackError> {
        let kind = Kind { message_type: IPCTNL_MSG_CT_DELETE, flags: 0, operation: "delete" };
        let entry = [entry.identity()];
        let refusals = self.send_all(kind, &entry, Identity::family, Identity::write)?;
        match refusals.into_iter().next() {
            None => Ok(true),
            Some(refusal) if refusal.errno == libc::ENOENT => Ok(false),
            Some(refusal) => Err(ConntrackError::Refused { operation: "delete", refusal }),
        }
    }
}
