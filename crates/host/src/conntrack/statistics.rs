//! How full is the connection tracking table, and what did it lose?

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP};

use super::{Conntrack, ConntrackError, IPCTNL_MSG_CT_GET_STATS, IPCTNL_MSG_CT_GET_STATS_CPU};
use crate::netlink::{
    Attribute, MessageWriter, Misframed, Sequences, attributes_of_family_message,
};

/// Counts since the network namespace was made, summed over the processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Look-ups of a packet's tuple that found an entry.
    pub found: u64,
    /// Packets that belong to no connection and cannot begin one.
    pub invalid: u64,
    pub insert: u64,
    /// Connections lost because another with the same tuple was faster.
    pub insert_failed: u64,
    /// Packets dropped because the table was full or there was no memory.
    pub drop: u64,
    /// Entries thrown out to make room in a full table.
    pub early_drop: u64,
    pub error: u64,
    pub search_restart: u64,
    pub clash_resolve: u64,
    /// Connections lost because their hash chain was too long.
    pub chain_toolong: u64,
}

/// How full the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    pub entries: u32,
    /// `net.netfilter.nf_conntrack_max`; of this namespace's, on kernels that count them apart.
    pub max: Option<u32>,
}

const CTA_STATS_GLOBAL_ENTRIES: u16 = 1;
const CTA_STATS_GLOBAL_MAX_ENTRIES: u16 = 2;

impl Statistics {
    const fn count_of(&mut self, kind: u16) -> Option<&mut u64> {
        Some(match kind {
            2 => &mut self.found,
            4 => &mut self.invalid,
            8 => &mut self.insert,
            9 => &mut self.insert_failed,
            10 => &mut self.drop,
            11 => &mut self.early_drop,
            12 => &mut self.error,
            13 => &mut self.search_restart,
            14 => &mut self.clash_resolve,
            15 => &mut self.chain_toolong,
            _ => return None,
        })
    }

    /// Adds what one processor counted.
    fn add(&mut self, payload: &[u8]) -> Result<(), Misframed> {
        for attribute in attributes_of_family_message(payload) {
            let attribute = attribute?;
            if let (Some(sum), Some(count)) = (self.count_of(attribute.kind), attribute.be32()) {
                *sum += u64::from(count);
            }
        }
        Ok(())
    }
}

impl Conntrack {
    pub fn statistics(&mut self) -> Result<Statistics, ConntrackError> {
        let mut writer = MessageWriter::default();
        let sequence = self.socket.next_sequence();
        writer.message((IPCTNL_MSG_CT_GET_STATS_CPU, NLM_F_DUMP), sequence, 0, |_| {});
        let mut sums = Statistics::default();
        let mut failure = None;
        self.socket
            .dump(writer.bytes(), &mut |_, payload| {
                if let Err(error) = sums.add(payload) {
                    failure = Some(error);
                }
            })
            .map_err(ConntrackError::Statistics)?;
        failure.map_or(Ok(sums), |error| Err(error.into()))
    }

    pub fn fill(&mut self) -> Result<Fill, ConntrackError> {
        let operation = "count";
        let mut writer = MessageWriter::default();
        let sequence = self.socket.next_sequence();
        writer.message((IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK), sequence, 0, |_| {});
        let sequences = Sequences { first: sequence, last: sequence };
        let answers = self.socket.exchange(writer.bytes(), sequences)?;
        if let Some(refusal) = answers.errors.into_iter().next() {
            return Err(ConntrackError::Refused { operation, refusal });
        }
        let (_, payload) =
            answers.replies.first().ok_or(ConntrackError::Unacknowledged { operation })?;
        let (mut entries, mut max) = (None, None);
        for attribute in attributes_of_family_message(payload) {
            let attribute: Attribute<'_> = attribute?;
            match attribute.kind {
                CTA_STATS_GLOBAL_ENTRIES => entries = attribute.be32(),
                CTA_STATS_GLOBAL_MAX_ENTRIES => max = attribute.be32(),
                _ => {}
            }
        }
        let entries = entries.ok_or(ConntrackError::Unacknowledged { operation })?;
        Ok(Fill { entries, max })
    }
}
