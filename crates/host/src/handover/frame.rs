//! What does one message of a handover say, and which descriptors come with it?

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::{HandoverError, NAME_MAX, Named, failed, malformed};

/// The kernel takes no more with one message (`SCM_MAX_FD`).
pub(super) const DESCRIPTORS_MAX: usize = 253;

const CONTROL_SIZE: usize = rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX));
const SIZE_MAX: usize = 1 + DESCRIPTORS_MAX * (1 + NAME_MAX);

/// What follows are names, each behind a byte with its length. The first bytes of both kinds also
/// tell the version of all this.
const NAMES: u8 = b'N';
/// What follows is how many descriptors there were, in four bytes; in the other direction, how many
/// came.
const END: u8 = b'E';

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    bytes: Vec<u8>,
}

impl Frame {
    pub(super) fn of<Descriptor>(part: &[Named<Descriptor>]) -> Result<Self, HandoverError> {
        let mut bytes = vec![NAMES];
        for Named { name, .. } in part {
            let length = u8::try_from(name.len()).ok().filter(|length| *length > 0);
            bytes.push(length.ok_or_else(|| HandoverError::InvalidName(name.clone()))?);
            bytes.extend(name.as_bytes());
        }
        Ok(Self { bytes })
    }

    pub(super) fn end(n_descriptors: usize) -> Self {
        let count = u32::try_from(n_descriptors).unwrap_or(u32::MAX);
        Self { bytes: [&[END], count.to_be_bytes().as_slice()].concat() }
    }

    pub(super) fn is_end_of(&self, n_descriptors: usize) -> bool {
        *self == Self::end(n_descriptors)
    }

    pub(super) fn names(&self) -> Option<Vec<String>> {
        let (&kind, mut rest) = self.bytes.split_first()?;
        if kind != NAMES {
            return None;
        }
        let mut names = Vec::new();
        while let Some((&length, behind)) = rest.split_first() {
            let (name, behind) = behind.split_at_checked(usize::from(length))?;
            names.push(std::str::from_utf8(name).ok()?.to_owned());
            rest = behind;
        }
        Some(names)
    }

    pub(super) fn send(
        &self,
        connection: &OwnedFd,
        part: &[Named<BorrowedFd<'_>>],
    ) -> io::Result<()> {
        let descriptors: Vec<_> = part.iter().map(|named| named.descriptor).collect();
        let mut space = [MaybeUninit::uninit(); CONTROL_SIZE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let bytes = [IoSlice::new(&self.bytes)];
        sendmsg(connection, &bytes, &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    pub(super) fn receive(
        connection: &OwnedFd,
        path: &Path,
    ) -> Result<(Self, Vec<OwnedFd>), HandoverError> {
        let mut bytes = vec![0; SIZE_MAX];
        let mut space = [MaybeUninit::uninit(); CONTROL_SIZE];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut into = [IoSliceMut::new(&mut bytes)];
        let received = recvmsg(connection, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)
            .map_err(|errno| failed("receive descriptors", path)(errno.into()))?;
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                descriptors.extend(received);
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(malformed(path, "descriptors were lost: this process may have no more"));
        }
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(malformed(path, "a message is too long"));
        }
        if received.bytes == 0 {
            return Err(malformed(path, "the other process ended before the end"));
        }
        bytes.truncate(received.bytes);
        Ok((Self { bytes }, descriptors))
    }
}
