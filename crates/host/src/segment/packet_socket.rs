//! How is a packet socket bound to a link and given a filter?
#![expect(unsafe_code, reason = "packet sockets have no safe form")]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with, sockopt};

/// What failed, and why.
type Failure = (&'static str, io::Error);

const ETH_P_ALL: u16 = 3;
/// The same for kernels whose headers for C do not have it: since Linux 4.20.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;

/// What the kernel knows of a packet beside its bytes stands at these offsets.
const AUXILIARY: u32 = 0xffff_f000;
const PACKET_TYPE: u32 = AUXILIARY + 4;
const HAS_VLAN_TAG: u32 = AUXILIARY + 48;
const TO_OTHER_HOST: u32 = 3;

const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF: u16 = 0x28;
const JUMP_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const ACCEPT: usize = 12;
const DROP: usize = 13;

/// ARP, and ICMPv6 of types 135 and 136 right behind the IPv6 header: RFC 4861 has them there. Neither
/// what is for another host, which a promiscuous link shows, nor what belongs to a VLAN on this link.
const PROGRAM: [libc::sock_filter; 14] = [
    load(LOAD_BYTE, PACKET_TYPE),
    jump(1, TO_OTHER_HOST, DROP, 2),
    load(LOAD_BYTE, HAS_VLAN_TAG),
    jump(3, 0, 4, DROP),
    load(LOAD_HALF, 12),
    jump(5, 0x0806, ACCEPT, 6),
    jump(6, 0x86dd, 7, DROP),
    load(LOAD_BYTE, 20),
    jump(8, 58, 9, DROP),
    load(LOAD_BYTE, 54),
    jump(10, 135, ACCEPT, 11),
    jump(11, 136, ACCEPT, DROP),
    answer(super::FRAME_MAX),
    answer(0),
];

const fn load(code: u16, offset: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k: offset }
}

const fn answer(length: usize) -> libc::sock_filter {
    #[expect(clippy::cast_possible_truncation, reason = "a frame is short")]
    let k = length as u32;
    libc::sock_filter { code: RETURN, jt: 0, jf: 0, k }
}

const fn jump(at: usize, value: u32, equal: usize, other: usize) -> libc::sock_filter {
    libc::sock_filter { code: JUMP_EQUAL, jt: ahead(at, equal), jf: ahead(at, other), k: value }
}

const fn ahead(at: usize, to: usize) -> u8 {
    assert!(to > at && to - at - 1 <= 255, "jumps lead forward");
    #[expect(clippy::cast_possible_truncation, reason = "checked")]
    let n = (to - at - 1) as u8;
    n
}

/// A socket that is bound last, so that no frame passes it before it has its filter.
pub(super) fn open(link: u32, queue_bytes: usize) -> Result<OwnedFd, Failure> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)
        .map_err(|errno| ("open a packet socket", errno.into()))?;
    // Where it is not allowed, the usual size must do.
    if sockopt::set_socket_recv_buffer_size_force(&socket, queue_bytes).is_err() {
        sockopt::set_socket_recv_buffer_size(&socket, queue_bytes)
            .map_err(|errno| ("set the queue's size", errno.into()))?;
    }
    attach(&socket).map_err(|source| ("filter", source))?;
    ignore_outgoing(&socket).map_err(|source| ("ignore what is sent", source))?;
    bind(&socket, link).map_err(|source| ("bind a packet socket", source))?;
    Ok(socket)
}

fn attach(socket: &OwnedFd) -> io::Result<()> {
    let mut filters = PROGRAM;
    let length = u16::try_from(filters.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: filters.as_mut_ptr() };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

fn ignore_outgoing(socket: &OwnedFd) -> io::Result<()> {
    set(socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, &1_i32)
}

fn set<T>(socket: &OwnedFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open; the pointer is to a value of the given length that lives until
    // the call returns, as does what it points to (the filter's array in the caller). The kernel
    // only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(value).cast(),
            length,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn bind(socket: &OwnedFd, link: u32) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?,
        sll_protocol: ETH_P_ALL.to_be(),
        sll_ifindex: i32::try_from(link).map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length =
        libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open; the pointer is to an address of the given length that lives
    // until the call returns. The kernel only reads it.
    let result =
        unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
