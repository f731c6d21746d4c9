//! What does a datagram get?

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::listen::Server;
use crate::report::{Report, plain};

/// The largest that UDP carries.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Characters of what was said that an answer repeats: it must fit a datagram too.
const SAID_CHARS_MAX: usize = 1024;

/// Answers datagrams for ever: whoever began it drops it.
pub(crate) async fn serve(socket: UdpSocket, server: Arc<Server>) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let local =
        socket.local_addr().map_or_else(|_| SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), plain);
    #[expect(clippy::infinite_loop, reason = "the task is dropped when the server ends")]
    loop {
        let (length, sender) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // An earlier answer met a closed port; the socket itself is sound.
            Err(error) => {
                (server.log)(&format!("udp: receiving failed: {error}"));
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let client = plain(sender);
        let said = buffer.get(..length).map(String::from_utf8_lossy).unwrap_or_default();
        let report = Report {
            identity: server.identity.clone(),
            protocol: "UDP".to_owned(),
            client,
            server: local,
            request: None,
            said: Some(said.chars().take(SAID_CHARS_MAX).collect()),
        };
        let told = match socket.send_to(report.json_line().as_bytes(), sender).await {
            Ok(_) => format!("udp {client} {length} bytes"),
            Err(error) => format!("udp {client}: answering failed: {error}"),
        };
        (server.log)(&told);
    }
}
