//! How are several datagrams given to the kernel, and taken from it, with one system call?
#![expect(unsafe_code, reason = "recvmmsg, sendmmsg and two socket options have no safe form")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::batch::{BATCH_MAX, Sent, Slot};
use super::kernel_form::{Control, Header, Message, Name};

/// How often a full buffer is waited for during one send, and how long: a reply that is later than
/// that is not worth the replies behind it.
const WAITS_MAX: usize = 3;
const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// Errors of former datagrams that the kernel tells before it gives the next ones.
const ERRORS_MAX: usize = 16;

/// As the kernel answers it; in the call it is an int.
const MSG_TRUNC: libc::c_uint = libc::MSG_TRUNC.unsigned_abs();

const NO_BYTES: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
const NO_MESSAGE: Message = Message {
    header: Header {
        name: ptr::null_mut(),
        name_length: 0,
        vectors: ptr::null_mut(),
        n_vectors: 0,
        control: ptr::null_mut(),
        control_length: 0,
        flags: 0,
    },
    length: 0,
};

/// Asks for the local address of each datagram.
pub(super) fn tell_local_address(socket: BorrowedFd<'_>, is_v6: bool) -> io::Result<()> {
    let (level, option) = if is_v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    } else {
        (libc::IPPROTO_IP, libc::IP_PKTINFO)
    };
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open as long as it is borrowed; the pointer is to an int that lives
    // until the call returns, and the length is that of an int. The kernel only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(&on).cast(),
            length(size_of::<libc::c_int>()),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Fills slots from the first on: how many.
pub(super) fn receive(socket: BorrowedFd<'_>, slots: &mut [Slot]) -> io::Result<usize> {
    let mut vectors = [NO_BYTES; BATCH_MAX];
    let mut messages = [NO_MESSAGE; BATCH_MAX];
    let n_slots = slots.len().min(BATCH_MAX);
    for ((slot, vector), message) in slots.iter_mut().zip(&mut vectors).zip(&mut messages) {
        vector.iov_base = slot.payload.as_mut_ptr().cast();
        vector.iov_len = slot.payload.len();
        let header = &mut message.header;
        header.vectors = vector;
        header.n_vectors = 1;
        header.name = slot.name.bytes.as_mut_ptr().cast();
        header.name_length = short(Name::CAPACITY);
        header.control = slot.control.bytes.as_mut_ptr().cast();
        header.control_length = Control::CAPACITY;
    }
    let n_received = receive_into(socket, &mut messages[..n_slots])?;
    for (slot, message) in slots.iter_mut().zip(&messages).take(n_received) {
        let header = &message.header;
        slot.n_payload = whole(message.length).min(slot.payload.len());
        slot.is_truncated = header.flags & MSG_TRUNC != 0;
        slot.name.length = usize::try_from(header.name_length).unwrap_or(0).min(Name::CAPACITY);
        slot.control.length = header.control_length.min(Control::CAPACITY);
    }
    Ok(n_received)
}

/// The messages point to memory of the caller, which nobody else touches until this returns.
fn receive_into(socket: BorrowedFd<'_>, messages: &mut [Message]) -> io::Result<usize> {
    let n_messages = u32::try_from(messages.len()).unwrap_or(0);
    let mut errors = 0;
    loop {
        // SAFETY: the descriptor is open as long as it is borrowed; `messages` holds `n_messages`
        // headers, each of which points to live memory of the length that it says, exclusively
        // borrowed by the only caller; no timeout is given.
        let received = unsafe {
            libc::syscall(
                libc::SYS_recvmmsg,
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                n_messages,
                libc::MSG_DONTWAIT,
                ptr::null_mut::<libc::timespec>(),
            )
        };
        if let Ok(received) = usize::try_from(received) {
            return Ok(received);
        }
        let error = io::Error::last_os_error();
        errors += 1;
        match error.raw_os_error() {
            Some(libc::EAGAIN) => return Ok(0),
            // What an ICMP message says of one peer is no news about the others.
            Some(libc::EINTR | libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH)
                if errors < ERRORS_MAX => {}
            _ => return Err(error),
        }
    }
}

/// Sends datagrams in order, at most `BATCH_MAX`. One that the kernel does not take is dropped, and
/// those behind it are sent.
pub(super) fn send<'a>(
    socket: BorrowedFd<'_>,
    datagrams: impl Iterator<Item = (&'a [u8], &'a Name, &'a Control)>,
) -> Sent {
    let mut vectors = [NO_BYTES; BATCH_MAX];
    let mut messages = [NO_MESSAGE; BATCH_MAX];
    let mut n_messages = 0;
    for (((payload, name, control), vector), message) in
        datagrams.zip(&mut vectors).zip(&mut messages)
    {
        vector.iov_base = payload.as_ptr().cast_mut().cast();
        vector.iov_len = payload.len();
        let header = &mut message.header;
        header.vectors = vector;
        header.n_vectors = 1;
        header.name = name.bytes.as_ptr().cast_mut().cast();
        header.name_length = short(name.length);
        header.control = control.bytes.as_ptr().cast_mut().cast();
        header.control_length = control.length;
        n_messages += 1;
    }
    let mut sent = Sent::default();
    let mut waits = 0;
    let mut left = &mut messages[..n_messages];
    while !left.is_empty() {
        let taken = match send_from(socket, left) {
            Ok(taken) => {
                sent.sent += taken;
                taken
            }
            Err(libc::EINTR) => 0,
            Err(libc::EAGAIN | libc::ENOBUFS) if waits < WAITS_MAX => {
                waits += 1;
                // Whether it became writable or not, the next attempt tells.
                let writable = PollFd::from_borrowed_fd(socket, PollFlags::OUT);
                let _ready = poll(&mut [writable], Some(&WAIT));
                0
            }
            Err(errno) => {
                sent.dropped += 1;
                sent.errno.get_or_insert(errno);
                1
            }
        };
        left = &mut left[taken..];
    }
    sent
}

/// How many the kernel took, or why not even the first. The messages point to memory of the caller.
fn send_from(socket: BorrowedFd<'_>, messages: &mut [Message]) -> Result<usize, i32> {
    let n_messages = u32::try_from(messages.len()).unwrap_or(0);
    // SAFETY: the descriptor is open as long as it is borrowed; `messages` holds `n_messages`
    // headers, each of which points to live memory of the length that it says. The kernel only
    // reads that memory, and writes nothing but `length` in the headers, which are exclusively
    // borrowed.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_sendmmsg,
            socket.as_raw_fd(),
            messages.as_mut_ptr(),
            n_messages,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    usize::try_from(sent)
        .map_err(|_negative| io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

fn short(length: usize) -> libc::c_int {
    libc::c_int::try_from(length).expect("socket addresses are short")
}

fn length(length: usize) -> libc::socklen_t {
    libc::socklen_t::try_from(length).expect("options are short")
}

fn whole(length: u32) -> usize {
    usize::try_from(length).expect("a usize has at least 32 bits here")
}
