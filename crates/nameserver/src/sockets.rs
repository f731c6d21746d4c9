//! How does a server get its sockets, its own ones or another server's?

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use host::bind::{BindError, BindOptions, tcp_listener};
use host::datagram::UdpSocket;
use host::handover::Named;
use rustix::io::Errno;

use crate::failure::Failure;
use crate::options::Listen;

/// Connections that wait to be accepted at each address.
const BACKLOG: i32 = 1_024;

/// How often both transports are tried to get the same free port.
const PORT_TRIES: usize = 16;

const UDP: &str = "udp";
const TCP: &str = "tcp";
const STREAM: &str = "stream";

/// What listens at one address: a datagram socket for each thread, and one for streams.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) datagrams: Vec<Arc<UdpSocket>>,
    pub(crate) listener: TcpListener,
}

/// What another server handed over.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    datagrams: Vec<UdpSocket>,
    listeners: Vec<(SocketAddr, TcpListener)>,
    pub(crate) streams: Vec<TcpStream>,
}

impl Taken {
    /// What cannot be understood is a failure: that the other server will soon end is certain.
    pub(crate) fn read(all: Vec<Named<OwnedFd>>) -> Result<Self, Failure> {
        let mut taken = Self::default();
        for Named { name, descriptor } in all {
            let failed = |source| Failure::Taken { name: name.clone(), source };
            match name.split(' ').next() {
                Some(UDP) => taken.datagrams.push(UdpSocket::from_fd(descriptor).map_err(failed)?),
                Some(TCP) => {
                    let listener = TcpListener::from(descriptor);
                    let address = listener.local_addr().map_err(failed)?;
                    taken.listeners.push((address, listener));
                }
                Some(STREAM) => taken.streams.push(TcpStream::from(descriptor)),
                Some(_) | None => {
                    tracing::warn!(name, "closing a socket of a kind that is not known here");
                }
            }
        }
        Ok(taken)
    }

    /// Where there is anything, each once.
    pub(crate) fn addresses(&self) -> BTreeSet<SocketAddr> {
        let datagrams = self.datagrams.iter().map(UdpSocket::local_address);
        datagrams.chain(self.listeners.iter().map(|(at, _)| *at)).collect()
    }

    fn at(&mut self, address: SocketAddr) -> (Vec<UdpSocket>, Option<TcpListener>) {
        let is_here = |socket: &mut UdpSocket| socket.local_address() == address;
        let datagrams = self.datagrams.extract_if(.., is_here).collect();
        let place = self.listeners.iter().position(|(at, _)| *at == address);
        (datagrams, place.map(|place| self.listeners.swap_remove(place).1))
    }
}

/// Opens what is missing at one address; `None` when the host lacks it and may.
pub(crate) fn open(
    listen: &Listen,
    n_sockets: usize,
    receive_buffer: Option<usize>,
    taken: &mut Taken,
    is_ours: impl Fn(SocketAddr) -> bool,
) -> Result<Option<Place>, Failure> {
    let (datagrams, listener) = taken.at(listen.address);
    let mut opening = Opening {
        options: BindOptions {
            address: listen.address,
            reuse_port: true,
            free_bind: listen.free_bind,
            receive_buffer,
        },
        n_sockets,
        datagrams: datagrams.into_iter().map(Arc::new).collect(),
        listener,
    };
    let is_first = opening.datagrams.is_empty() && !is_ours(listen.address);
    match opening.open(is_first) {
        Ok(place) => Ok(Some(place)),
        Err(error) if !listen.required && is_missing(&error) => {
            tracing::info!(address = %listen.address, "not on this host, not listening there");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn is_missing(error: &BindError) -> bool {
    let errno = Errno::from_io_error(&error.source);
    matches!(errno, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

struct Opening {
    options: BindOptions,
    n_sockets: usize,
    datagrams: Vec<Arc<UdpSocket>>,
    listener: Option<TcpListener>,
}

impl Opening {
    fn open(&mut self, is_first: bool) -> Result<Place, BindError> {
        if self.options.address.port() == 0 {
            return self.open_at_free_port();
        }
        if is_first {
            self.judge_free()?;
        }
        self.open_all()
    }

    /// Servers that share a port among themselves would also share it with us, and each would get
    /// some of the other's questions. A socket that does not share finds them.
    fn judge_free(&self) -> Result<(), BindError> {
        let alone = BindOptions { reuse_port: false, receive_buffer: None, ..self.options };
        UdpSocket::bind(&alone)?;
        if self.listener.is_none() {
            tcp_listener(&alone, BACKLOG)?;
        }
        Ok(())
    }

    fn open_at_free_port(&mut self) -> Result<Place, BindError> {
        let wanted = self.options.address;
        let mut tries = 0;
        loop {
            let first = UdpSocket::bind(&self.options)?;
            self.options.address = first.local_address();
            self.datagrams.push(Arc::new(first));
            match self.open_all() {
                Err(error) if tries < PORT_TRIES && is_taken(&error) => {
                    tries += 1;
                    self.options.address = wanted;
                    self.datagrams.clear();
                }
                opened => return opened,
            }
        }
    }

    fn open_all(&mut self) -> Result<Place, BindError> {
        let address = self.options.address;
        while self.datagrams.len() < self.n_sockets {
            self.datagrams.push(Arc::new(UdpSocket::bind(&self.options)?));
        }
        let listener = match self.listener.take() {
            Some(listener) => listener,
            None => tcp_listener(&BindOptions { receive_buffer: None, ..self.options }, BACKLOG)?,
        };
        Ok(Place { address, datagrams: std::mem::take(&mut self.datagrams), listener })
    }
}

fn is_taken(error: &BindError) -> bool {
    Errno::from_io_error(&error.source) == Some(Errno::ADDRINUSE)
}

/// Whether a socket at one address keeps others from another.
pub(crate) fn covers(ours: SocketAddr, address: SocketAddr) -> bool {
    let is_wild = |ip: IpAddr| ip.is_unspecified();
    ours.port() == address.port()
        && ours.is_ipv4() == address.is_ipv4()
        && (ours.ip() == address.ip() || is_wild(ours.ip()) || is_wild(address.ip()))
}

/// All that is handed over, by names that [`Taken::read`] knows.
pub(crate) fn offered<'a>(
    places: impl Iterator<Item = &'a Place>,
    streams: &'a [TcpStream],
) -> Vec<Named<BorrowedFd<'a>>> {
    let mut offered = Vec::new();
    for place in places {
        for socket in &place.datagrams {
            let name = format!("{UDP} {}", place.address);
            offered.push(Named { name, descriptor: socket.as_fd() });
        }
        let name = format!("{TCP} {}", place.address);
        offered.push(Named { name, descriptor: place.listener.as_fd() });
    }
    offered.extend(
        streams.iter().map(|stream| Named { name: STREAM.to_owned(), descriptor: stream.as_fd() }),
    );
    offered
}
