//! How are lines cut from a stream of bytes, without ever holding more than one may be long?

/// The longest message: an object is at most 1.5 MiB where it is stored, and some times that as JSON.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Longer buffers are given back when they are empty.
pub(super) const KEPT_BYTES: usize = 64 << 10;

/// The beginning of a line whose end has not come yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
}

/// A message that is longer than any may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Lines {
    /// Calls `take` for each line that `bytes` complete, without its end. Empty lines are left out.
    ///
    /// # Errors
    /// What `take` gives, or a line that is too long; the rest of the bytes is lost then.
    pub(super) fn push<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.begun.is_empty() {
                if !head.is_empty() {
                    take(head)?;
                }
                continue;
            }
            self.begin(head)?;
            let line = std::mem::take(&mut self.begun);
            take(&line)?;
            if line.capacity() <= KEPT_BYTES {
                self.begun = line;
                self.begun.clear();
            }
        }
        self.begin(bytes)?;
        Ok(())
    }

    fn begin(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.begun.len() + bytes.len() > MESSAGE_BYTES_MAX {
            return Err(TooLong);
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(parts: &[&[u8]]) -> Result<Vec<String>, TooLong> {
        let (mut lines, mut read) = (Lines::default(), Vec::new());
        for part in parts {
            lines.push(part, |line| {
                read.push(String::from_utf8_lossy(line).into_owned());
                Ok::<_, TooLong>(())
            })?;
        }
        Ok(read)
    }

    #[test]
    fn a_line_counts_when_its_end_has_come() {
        assert_eq!(
            lines(&[b"{\"a", b"\":1}\n{\"b\":2}\n\n{\"c\""]),
            Ok(vec!["{\"a\":1}".to_owned(), "{\"b\":2}".to_owned()])
        );
    }

    #[test]
    fn a_line_may_be_as_long_as_the_bound_and_no_longer() {
        let longest = vec![b'x'; MESSAGE_BYTES_MAX];
        assert_eq!(lines(&[&longest, b"\n"]).map(|it| it.len()), Ok(1));
        assert_eq!(lines(&[&longest, b"x"]), Err(TooLong));
        assert_eq!(lines(&[&longest, b"x\n"]), Err(TooLong));
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(
            written in proptest::collection::vec("[a-z]{1,9}", 0..9),
            cuts in proptest::collection::vec(0_usize..99, 0..9),
        ) {
            let text: String = written.iter().map(|line| format!("{line}\n")).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let (mut parts, mut rest) = (Vec::new(), text.as_bytes());
            for cut in cuts.into_iter().rev() {
                let (head, part) = rest.split_at(cut);
                parts.insert(0, part);
                rest = head;
            }
            parts.insert(0, rest);
            prop_assert_eq!(lines(&parts), Ok(written));
        }
    }
}
