//! Which name stands at a place of a message?

use std::ops::Range;

use super::Malformed;
use crate::wire::{HEADER_LEN, NAME_LEN_MAX};

/// Each pointer leads to at least one label's two octets, so no good name has more.
const POINTERS_MAX: usize = NAME_LEN_MAX / 2;

/// A name in a message, perhaps compressed. Made only after it was followed to its end once.
#[derive(Debug, Clone, Copy)]
pub struct NameIn<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> NameIn<'a> {
    /// Where in the message its first octet is.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Its labels without their lengths, from the left; the root is not among them.
    pub const fn labels(&self) -> Labels<'a> {
        Labels { message: self.message, at: self.at, pointers: 0, octets: 1 }
    }

    /// Writes the name without compression, case kept; gives how many octets it took.
    ///
    /// `None` when it does not end within bounds, which no name of a parsed message does.
    pub fn expand(&self, out: &mut [u8; NAME_LEN_MAX]) -> Option<usize> {
        let mut length = 0;
        for label in self.labels() {
            let label = label?;
            let octets = u8::try_from(label.len()).ok()?;
            *out.get_mut(length)? = octets;
            out.get_mut(length + 1..length + 1 + label.len())?.copy_from_slice(label);
            length += 1 + label.len();
        }
        *out.get_mut(length)? = 0;
        Some(length + 1)
    }

    /// Whether it is this name, given without compression; ASCII case does not count.
    pub fn is(&self, wire: &[u8]) -> bool {
        let mut rest = wire;
        for label in self.labels() {
            let Some(label) = label else { return false };
            let Some((&octets, after)) = rest.split_first() else { return false };
            if usize::from(octets) != label.len() {
                return false;
            }
            let Some((other, after)) = after.split_at_checked(label.len()) else { return false };
            if !label.eq_ignore_ascii_case(other) {
                return false;
            }
            rest = after;
        }
        rest == [0]
    }

    /// The octets of the message that it is made of: each label with its length, each pointer, the
    /// root.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let mut labels = self.labels();
        let mut is_over = false;
        std::iter::from_fn(move || {
            let begin = labels.at;
            let step = if is_over { None } else { labels.advance().ok() };
            let end = match step? {
                Step::Label(label) => begin + 1 + label.len(),
                Step::Pointer(_) => begin + 2,
                Step::Root => {
                    is_over = true;
                    begin + 1
                }
            };
            Some(begin..end)
        })
    }
}

/// The labels of one name. An item is `None`, and the last, when the name leaves its bounds.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    pointers: usize,
    octets: usize,
}

enum Step<'a> {
    Label(&'a [u8]),
    Pointer(usize),
    Root,
}

impl<'a> Labels<'a> {
    fn step(&self) -> Result<Step<'a>, Malformed> {
        let &first = self.message.get(self.at).ok_or(Malformed::Short)?;
        match first >> 6 {
            0 if first == 0 => Ok(Step::Root),
            0 => {
                let begin = self.at + 1;
                let end = begin + usize::from(first);
                self.message.get(begin..end).map(Step::Label).ok_or(Malformed::Short)
            }
            3 => {
                let &low = self.message.get(self.at + 1).ok_or(Malformed::Short)?;
                let target = usize::from(first & 0x3f) << 8 | usize::from(low);
                // Only backward: so following ends, and nothing points at what is not read yet. Nor
                // at the header, which is another one whenever a message is sent on.
                if (HEADER_LEN..self.at).contains(&target) {
                    Ok(Step::Pointer(target))
                } else {
                    Err(Malformed::Name)
                }
            }
            _ => Err(Malformed::Name),
        }
    }

    /// One step further, within the bounds of a name.
    fn advance(&mut self) -> Result<Step<'a>, Malformed> {
        let is_pointed_to = self.pointers > 0;
        let step =
            self.step().map_err(|reason| if is_pointed_to { Malformed::Name } else { reason })?;
        match step {
            Step::Root => {}
            Step::Pointer(target) => {
                self.pointers += 1;
                // What is pointed to ends before the pointer. Else a label could reach over it, to
                // what is not a part of the message that is sent on.
                self.message = self.message.get(..self.at).unwrap_or_default();
                self.at = target;
            }
            Step::Label(label) => {
                self.octets += 1 + label.len();
                self.at += 1 + label.len();
            }
        }
        if self.pointers > POINTERS_MAX || self.octets > NAME_LEN_MAX {
            return Err(Malformed::Name);
        }
        Ok(step)
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.advance() {
                Ok(Step::Label(label)) => return Some(Some(label)),
                Ok(Step::Pointer(_)) => {}
                Ok(Step::Root) => return None,
                Err(_) => {
                    // The next step finds the root.
                    self.message = &[0];
                    self.at = 0;
                    return Some(None);
                }
            }
        }
    }
}

/// The name at a place, followed to its end, and the place after it.
pub(super) fn read(message: &[u8], at: usize) -> Result<(NameIn<'_>, usize), Malformed> {
    let name = NameIn { message, at };
    let mut labels = name.labels();
    let mut next = None;
    loop {
        let before = labels.at;
        match labels.advance()? {
            Step::Root => return Ok((name, next.unwrap_or(before + 1))),
            Step::Pointer(_) => next = next.or(Some(before + 2)),
            Step::Label(_) => {}
        }
    }
}
