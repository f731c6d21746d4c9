//! One packet on its way through the hooks, with the kernel's registers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use model::{Affinity, DropReason, Family, NodeContext, Packet, RejectReason};

use crate::name::{ChainId, SetId};
use crate::program::{
    Base, Bytes, CtKey, Data, DynamicOp, Expr, Hook, HookKind, Into, MetaKey, Reg, RuleVerdict,
    value,
};
use crate::ruleset::Ruleset;
use crate::set::SetKind;

/// What packets wrote into dynamic maps: a value, or nothing where an element was deleted.
pub(super) type Memory = BTreeMap<(SetId, Bytes), Option<Bytes>>;

/// How a packet's way ends.
pub(super) enum Outcome {
    Passed,
    Dropped(DropReason),
    Rejected(RejectReason),
}

/// Why a rule, a chain or a hook ends before its last step.
enum End {
    /// The rule does not match, or is done.
    Rule,
    /// The chain is left for the one that jumped here.
    Chain,
    /// The hook's chain has its verdict.
    Accept,
    Drop(DropReason),
    Reject(RejectReason),
}

/// A change that takes effect while the packet is on its way.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) later: &'a Ruleset,
    /// So many lookups still find what was in force before.
    pub(super) lookups: usize,
}

pub(super) struct Run<'a> {
    table: &'a Ruleset,
    change: Option<Change<'a>>,
    lookups: usize,
    /// Those that were in force when the packet came to the hooked chain that it is in.
    rules: &'a Ruleset,
    node: &'a NodeContext,
    packet: &'a Packet,
    /// The value of every random number, as far as its modulus allows.
    choice: u32,
    registers: [u8; 64],
    priority: u32,
    destination: IpAddr,
    port: u16,
    pub(super) modulus: Option<u32>,
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) is_masqueraded: bool,
    pub(super) affinity: Option<Affinity>,
    pub(super) memory: Memory,
}

impl<'a> Run<'a> {
    pub(super) const fn new(
        table: &'a Ruleset,
        packet: &'a Packet,
        node: &'a NodeContext,
        choice: u32,
    ) -> Self {
        Self {
            table,
            change: None,
            lookups: 0,
            rules: table,
            node,
            packet,
            choice,
            registers: [0; 64],
            priority: 0,
            destination: packet.destination,
            port: packet.destination_port.get(),
            modulus: None,
            endpoint: None,
            is_masqueraded: false,
            affinity: None,
            memory: Memory::new(),
        }
    }

    pub(super) const fn meeting(mut self, change: Change<'a>) -> Self {
        self.change = Some(change);
        self
    }

    /// Through all hooks that such a packet meets.
    pub(super) fn travel(&mut self) -> Outcome {
        let is_sent_here = self.packet.interface.is_none();
        let first = if is_sent_here { Hook::Output } else { Hook::Prerouting };
        let mut way = vec![first];
        while let Some(hook) = way.pop() {
            match self.hook(hook) {
                Some(End::Drop(reason)) => return Outcome::Dropped(reason),
                Some(End::Reject(reason)) => return Outcome::Rejected(reason),
                _ => {}
            }
            // Routed by the destination that the hook left in the packet.
            let is_local = self.node.local_addresses.contains(&self.destination);
            match hook {
                Hook::Prerouting if is_local => way.push(Hook::Input),
                Hook::Prerouting => way.push(Hook::Forward),
                Hook::Forward | Hook::Output => way.push(Hook::Postrouting),
                Hook::Input | Hook::Postrouting => {}
            }
        }
        Outcome::Passed
    }

    /// Through the chains of one hook, lowest priority first.
    fn hook(&mut self, hook: Hook) -> Option<End> {
        let mut chains: Vec<(i32, ChainId, HookKind)> = self
            .in_force()
            .chains
            .iter()
            .filter_map(|(id, chain)| {
                let attachment = chain.attachment.filter(|attachment| attachment.hook == hook)?;
                Some((attachment.priority, *id, attachment.kind))
            })
            .collect();
        chains.sort_unstable_by_key(|(priority, id, _)| (*priority, *id));
        let mut is_rewritten = false;
        for (_, chain, kind) in chains {
            // The first chain that rewrites is the last that is asked.
            if kind == HookKind::Nat && is_rewritten {
                continue;
            }
            let before = self.endpoint;
            self.rules = self.in_force();
            let end = self.chain(chain);
            is_rewritten |= self.endpoint != before;
            match end {
                Err(end @ (End::Drop(_) | End::Reject(_))) => return Some(end),
                Ok(()) | Err(End::Accept | End::Chain | End::Rule) => {}
            }
        }
        None
    }

    const fn in_force(&self) -> &'a Ruleset {
        match self.change {
            Some(change) if self.lookups >= change.lookups => change.later,
            _ => self.table,
        }
    }

    fn chain(&mut self, id: ChainId) -> Result<(), End> {
        // One that is not in force yet has no rules.
        let Some(chain) = self.rules.chains.get(&id) else { return Ok(()) };
        for rule in &chain.rules {
            let steps = rule.iter().try_for_each(|expr| self.step(id, expr));
            match steps {
                Ok(()) | Err(End::Rule) => {}
                Err(End::Chain) => return Ok(()),
                Err(end) => return Err(end),
            }
        }
        Ok(())
    }

    fn step(&mut self, chain: ChainId, expr: &Expr) -> Result<(), End> {
        match expr {
            Expr::Meta { key, to } => self.meta(*key, *to),
            Expr::SetPriority { from } => {
                self.priority = u32::from_ne_bytes(self.read4(*from));
            }
            Expr::Payload { base, offset, to, .. } => self.payload(*base, *offset, *to)?,
            Expr::SetDestination { len, from, .. } => {
                self.destination = address(self.read(*from, *len)).ok_or(End::Rule)?;
            }
            Expr::Ct { key, to } => self.connection(*key, *to)?,
            Expr::Compare { from, equal, value } => {
                let held = self.read(*from, u32::try_from(value.len()).unwrap_or(0));
                if (held == value) != *equal {
                    return Err(End::Rule);
                }
            }
            Expr::Mask { from, to, mask } => {
                let held = self.read(*from, u32::try_from(mask.len()).unwrap_or(0));
                let masked: Vec<u8> =
                    held.iter().zip(mask).map(|(byte, mask)| byte & mask).collect();
                self.write(*to, &masked);
            }
            Expr::Constant { to, value } => self.write(*to, value),
            Expr::Lookup { set, from, into, invert } => {
                return self.lookup(*set, *from, *into, *invert);
            }
            Expr::Random { modulus, to } => {
                self.modulus = Some(*modulus);
                self.write(*to, &(self.choice % modulus).to_ne_bytes());
            }
            Expr::SourceType { to } => {
                let is_own = self.node.is_own(self.packet);
                let kind = if is_own { value::ADDRESS_LOCAL } else { 1 };
                self.write(*to, &kind.to_ne_bytes());
            }
            Expr::Dynamic { set, op, key, data, timeout_ms } => {
                self.dynamic(*set, *op, *key, *data, *timeout_ms)?;
            }
            Expr::Dnat { address: from, port, .. } => {
                self.dnat(*from, *port)?;
                return Err(End::Accept);
            }
            Expr::Masquerade => {
                self.is_masqueraded = true;
                return Err(End::Accept);
            }
            Expr::Reject => {
                return Err(if let ChainId::Reject(reason) = chain {
                    End::Reject(reason)
                } else {
                    End::Rule
                });
            }
            Expr::Verdict(verdict) => return self.verdict(chain, *verdict),
            Expr::Count { .. } | Expr::Counter | Expr::Notrack | Expr::Foreign(_) => {}
        }
        Ok(())
    }

    fn verdict(&mut self, chain: ChainId, verdict: RuleVerdict) -> Result<(), End> {
        match verdict {
            RuleVerdict::Drop => {
                Err(if let ChainId::Drop(reason) = chain { End::Drop(reason) } else { End::Rule })
            }
            RuleVerdict::Return => Err(End::Chain),
            RuleVerdict::Jump(to) => self.chain(to),
            RuleVerdict::Goto(to) => self.chain(to).and(Err(End::Chain)),
        }
    }

    fn meta(&mut self, key: MetaKey, to: Reg) {
        match key {
            MetaKey::Priority => self.write(to, &self.priority.to_ne_bytes()),
            MetaKey::InterfaceName => {
                let mut name = [0; 16];
                let interface = self.packet.interface.as_deref().unwrap_or("").as_bytes();
                let len = interface.len().min(15);
                name[..len].copy_from_slice(&interface[..len]);
                self.write(to, &name);
            }
            MetaKey::NetworkProtocol => {
                let number = match Family::of(self.packet.source) {
                    Family::V4 => value::NFPROTO_IPV4,
                    Family::V6 => value::NFPROTO_IPV6,
                };
                self.write(to, &[number]);
            }
            MetaKey::TransportProtocol => self.write(to, &[self.packet.protocol.number()]),
        }
    }

    fn payload(&mut self, base: Base, offset: u32, to: Reg) -> Result<(), End> {
        match (base, offset) {
            (Base::Network, 12 | 8) => self.write(to, &octets(self.packet.source)),
            (Base::Network, 16 | 24) => self.write(to, &octets(self.destination)),
            (Base::Transport, 2) => self.write(to, &self.port.to_be_bytes()),
            // The source port of a first packet is any: no rule of ours matches on it.
            (Base::Network | Base::Transport, _) => return Err(End::Rule),
        }
        Ok(())
    }

    fn connection(&mut self, key: CtKey, to: Reg) -> Result<(), End> {
        match key {
            CtKey::State => self.write(to, &value::CT_STATE_NEW.to_ne_bytes()),
            CtKey::Status => {
                // The kernel marks what was changed, not what was only looked at.
                let asked =
                    SocketAddr::new(self.packet.destination, self.packet.destination_port.get());
                let is_changed = self.endpoint.is_some_and(|endpoint| endpoint != asked);
                let status = if is_changed { value::CT_STATUS_DNAT } else { 0 };
                self.write(to, &status.to_ne_bytes());
            }
            CtKey::Direction => self.write(to, &[value::CT_DIRECTION_ORIGINAL]),
            CtKey::OriginalDestination(family) => {
                if Family::of(self.packet.destination) != family {
                    return Err(End::Rule);
                }
                self.write(to, &octets(self.packet.destination));
            }
            CtKey::OriginalPort => {
                self.write(to, &self.packet.destination_port.get().to_be_bytes());
            }
        }
        Ok(())
    }

    fn lookup(&mut self, set: SetId, from: Reg, into: Into, invert: bool) -> Result<(), End> {
        let spec = self.table.sets.get(&set).ok_or(End::Rule)?;
        let key = Bytes::new(self.read(from, spec.key_len())).ok_or(End::Rule)?;
        let found = self.find(set, key);
        self.lookups += 1;
        match (into, found) {
            (Into::Nothing, found) if found.is_some() != invert => Ok(()),
            (Into::Register(to), Some(Data::Value(value))) => {
                self.write(to, &value);
                Ok(())
            }
            (Into::Verdict, Some(Data::Goto(chain))) => self.chain(chain).and(Err(End::Chain)),
            (Into::Nothing | Into::Register(_) | Into::Verdict, _) => Err(End::Rule),
        }
    }

    fn find(&self, set: SetId, key: Bytes) -> Option<Data> {
        if let Some(written) = self.memory.get(&(set, key)) {
            return written.map(Data::Value);
        }
        let elements = &self.in_force().elements;
        if let Some(data) = elements.get(&(set, key)) {
            return Some(*data);
        }
        elements.iter().find_map(|((held, first), data)| match data {
            Data::RangeEnd(last) if *held == set && *first <= key && key <= *last => Some(*data),
            Data::RangeEnd(_) | Data::None | Data::Value(_) | Data::Goto(_) => None,
        })
    }

    fn dynamic(
        &mut self,
        set: SetId,
        op: DynamicOp,
        key: Reg,
        data: Reg,
        timeout_ms: u64,
    ) -> Result<(), End> {
        let spec = self.table.sets.get(&set).ok_or(End::Rule)?;
        let key = Bytes::new(self.read(key, spec.key_len())).ok_or(End::Rule)?;
        if op == DynamicOp::Delete {
            self.memory.insert((set, key), None);
            return Ok(());
        }
        let timeout_s = u32::try_from(timeout_ms / 1000).unwrap_or(u32::MAX);
        self.affinity = Some(Affinity { timeout_s });
        if self.find(set, key).is_some() {
            return Ok(());
        }
        let held = self.table.elements.keys().filter(|(held, _)| *held == set).count();
        if let SetKind::Dynamic { size, .. } = spec.kind
            && u32::try_from(held).unwrap_or(u32::MAX) >= size
        {
            return Err(End::Rule);
        }
        let width = set.family().map_or(4, |family| if family == Family::V4 { 4 } else { 16 });
        let value = Bytes::new(self.read(data, width)).ok_or(End::Rule)?;
        self.memory.insert((set, key), Some(value));
        Ok(())
    }

    fn dnat(&mut self, from: Reg, port: Reg) -> Result<(), End> {
        let width = if self.packet.source.is_ipv4() { 4 } else { 16 };
        let address = address(self.read(from, width)).ok_or(End::Rule)?;
        let &[high, low, ..] = self.read(port, 4) else { return Err(End::Rule) };
        let port = u16::from_be_bytes([high, low]);
        self.endpoint = Some(SocketAddr::new(address, port));
        (self.destination, self.port) = (address, port);
        Ok(())
    }

    fn read(&self, from: Reg, len: u32) -> &[u8] {
        let start = usize::from(from.0) * 4;
        let len = usize::try_from(len).unwrap_or(0);
        self.registers.get(start..start + len).unwrap_or(&[])
    }

    fn read4(&self, from: Reg) -> [u8; 4] {
        self.read(from, 4).try_into().unwrap_or_default()
    }

    /// Writes whole registers: the rest of the last one becomes zero.
    fn write(&mut self, to: Reg, bytes: &[u8]) {
        let start = usize::from(to.0) * 4;
        if let Some(registers) =
            self.registers.get_mut(start..start + bytes.len().next_multiple_of(4))
        {
            registers.fill(0);
            registers[..bytes.len()].copy_from_slice(bytes);
        }
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from).ok();
    v4.or_else(|| <[u8; 16]>::try_from(octets).map(IpAddr::from).ok())
}
