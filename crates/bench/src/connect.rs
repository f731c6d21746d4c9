//! How long does a first connection take, through a Service and without?

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Context;
use host::clock::monotonic;
use host::link::Links;
use ipnet::IpNet;

use crate::cluster::{Number, SERVICES};
use crate::quantile::Spread;

/// Where the server of the measurement is, on the namespace's loopback link.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 250, 0, 1);
const PORT: u16 = 8080;

/// Connects `n` times directly and as often through Service 0, in turn. `serve` makes the server
/// the Service's one endpoint.
pub(crate) fn measure(
    n: usize,
    serve: impl FnOnce(Ipv4Addr) -> anyhow::Result<()>,
) -> anyhow::Result<(Spread, Spread)> {
    Links::open()?.add_address("lo", IpNet::from(IpAddr::from(SERVER)))?;
    // The kernel only lets connections out to addresses that it has a route for.
    Links::open()?.add_link_route(SERVICES, "lo")?;
    let listener = TcpListener::bind((SERVER, PORT)).context("listen")?;
    serve(SERVER)?;
    let direct = SocketAddr::from((SERVER, PORT));
    let service = SocketAddr::from((Number(0).cluster_ip(), 80));
    let mut times = [Vec::with_capacity(n), Vec::with_capacity(n)];
    for _ in 0..n {
        for (to, times) in [direct, service].into_iter().zip(&mut times) {
            times.push(connect(to, &listener)?);
        }
    }
    let [direct, service] = times;
    Ok((Spread::of(direct), Spread::of(service)))
}

fn connect(to: SocketAddr, listener: &TcpListener) -> anyhow::Result<Duration> {
    let start = monotonic();
    let stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))
        .with_context(|| format!("connect to {to}"))?;
    let took = start.elapsed();
    let (accepted, _) = listener.accept().context("accept")?;
    drop((stream, accepted));
    Ok(took)
}
