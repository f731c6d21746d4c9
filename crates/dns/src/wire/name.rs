//! What is a name, as octets?

use std::fmt;

/// Octets of the longest name, with the length octets and the root's (RFC 1035, 2.3.4).
pub const NAME_LEN_MAX: usize = 255;

const LABEL_LEN_MAX: usize = 63;

/// A whole name in wire form: labels behind their lengths, ended by the root. The case is kept, and
/// counts where two names are compared; `Lowered` is for looking names up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

/// A text is not a name, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("a label is empty: {0:?}")]
    EmptyLabel(String),
    #[error("a label is longer than 63 octets: {0:?}")]
    LongLabel(String),
    #[error("longer than 255 octets: {0:?}")]
    Long(String),
}

impl Name {
    /// Reads `web.shop.svc`, with or without a final dot; `.` and the empty text are the root.
    /// Octets are taken as they stand: there are no escapes.
    ///
    /// # Errors
    /// When a label or the whole is too long, or a label is empty.
    pub fn from_text(text: &str) -> Result<Self, InvalidName> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        let mut wire = Vec::with_capacity(bare.len() + 2);
        for label in bare.split('.').filter(|_| !bare.is_empty()) {
            let len =
                u8::try_from(label.len()).ok().filter(|len| usize::from(*len) <= LABEL_LEN_MAX);
            match len {
                Some(0) => return Err(InvalidName::EmptyLabel(text.to_owned())),
                Some(len) => wire.push(len),
                None => return Err(InvalidName::LongLabel(text.to_owned())),
            }
            wire.extend_from_slice(label.as_bytes());
        }
        wire.push(0);
        if wire.len() > NAME_LEN_MAX {
            return Err(InvalidName::Long(text.to_owned()));
        }
        Ok(Self(wire.into()))
    }

    /// The name of no labels.
    #[must_use]
    pub fn root() -> Self {
        Self([0].into())
    }

    /// Takes a name in wire form, uncompressed; `None` when it is not one, or something follows it.
    #[must_use]
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        (wire_len(wire)? == wire.len()).then(|| Self(wire.into()))
    }

    /// The octets, with the root's.
    #[must_use]
    pub const fn as_wire(&self) -> &[u8] {
        &self.0
    }

    #[must_use]
    pub fn labels(&self) -> Labels<'_> {
        Labels(&self.0)
    }

    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Self(self.0.to_ascii_lowercase().into())
    }

    /// Whether this is `zone` or a name below it; case does not count.
    #[must_use]
    pub fn is_within(&self, zone: &Self) -> bool {
        suffix_start(&self.0, &zone.0).is_some()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() == 1 {
            return f.write_str(".");
        }
        for (label, at) in self.labels().zip(0_usize..) {
            if at > 0 {
                f.write_str(".")?;
            }
            for &octet in label {
                match octet {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(octet))?,
                    0x21..=0x7e => write!(f, "{}", char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// The labels of a name from left to right, without the root.
#[derive(Debug, Clone)]
pub struct Labels<'a>(&'a [u8]);

impl<'a> Labels<'a> {
    /// Of a name in wire form.
    #[must_use]
    pub const fn of(wire: &'a [u8]) -> Self {
        Self(wire)
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&len, rest) = self.0.split_first()?;
        if len == 0 {
            return None;
        }
        let (label, rest) = rest.split_at_checked(usize::from(len))?;
        self.0 = rest;
        Some(label)
    }
}

/// How many octets the uncompressed name at the beginning of `wire` has, the root's among them.
pub(crate) fn wire_len(wire: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let len = usize::from(*wire.get(at)?);
        at += 1;
        if len == 0 {
            return (at <= NAME_LEN_MAX).then_some(at);
        }
        if len > LABEL_LEN_MAX || at + len >= NAME_LEN_MAX {
            return None;
        }
        at += len;
    }
}

/// Where in `name` the labels of `zone` begin, if it ends with them. Both in wire form.
pub(crate) fn suffix_start(name: &[u8], zone: &[u8]) -> Option<usize> {
    let start = name.len().checked_sub(zone.len())?;
    let mut at = 0;
    while at < start {
        at += 1 + usize::from(*name.get(at)?);
    }
    (at == start && name.get(start..)?.eq_ignore_ascii_case(zone)).then_some(start)
}

/// A name in lower case with the places of its labels, to look it up: no allocation.
#[derive(Debug, Clone)]
pub struct Lowered {
    octets: [u8; NAME_LEN_MAX],
    len: usize,
    /// Where the length octet of each label stands.
    starts: [u8; LABELS_MAX],
    labels: usize,
}

/// Labels of the longest name: one octet each.
const LABELS_MAX: usize = 127;

impl Lowered {
    /// Of an uncompressed name in wire form; `None` when it is not one.
    #[must_use]
    pub fn new(wire: &[u8]) -> Option<Self> {
        let len = wire_len(wire)?;
        let mut lowered =
            Self { octets: [0; NAME_LEN_MAX], len, starts: [0; LABELS_MAX], labels: 0 };
        let octets = lowered.octets.get_mut(..len)?;
        octets.copy_from_slice(wire.get(..len)?);
        // Length octets are at most 63, and so no letters.
        octets.make_ascii_lowercase();
        let mut at = 0;
        while let Some(&label) = wire.get(at).filter(|label| **label != 0) {
            *lowered.starts.get_mut(lowered.labels)? = u8::try_from(at).ok()?;
            lowered.labels += 1;
            at += 1 + usize::from(label);
        }
        Some(lowered)
    }

    /// The octets, with the root's.
    #[must_use]
    pub fn as_wire(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// As text, without the final dot, in a buffer of the caller's; `None` where it has octets that are
    /// no text, or dots inside of a label.
    #[must_use]
    pub fn text<'t>(&self, buffer: &'t mut [u8; NAME_LEN_MAX]) -> Option<&'t str> {
        let mut len = 0;
        for label in Labels::of(self.as_wire()) {
            if label.contains(&b'.') {
                return None;
            }
            if len > 0 {
                *buffer.get_mut(len)? = b'.';
                len += 1;
            }
            buffer.get_mut(len..len + label.len())?.copy_from_slice(label);
            len += label.len();
        }
        std::str::from_utf8(buffer.get(..len)?).ok()
    }

    /// How many labels it has, without the root.
    #[must_use]
    pub const fn label_count(&self) -> usize {
        self.labels
    }

    /// Where the label at `index`, counted from the left, begins: its length octet's place. The root
    /// stands behind the last one.
    #[must_use]
    pub fn start(&self, index: usize) -> usize {
        if index < self.labels {
            self.starts.get(index).map_or(0, |start| usize::from(*start))
        } else {
            self.len.saturating_sub(1)
        }
    }

    /// The label at `index`, counted from the left.
    #[must_use]
    pub fn label(&self, index: usize) -> Option<&[u8]> {
        let start = usize::from(*self.starts.get(..self.labels)?.get(index)?);
        let len = usize::from(*self.octets.get(start)?);
        self.octets.get(start + 1..start + 1 + len)
    }

    /// How many labels stand left of `zone`, a name in wire form and lower case; `None` when the name
    /// is not within it.
    #[must_use]
    pub fn labels_before(&self, zone: &[u8]) -> Option<usize> {
        let start = self.len.checked_sub(zone.len())?;
        if self.octets.get(start..self.len)? != zone {
            return None;
        }
        (0..=self.labels)
            .rev()
            .find(|index| self.start(*index) <= start)
            .filter(|index| self.start(*index) == start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_labels() {
        let name = Name::from_text("Web.shop.svc").unwrap();
        assert_eq!(name.as_wire(), b"\x03Web\x04shop\x03svc\0");
        assert_eq!(Name::from_text("Web.shop.svc.").unwrap(), name);
        assert_eq!(Name::from_text(".").unwrap().as_wire(), b"\0");
        assert_eq!(Name::from_text("").unwrap().as_wire(), b"\0");
    }

    #[test]
    fn bad_texts_are_refused_with_the_reason() {
        let long = "a".repeat(64);
        let longest = vec!["a".repeat(63); 4].join(".");
        let refused =
            ["a..b", ".a", &long, &longest].map(|text| Name::from_text(text).unwrap_err());
        let expected = [
            InvalidName::EmptyLabel("a..b".to_owned()),
            InvalidName::EmptyLabel(".a".to_owned()),
            InvalidName::LongLabel(long),
            InvalidName::Long(longest),
        ];
        assert_eq!(refused, expected);
    }

    #[test]
    fn the_longest_name_has_255_octets() {
        let labels = [63, 63, 63, 61].map(|len| "a".repeat(len)).join(".");
        assert_eq!(Name::from_text(&labels).unwrap().as_wire().len(), 255);
        assert!(Name::from_wire(Name::from_text(&labels).unwrap().as_wire()).is_some());
    }

    #[test]
    fn octets_that_are_no_letters_are_shown_escaped() {
        let name = Name::from_wire(b"\x04a.\\\x07\0").unwrap();
        assert_eq!(name.to_string(), "a\\.\\\\\\007");
        assert_eq!(Name::from_wire(b"\0").unwrap().to_string(), ".");
    }

    #[test]
    fn a_zone_is_found_at_a_label_only() {
        let zone = Name::from_text("cluster.local").unwrap();
        let lowered = |text: &str| Lowered::new(Name::from_text(text).unwrap().as_wire()).unwrap();
        let before = |text: &str| lowered(text).labels_before(zone.as_wire());
        assert_eq!(before("CLUSTER.local"), Some(0));
        assert_eq!(before("a.b.Cluster.Local"), Some(2));
        assert_eq!(before("xcluster.local"), None);
        assert_eq!(before("local"), None);
        // The octets of the zone, inside of a label.
        let tricky = Lowered::new(b"\x0fx\x07cluster\x05local\0").unwrap();
        assert_eq!(tricky.labels_before(zone.as_wire()), None);
        assert_eq!(lowered("a.b").labels_before(b"\0"), Some(2));
    }

    #[test]
    fn octets_that_are_no_name_are_refused() {
        for wire in [&b"\x03ab"[..], b"", b"\xc0\x0c", b"\x40a", b"\x01a\0x"] {
            assert_eq!(Name::from_wire(wire), None, "{wire:?}");
        }
    }
}
