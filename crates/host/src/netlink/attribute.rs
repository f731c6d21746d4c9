//! How are netlink attributes read and written?

use std::net::IpAddr;

use netlink_packet_core::{NLA_F_NESTED, NLM_F_REQUEST, NlasIterator};

use super::message::Misframed;

/// One attribute of a message or of another attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Without the flags for nesting and byte order.
    pub kind: u16,
    pub value: &'a [u8],
}

/// The attributes that stand in these bytes, in order. After an error there is nothing more.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = Result<Attribute<'_>, Misframed>> {
    let mut offset = 0;
    NlasIterator::new(bytes).map(move |found| {
        let at = offset;
        let Ok(found) = found else {
            return Err(Misframed {
                offset: at,
                what: "attribute is shorter than its header says",
            });
        };
        let length = usize::from(found.length());
        offset += length.next_multiple_of(4);
        Ok(Attribute { kind: found.kind(), value: &bytes[at + 4..at + length] })
    })
}

/// The attributes after `struct nfgenmsg`, with which each netfilter message begins.
pub fn attributes_of_family_message(
    payload: &[u8],
) -> impl Iterator<Item = Result<Attribute<'_>, Misframed>> {
    attributes(payload.get(4..).unwrap_or_default())
}

/// The first attribute of a kind.
pub(crate) fn find(bytes: &[u8], kind: u16) -> Result<Option<&[u8]>, Misframed> {
    for attribute in attributes(bytes) {
        let attribute = attribute?;
        if attribute.kind == kind {
            return Ok(Some(attribute.value));
        }
    }
    Ok(None)
}

impl Attribute<'_> {
    pub(crate) fn byte(&self) -> Option<u8> {
        self.value.first().copied()
    }

    pub(crate) fn be16(&self) -> Option<u16> {
        self.value.try_into().ok().map(u16::from_be_bytes)
    }

    pub(crate) fn be32(&self) -> Option<u32> {
        self.value.try_into().ok().map(u32::from_be_bytes)
    }

    pub(crate) fn be64(&self) -> Option<u64> {
        self.value.try_into().ok().map(u64::from_be_bytes)
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self.value.len() {
            4 => <[u8; 4]>::try_from(self.value).ok().map(IpAddr::from),
            _ => <[u8; 16]>::try_from(self.value).ok().map(IpAddr::from),
        }
    }
}

/// Writes netfilter messages one after the other into one buffer.
///
/// It writes only messages of this crate, whose attributes are a few bytes each: lengths stay far
/// below the 65,535 bytes that an attribute can have.
#[derive(Debug, Default)]
pub(crate) struct MessageWriter {
    bytes: Vec<u8>,
}

impl MessageWriter {
    /// Appends a message: its header, `struct nfgenmsg`, and what `body` writes.
    pub(crate) fn message(
        &mut self,
        (message_type, flags): (u16, u16),
        sequence: u32,
        family: u8,
        body: impl FnOnce(&mut Self),
    ) {
        // Version 0 and resource 0.
        self.framed((message_type, flags), sequence, [family, 0, 0, 0], body);
    }

    /// Appends the begin or the end of a batch for a subsystem.
    pub(crate) fn batch_edge(
        &mut self,
        (message_type, flags): (u16, u16),
        sequence: u32,
        [high, low]: [u8; 2],
    ) {
        self.framed((message_type, flags), sequence, [0, 0, high, low], |_| {});
    }

    pub(crate) fn framed(
        &mut self,
        (message_type, flags): (u16, u16),
        sequence: u32,
        family_header: [u8; 4],
        body: impl FnOnce(&mut Self),
    ) {
        let start = self.bytes.len();
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(message_type.to_ne_bytes());
        self.bytes.extend((flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend(sequence.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(family_header);
        body(self);
        let length =
            u32::try_from(self.bytes.len() - start).expect("a message is a few hundred bytes");
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    pub(crate) fn put(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |writer| writer.bytes.extend(value));
    }

    pub(crate) fn put_address(&mut self, kind: u16, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.put(kind, &address.octets()),
            IpAddr::V6(address) => self.put(kind, &address.octets()),
        }
    }

    pub(crate) fn nest(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        self.attribute(kind | NLA_F_NESTED, body);
    }

    fn attribute(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend([0; 2]);
        self.bytes.extend(kind.to_ne_bytes());
        body(self);
        let length = u16::try_from(self.bytes.len() - start).expect("an attribute is a few bytes");
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = MessageWriter::default();
        writer.message((0x102, 4), 3, 2, |message| {
            message.nest(1, |nest| {
                nest.put(2, &[1]);
                nest.put_address(3, IpAddr::from([10, 0, 0, 1]));
            });
            message.put(4, &8080u16.to_be_bytes());
        });
        let message = super::super::messages(writer.bytes()).next().unwrap().unwrap();
        let outer: Vec<_> =
            attributes_of_family_message(message.payload).collect::<Result<_, _>>().unwrap();
        let inner: Vec<_> = attributes(outer[0].value).collect::<Result<_, _>>().unwrap();
        assert_eq!(outer.iter().map(|found| found.kind).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(outer[1].be16(), Some(8080));
        assert_eq!((inner[0].byte(), inner[1].address()), (Some(1), Some([10, 0, 0, 1].into())));
    }

    #[test]
    fn an_attribute_longer_than_its_message_is_an_error() {
        let what = "attribute is shorter than its header says";
        assert_eq!(
            attributes(&[4, 0, 1, 0, 9, 0, 1, 0, 0]).collect::<Vec<_>>(),
            [Ok(Attribute { kind: 1, value: &[] }), Err(Misframed { offset: 4, what })]
        );
    }
}
