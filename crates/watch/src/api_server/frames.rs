//! How are messages with their length before them cut from a stream of bytes?

use super::lines::{KEPT_BYTES, MESSAGE_BYTES_MAX, TooLong};

/// Four bytes, the highest first, say how long a message is.
const LENGTH_BYTES: usize = 4;

/// The beginning of a message whose end has not come yet.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// With its length.
    begun: Vec<u8>,
}

impl Frames {
    /// Calls `take` for each message that `bytes` complete, without its length.
    ///
    /// # Errors
    /// What `take` gives, or a message that is too long; the rest of the bytes is lost then.
    pub(super) fn push<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // What is begun is never whole.
        while !self.begun.is_empty() && !bytes.is_empty() {
            let missing = frame_bytes(&self.begun)?.saturating_sub(self.begun.len());
            let (head, rest) = bytes.split_at(missing.min(bytes.len()));
            self.begun.extend_from_slice(head);
            bytes = rest;
            if self.begun.len() == frame_bytes(&self.begun)? {
                let frame = std::mem::take(&mut self.begun);
                take(frame.get(LENGTH_BYTES..).unwrap_or_default())?;
                if frame.capacity() <= KEPT_BYTES {
                    self.begun = frame;
                    self.begun.clear();
                }
            }
        }
        while let Some((frame, rest)) = bytes.split_at_checked(frame_bytes(bytes)?) {
            take(frame.get(LENGTH_BYTES..).unwrap_or_default())?;
            bytes = rest;
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }
}

/// How many bytes the first frame has, its length included, as far as that is known.
fn frame_bytes(bytes: &[u8]) -> Result<usize, TooLong> {
    let Some(length) = bytes.first_chunk::<LENGTH_BYTES>() else { return Ok(LENGTH_BYTES) };
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_too_large| TooLong)?;
    if length > MESSAGE_BYTES_MAX { Err(TooLong) } else { Ok(LENGTH_BYTES + length) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, TooLong> {
        let (mut frames, mut read) = (Frames::default(), Vec::new());
        for part in parts {
            frames.push(part, |frame| {
                read.push(frame.to_vec());
                Ok::<_, TooLong>(())
            })?;
        }
        Ok(read)
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut framed = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        framed.extend_from_slice(message);
        framed
    }

    #[test]
    fn a_message_counts_when_its_last_byte_has_come() {
        let read = frames(&[b"\0\0\0\x03ab", b"c\0\0", b"\0\0\0\0\0\x02d"]);
        assert_eq!(read, Ok(vec![b"abc".to_vec(), vec![]]));
    }

    #[test]
    fn a_message_may_be_as_long_as_the_bound_and_no_longer() {
        let longest = framed(&vec![b'x'; MESSAGE_BYTES_MAX]);
        assert_eq!(frames(&[&longest]).map(|read| read.len()), Ok(1));
        // Its length is enough to refuse it.
        assert_eq!(frames(&[b"\x01\0\0", b"\x01"]), Err(TooLong));
        assert_eq!(frames(&[b"\xff\xff\xff\xff"]), Err(TooLong));
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(
            written in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..9),
            cuts in proptest::collection::vec(0_usize..99, 0..9),
        ) {
            let bytes: Vec<u8> = written.iter().flat_map(|message| framed(message)).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts = cuts.iter().zip(cuts.iter().skip(1));
            let parts: Vec<&[u8]> = parts.map(|(from, to)| &bytes[*from..*to]).collect();
            prop_assert_eq!(frames(&parts), Ok(written));
        }
    }
}
