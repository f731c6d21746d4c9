//! How is an upstream asked by a datagram?

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use dns::forward::SocketToken;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::answer::Generation;

use super::heard::{Heard, News};

/// The longest answer that is read: what forwarders ask for is far less.
const ANSWER_MAX: usize = 4_096;

/// A socket of its own for one question, on a port that the kernel draws. What comes is heard until
/// the task is aborted, and the socket closed with it.
pub(super) fn ask(
    (generation, socket): (Generation, SocketToken),
    upstream: SocketAddr,
    question: &[u8],
    heard: mpsc::Sender<Heard>,
) -> io::Result<AbortHandle> {
    let any_address = match upstream {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let own = UdpSocket::bind(any_address)?;
    own.set_nonblocking(true)?;
    own.connect(upstream)?;
    own.send(question)?;
    let own = tokio::net::UdpSocket::from_std(own)?;
    let task = tokio::spawn(async move {
        loop {
            let news = match receive(&own).await {
                Ok((bytes, from)) => News::Datagram { socket, from, bytes },
                Err(_network) => News::SocketFailed(socket),
            };
            let is_end = matches!(news, News::SocketFailed(_));
            if heard.send(Heard { generation, news }).await.is_err() || is_end {
                return;
            }
        }
    });
    Ok(task.abort_handle())
}

async fn receive(socket: &tokio::net::UdpSocket) -> io::Result<(Vec<u8>, SocketAddr)> {
    loop {
        socket.readable().await?;
        let mut bytes = Vec::with_capacity(ANSWER_MAX);
        match socket.try_recv_buf_from(&mut bytes) {
            Ok((_, from)) => {
                bytes.shrink_to_fit();
                return Ok((bytes, from));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
