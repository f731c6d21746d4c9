//! Is what the bench says of a server true of one whose answers are known?

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use host::bind::BindOptions;
use host::datagram::UdpSocket;

use super::closed::{self, PATIENCE, Target};
use super::question::Workload;
use super::{paced, probe, upstream};

const TIME: Duration = Duration::from_millis(200);

fn socket() -> UdpSocket {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    UdpSocket::bind(&BindOptions::at(address)).unwrap()
}

/// Asks the upstream, which has the same address for every name.
fn of_upstream<T>(workload: Workload, ask: impl FnOnce(Target<'_>) -> T) -> T {
    let (socket, stop, fresh) = (socket(), AtomicBool::new(false), AtomicU64::new(0));
    let target = Target { server: socket.local_address(), workload, services: 10, fresh: &fresh };
    thread::scope(|scope| {
        let serving = scope.spawn(|| upstream::serve(&socket, &stop));
        let asked = ask(target);
        stop.store(true, Ordering::Relaxed);
        serving.join().unwrap().unwrap();
        asked
    })
}

#[test]
fn a_server_that_is_right_loses_nothing() {
    let tally = of_upstream(Workload::Uncached, |target| closed::ask(target, 2, TIME)).unwrap();
    assert!(tally.right > 0);
    assert_eq!((tally.wrong, tally.lost), (0, 0));
    let paced = of_upstream(Workload::Uncached, |target| paced::ask(target, 500.0, TIME)).unwrap();
    assert_eq!((paced.right, paced.sent), (100, 100));
}

#[test]
fn a_server_that_is_wrong_has_no_right_answer() {
    let tally = of_upstream(Workload::Service, |target| closed::ask(target, 1, TIME)).unwrap();
    assert!(tally.wrong > 0);
    assert_eq!((tally.right, tally.lost), (0, 0));
    let paced = of_upstream(Workload::Service, |target| paced::ask(target, 500.0, TIME)).unwrap();
    assert_eq!((paced.right, paced.sent), (0, 100));
    let records = of_upstream(Workload::Service, |target| probe::records(target, 0)).unwrap();
    assert_eq!(records, None);
}

#[test]
fn a_server_that_says_nothing_loses_all_that_is_asked() {
    let (deaf, fresh) = (socket(), AtomicU64::new(0));
    let workload = Workload::Absent;
    let target = Target { server: deaf.local_address(), workload, services: 10, fresh: &fresh };
    let tally = closed::ask(target, 1, PATIENCE * 3 / 2).unwrap();
    let asked_twice = u64::try_from(closed::SOCKETS_PER_THREAD * closed::WINDOW).unwrap();
    assert_eq!((tally.right, tally.wrong, tally.lost), (0, 0, asked_twice));
}

#[test]
fn every_outside_name_is_asked_before_it_is_cached() {
    of_upstream(Workload::Cached, probe::warm).unwrap();
}
