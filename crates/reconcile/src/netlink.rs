//! The real kernel.

use host::netfilter::{Nfnetlink, RequestError, TransactError as HostError};
use host::netlink::DumpError;
use nft::wire::{self, Count, RulesetReader};
use nft::{Bytes, ChainId, Op, Ruleset, SetId, SetKind, SetSpec};

use crate::kernel::{Kernel, ReadError, Refused, Taken, TransactError};

/// nftables in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Netlink {
    socket: Nfnetlink,
    clients_max: u32,
    sequence: u32,
    /// What the number of the ruleset's state is if nobody else has changed it since the last whole read.
    generation: Option<u32>,
}

/// Tries to read the table whole while others keep changing it.
const READS_MAX: usize = 10;

/// ENOENT: there is no such element.
const NO_ENTRY: i32 = 2;

impl Netlink {
    /// # Errors
    /// Without CAP_NET_ADMIN, or where the kernel has no nftables.
    pub fn open(clients_max: u32) -> Result<Self, host::netlink::SocketError> {
        Ok(Self { socket: Nfnetlink::open()?, clients_max, sequence: 1, generation: None })
    }

    /// What notifications of our own changes carry; another after a failure to read.
    #[must_use]
    pub const fn port_id(&self) -> u32 {
        self.socket.port_id()
    }

    pub const fn socket(&mut self) -> &mut Nfnetlink {
        &mut self.socket
    }

    /// Everything but elements.
    fn read_frame(&mut self) -> Result<RulesetReader, String> {
        let mut reader = RulesetReader::default();
        let requests =
            [wire::dump_table(), wire::dump_chains(), wire::dump_sets(), wire::dump_rules()];
        for request in requests {
            self.dump(&request, &mut reader)?;
        }
        Ok(reader)
    }

    fn read_whole(&mut self) -> Result<Ruleset, String> {
        let mut reader = self.read_frame()?;
        for set in reader.sets() {
            if !SetSpec::of(set, self.clients_max).kind.is_written_by_packets() {
                self.dump(&wire::dump_set(set), &mut reader)?;
            }
        }
        Ok(reader.finish())
    }

    fn read_part(&mut self, keys: &[(SetId, Bytes)]) -> Result<Ruleset, String> {
        let mut reader = self.read_frame()?;
        for (set, key) in keys {
            match self.socket.request(&wire::one_element(*set, *key)) {
                Ok(replies) => {
                    for (message_type, payload) in replies {
                        reader.message(message_type, &payload);
                    }
                }
                Err(RequestError::Refused(error)) if error.errno == NO_ENTRY => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(reader.finish())
    }

    /// Reads until nobody has changed anything meanwhile: what there is, and the number of that state.
    fn read_settled(
        &mut self,
        read: &mut dyn FnMut(&mut Self) -> Result<Ruleset, String>,
    ) -> Result<(Ruleset, u32), ReadError> {
        let mut last = String::new();
        for _ in 0..READS_MAX {
            match self.read_once(read) {
                Ok(Some(settled)) => return Ok(settled),
                Ok(None) => "the ruleset changed while it was read".clone_into(&mut last),
                Err(error) => last = error,
            }
        }
        self.open_anew();
        Err(ReadError(last))
    }

    /// `None` when somebody changed something meanwhile.
    fn read_once(
        &mut self,
        read: &mut dyn FnMut(&mut Self) -> Result<Ruleset, String>,
    ) -> Result<Option<(Ruleset, u32)>, String> {
        let before = self.socket.generation_id().map_err(|error| error.to_string())?;
        let ruleset = read(self)?;
        let after = self.socket.generation_id().map_err(|error| error.to_string())?;
        Ok((before == after).then_some((ruleset, after)))
    }

    fn dump(&mut self, request: &[u8], reader: &mut RulesetReader) -> Result<(), String> {
        let mut each = |message_type: u16, payload: &[u8]| reader.message(message_type, payload);
        self.socket.dump(request, &mut each).map_err(|error| error.to_string())
    }
}

/// What the kernel has counted in our table.
#[derive(Debug, Default)]
pub struct Counted {
    /// Pairs of endpoint and frontend: by which set, under which key, how much.
    pub traffic: Vec<(SetId, Bytes, Count)>,
    /// Packets that met the chain of a reason.
    pub refused: Vec<(ChainId, Count)>,
}

impl Netlink {
    /// Reads the counters.
    ///
    /// # Errors
    /// When they cannot be read; nothing is zero because of that.
    pub fn counted(&mut self) -> Result<Counted, ReadError> {
        let counted = self.count();
        if counted.is_err() {
            self.open_anew();
        }
        counted.map_err(|error| ReadError(error.to_string()))
    }

    fn count(&mut self) -> Result<Counted, DumpError> {
        let mut counted = Counted::default();
        let counting = SetId::all().filter(|set| {
            let kind = SetSpec::of(*set, self.clients_max).kind;
            matches!(kind, SetKind::Counting { .. })
        });
        for set in counting {
            let mut each = |_: u16, payload: &[u8]| {
                counted.traffic.extend(wire::element_counts(payload));
            };
            self.socket.dump(&wire::dump_set(set), &mut each)?;
        }
        let mut each = |_: u16, payload: &[u8]| counted.refused.extend(wire::rule_count(payload));
        self.socket.dump(&wire::dump_rules(), &mut each)?;
        counted.refused.retain(|(chain, _)| matches!(chain, ChainId::Drop(_) | ChainId::Reject(_)));
        Ok(counted)
    }

    /// Answers to a question that was given up would be taken for those to the next one.
    fn open_anew(&mut self) {
        if let Ok(socket) = Nfnetlink::open() {
            self.socket = socket;
        }
    }
}

impl Kernel for Netlink {
    fn transact(&mut self, ops: &[Op]) -> Result<Taken, TransactError> {
        let batch = wire::encode(ops, self.clients_max, self.sequence, None);
        let messages = u32::try_from(batch.messages()).unwrap_or(0);
        self.sequence = self.sequence.wrapping_add(messages).max(1);
        match self.socket.transact(&batch.bytes) {
            Ok(_) => {
                self.generation = self.generation.map(next_generation);
                Ok(Taken {
                    messages: batch.messages(),
                    elements: batch.elements(),
                    bytes: batch.bytes.len(),
                })
            }
            Err(HostError::Refused { errors, .. }) => {
                let refused = errors.iter().filter_map(|error| {
                    let steps = batch.culprit(error.sequence, error.attribute_offset)?;
                    Some(Refused { steps, reason: error.to_string() })
                });
                Err(TransactError::Refused(refused.collect()))
            }
            Err(error) => Err(TransactError::Failed(error.to_string())),
        }
    }

    fn read(&mut self) -> Result<Ruleset, ReadError> {
        self.generation = None;
        let (ruleset, generation) = self.read_settled(&mut Self::read_whole)?;
        self.generation = Some(generation);
        Ok(ruleset)
    }

    fn read_only(&mut self, keys: &[(SetId, Bytes)]) -> Result<Ruleset, ReadError> {
        let (ruleset, _) = self.read_settled(&mut |kernel| kernel.read_part(keys))?;
        Ok(ruleset)
    }

    fn is_untouched(&mut self) -> bool {
        let Some(expected) = self.generation else { return false };
        self.socket.generation_id().is_ok_and(|present| present == expected)
    }
}

/// The kernel leaves out zero.
fn next_generation(present: u32) -> u32 {
    present.wrapping_add(1).max(1)
}
