//! What does a connection of plain TCP get?

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::listen::Server;
use crate::report::{Report, plain};

/// One line that tells who answers, then every byte back until the client ends.
pub(crate) async fn serve(mut stream: TcpStream, client: SocketAddr, server: &Server) {
    let told = match echo(&mut stream, client, server).await {
        Ok(bytes) => format!("tcp {client} {bytes} bytes"),
        Err(error) => format!("tcp {client}: connection failed: {error}"),
    };
    (server.log)(&told);
}

async fn echo(stream: &mut TcpStream, client: SocketAddr, server: &Server) -> io::Result<u64> {
    let report = Report {
        identity: server.identity.clone(),
        protocol: "TCP".to_owned(),
        client,
        server: plain(stream.local_addr()?),
        request: None,
        said: None,
    };
    stream.write_all(report.json_line().as_bytes()).await?;
    let (mut reader, mut writer) = stream.split();
    let bytes = tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await?;
    Ok(bytes)
}
