//! How is each set declared: which fields make its key, what does it map to, how large may it get?

use model::{Family, Frontend, Protocol};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use crate::name::SetId;
use crate::program::Bytes;

/// One field of a key or of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Address(Family),
    Protocol,
    Port,
    /// A pool, or a pool and kind: what we keep in `skb->priority`.
    Class,
    /// A random number.
    Slot,
}

impl Field {
    /// Bytes that it takes in a register, padding included.
    #[must_use]
    pub const fn width(self) -> u32 {
        match self {
            Self::Address(Family::V6) => 16,
            Self::Address(Family::V4) | Self::Protocol | Self::Port | Self::Class | Self::Slot => 4,
        }
    }

    /// The number by which the `nft` program knows the type; it needs them to print elements.
    #[must_use]
    pub const fn datatype(self) -> u32 {
        match self {
            Self::Slot => 4,
            Self::Address(Family::V4) => 7,
            Self::Address(Family::V6) => 8,
            Self::Protocol => 12,
            Self::Port => 13,
            Self::Class => 23,
        }
    }
}

/// What a map's elements lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// It is a set.
    Nothing,
    Verdict,
    Fields(Vec<Field>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSpec {
    pub id: SetId,
    pub key: Vec<Field>,
    pub target: Target,
    pub kind: SetKind,
    /// Each element counts the packets that matched it.
    pub has_counters: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetKind {
    /// Elements that only we write.
    Plain,
    /// Each element is a range in its last field.
    Ranges,
    /// Elements that packets write and that end by themselves, up to a number of them.
    Dynamic { size: u32, timeout_s: u32 },
    /// Elements that packets write to be counted in, up to a number of them.
    Counting { size: u32 },
}

/// Pairs of frontend and endpoint of each family that can be counted. What comes when it is full is
/// forwarded as ever, but not counted.
pub const COUNTED_MAX: u32 = 1 << 20;

impl SetKind {
    /// Whether packets write its elements, so that they are not ours to compare.
    #[must_use]
    pub const fn is_written_by_packets(self) -> bool {
        matches!(self, Self::Dynamic { .. } | Self::Counting { .. })
    }
}

impl SetSpec {
    /// How a set of the table is declared. `clients_max` bounds the affinity maps.
    #[must_use]
    pub fn of(id: SetId, clients_max: u32) -> Self {
        use Field::{Address, Class, Port, Protocol, Slot};
        let plain = |key: Vec<Field>, target: Target| Self {
            id,
            key,
            target,
            kind: SetKind::Plain,
            has_counters: false,
        };
        let frontend = |family| vec![Address(family), Protocol, Port];
        let endpoint = |family| Target::Fields(vec![Address(family), Port]);
        match id {
            SetId::Dispatch => plain(vec![Class], Target::Verdict),
            SetId::Services(f) | SetId::Inside(f) | SetId::Outside(f) => {
                plain(frontend(f), Target::Fields(vec![Class]))
            }
            SetId::Endpoints(f) => plain(vec![Class, Slot], endpoint(f)),
            SetId::Slots(f) => plain(vec![Class, Slot], Target::Fields(vec![Address(f)])),
            SetId::Members(f) => plain(vec![Class, Address(f)], endpoint(f)),
            SetId::Affinity(f) => Self {
                kind: SetKind::Dynamic {
                    size: clients_max,
                    timeout_s: model::limits::AFFINITY_TIMEOUT_S_DEFAULT,
                },
                ..plain(vec![Address(f), Class], Target::Fields(vec![Address(f)]))
            },
            SetId::LocalPolicy(f)
            | SetId::Rejected(f)
            | SetId::DroppedInternal(f)
            | SetId::DroppedExternal(f)
            | SetId::Restricted(f)
            | SetId::External(f)
            | SetId::LocalDns(f) => plain(frontend(f), Target::Nothing),
            SetId::Connections(f) | SetId::Sent(f) | SetId::Received(f) => Self {
                kind: SetKind::Counting { size: COUNTED_MAX },
                has_counters: true,
                ..plain(vec![Address(f), Port, Address(f), Protocol, Port], Target::Nothing)
            },
            SetId::ClusterIps(f) => plain(vec![Address(f)], Target::Nothing),
            SetId::Hairpin(f) => plain(vec![Address(f), Address(f)], Target::Nothing),
            SetId::Allowed(f) => Self {
                kind: SetKind::Ranges,
                ..plain(vec![Address(f), Protocol, Port, Address(f)], Target::Nothing)
            },
        }
    }

    #[must_use]
    pub fn key_len(&self) -> u32 {
        self.key.iter().map(|field| field.width()).sum()
    }
}

/// The key of a frontend: address, protocol, port.
#[must_use]
pub(crate) fn frontend_key(frontend: &Frontend) -> Bytes {
    transport_key(SocketAddr::new(frontend.address, frontend.port.get()), frontend.protocol)
}

/// Where a frontend may stand, in every set whose elements are frontends.
pub fn frontend_keys(frontend: &Frontend) -> impl Iterator<Item = (SetId, Bytes)> + use<> {
    let key = frontend_key(frontend);
    let sets = [
        SetId::Services,
        SetId::LocalPolicy,
        SetId::Inside,
        SetId::Outside,
        SetId::Rejected,
        SetId::DroppedInternal,
        SetId::DroppedExternal,
        SetId::Restricted,
        SetId::External,
    ];
    let family = frontend.family();
    sets.into_iter().map(move |set| (set(family), key))
}

/// The key of a transport address: address, protocol, port.
#[must_use]
pub(crate) fn transport_key(address: SocketAddr, protocol: Protocol) -> Bytes {
    address_key(address.ip()).with(&[protocol.number()]).with(&address.port().to_be_bytes())
}

#[must_use]
pub(crate) fn address_key(address: IpAddr) -> Bytes {
    with_address(Bytes::empty(), address)
}

#[must_use]
pub(crate) fn with_address(bytes: Bytes, address: IpAddr) -> Bytes {
    match address {
        IpAddr::V4(v4) => bytes.with(&v4.octets()),
        IpAddr::V6(v6) => bytes.with(&v6.octets()),
    }
}

/// The value that the endpoint maps hold: address, port.
#[must_use]
pub(crate) fn endpoint_value(endpoint: SocketAddr) -> Bytes {
    address_key(endpoint.ip()).with(&endpoint.port().to_be_bytes())
}

/// A number that the kernel keeps in the host's byte order.
#[must_use]
pub(crate) fn number(value: u32) -> Bytes {
    Bytes::empty().with(&value.to_ne_bytes())
}

/// Reads the key of a counting set: the endpoint, and the frontend that the client used.
#[must_use]
pub fn read_counted(bytes: &[u8]) -> Option<(SocketAddr, Frontend)> {
    let endpoint_len = if bytes.len() == Bytes::LEN_MAX { 20 } else { 8 };
    let (endpoint, frontend) = bytes.split_at_checked(endpoint_len)?;
    let (address, rest) = read_address(frontend)?;
    let &[protocol, _, _, _, high, low, _, _] = rest else { return None };
    let protocol = Protocol::from_number(protocol)?;
    let port = NonZeroU16::new(u16::from_be_bytes([high, low]))?;
    Some((read_endpoint(endpoint)?, Frontend { address, protocol, port }))
}

/// Reads back what `endpoint_value` wrote.
#[must_use]
pub fn read_endpoint(bytes: &[u8]) -> Option<SocketAddr> {
    let (address, rest) = read_address(bytes)?;
    let &[high, low, _, _] = rest else { return None };
    Some(SocketAddr::new(address, u16::from_be_bytes([high, low])))
}

/// An address in front of one or two fields of four bytes: the length tells its family.
fn read_address(bytes: &[u8]) -> Option<(IpAddr, &[u8])> {
    if let Some((octets, rest)) = bytes.split_first_chunk::<16>() {
        return Some((IpAddr::from(*octets), rest));
    }
    let (octets, rest) = bytes.split_first_chunk::<4>()?;
    Some((IpAddr::from(*octets), rest))
}

/// Reads back what `number` wrote.
#[must_use]
pub fn read_number(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_ne_bytes)
}
