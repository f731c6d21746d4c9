//! Are questions answered on every way, and is the operator told when they cannot be?

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use dns::respond::{AnsweredBy, Summary};
use dns::wire::{Rcode, RecordType as OurType};
use dns::zone::ZoneOf;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use model::Family;

use super::*;
use crate::Transport;

#[test]
fn both_families_and_transports_get_the_same_answers() {
    let server = serve(&["127.0.0.1:0", "[::1]:0"]);
    let addresses = server.addresses();
    let mut found = Vec::new();
    for address in &addresses {
        for (name, rtype) in
            [(WEB, RecordType::A), ("six.shop.svc.cluster.local.", RecordType::AAAA)]
        {
            let question = question(7, name, rtype);
            found.push(ask_by_udp(*address, &question));
            found.push(ask_by_tcp(*address, &question));
        }
    }
    let (web, six) = (says(7, &["10.96.0.7"]), says(7, &["fd00::7"]));
    let expected = [&web, &web, &six, &six, &web, &web, &six, &six];
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    let requests = server.stats().requests;
    let key = |family, transport, rtype| ((ZoneOf::Cluster, family, transport, Some(rtype)), 1);
    let all = Family::ALL.into_iter().flat_map(|family| {
        Transport::ALL.into_iter().flat_map(move |transport| {
            [OurType::A, OurType::AAAA].map(|rtype| key(family, transport, rtype))
        })
    });
    assert_eq!(requests, all.collect());
}

#[test]
fn many_at_once_get_their_own_answers() {
    let server = serve(&["127.0.0.1:0"]);
    let client = udp_client(server.addresses()[0]);
    let n_questions = 200_u16;
    for id in 0..n_questions {
        client.send(&question(id, WEB, RecordType::A)).unwrap();
    }
    let mut found: Vec<_> = (0..n_questions)
        .map(|_| {
            let mut answer = [0; 512];
            let len = client.recv(&mut answer).unwrap();
            said(&answer[..len])
        })
        .collect();
    found.sort_by_key(|it| it.id);
    let expected: Vec<_> = (0..n_questions).map(|id| says(id, &["10.96.0.7"])).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_published_is_answered_from_then_on() {
    let server = serve(&["127.0.0.1:0"]);
    let address = server.addresses()[0];
    let question = question(1, WEB, RecordType::A);
    let before = ask_by_udp(address, &question);
    server.publish(responder(&SERVICES.replace("10.96.0.7", "10.96.0.8"), Vec::new()));
    let after = [ask_by_udp(address, &question), ask_by_tcp(address, &question)];
    assert_eq!(before, says(1, &["10.96.0.7"]));
    assert_eq!(after, [says(1, &["10.96.0.8"]), says(1, &["10.96.0.8"])]);
}

#[test]
fn a_failure_is_remembered_for_its_client() {
    let server = serve(&["127.0.0.1:0"]);
    let address = server.addresses()[0];
    let absent = question(3, "no.shop.svc.cluster.local.", RecordType::A);
    let found = [ask_by_udp(address, &absent), ask_by_udp(address, &absent)];
    assert_eq!(found, [fails(3, ResponseCode::NXDomain), fails(3, ResponseCode::NXDomain)]);
    until("the failures are listed", || {
        server.failures().iter().flat_map(|it| &it.failures).map(|it| it.count).sum::<u64>() == 2
    });
    let failures = server.failures();
    let seen: Vec<_> = failures
        .iter()
        .flat_map(|it| {
            it.failures.iter().map(|one| (it.client, &*one.name, one.summary, one.count))
        })
        .collect();
    let (rcode, rtype, by) = (Rcode::NXDOMAIN, OurType::A, AnsweredBy::Zone);
    let zone = ZoneOf::Cluster;
    let summary = Summary { rcode, rtype, by, zone, is_walked: false };
    let name: &[u8] = b"\x02no\x04shop\x03svc\x07cluster\x05local\0";
    assert_eq!(seen, [(Ipv4Addr::LOCALHOST.into(), name, summary, 2)]);
}

#[test]
fn garbage_gets_no_answer_and_keeps_nobody_from_one() {
    let server = serve(&["127.0.0.1:0"]);
    let address = server.addresses()[0];
    let client = udp_client(address);
    for garbage in [&b""[..], b"\0", &[0xff; 11], &[0x80; 40], &[0; 4_097]] {
        client.send(garbage).unwrap();
    }
    assert_eq!(ask_by_udp(address, &question(9, WEB, RecordType::A)), says(9, &["10.96.0.7"]));
    until("all were counted", || {
        let drops = server.stats().drops;
        (drops.silent, drops.oversized) == (4, 1)
    });
}

#[test]
fn addresses_come_and_go_while_it_runs() {
    let server = serve(&["127.0.0.1:0"]);
    let port = server.addresses()[0].port();
    let another = SocketAddr::from(([127, 0, 0, 2], port));
    let question = question(2, WEB, RecordType::A);
    server.listen(&Listen::at(another)).unwrap();
    server.listen(&Listen::at(another)).unwrap();
    let found = [ask_by_udp(another, &question), ask_by_tcp(another, &question)];
    assert_eq!(found, [says(2, &["10.96.0.7"]), says(2, &["10.96.0.7"])]);
    assert_eq!([server.unlisten(another), server.unlisten(another)], [true, false]);
    until("the port is free", || {
        UdpSocket::bind(another).is_ok() && std::net::TcpListener::bind(another).is_ok()
    });
    assert_eq!(ask_by_udp(server.addresses()[0], &question), says(2, &["10.96.0.7"]));
}

#[test]
fn an_address_of_a_cluster_may_be_listened_at_beside_all_addresses() {
    let server = serve(&["0.0.0.0:0"]);
    let port = server.addresses()[0].port();
    let cluster_ip = SocketAddr::from(([10, 96, 0, 10], port));
    server.listen(&Listen { free_bind: true, ..Listen::at(cluster_ip) }).unwrap();
    assert_eq!(server.addresses(), [SocketAddr::from(([0, 0, 0, 0], port)), cluster_ip]);
}

#[test]
fn a_port_that_somebody_has_is_refused_with_a_hint() {
    let former = serve(&["127.0.0.1:0"]);
    let address = former.addresses()[0];
    let options = options(&[&address.to_string()]);
    let settings = ForwardSettings::default();
    let failure = start(options, responder(SERVICES, Vec::new()), &settings).unwrap_err();
    let text = format!(
        "cannot open UDP {address}: bind: Address already in use (os error 98)\n\
         hint: another server has the port, such as systemd-resolved, dnsmasq, CoreDNS on the host's \
         network or NodeLocal DNSCache: `ss -lnptu sport = :{}` names it; stop it, or listen at \
         another address",
        address.port()
    );
    assert_eq!(failure.to_string(), text);
}

#[test]
fn an_address_that_the_host_lacks_is_left_out_where_it_may_be() {
    let mut options = options(&["127.0.0.1:0", "203.0.113.7:0"]);
    options.addresses[1].required = false;
    let settings = ForwardSettings::default();
    let server = start(options, responder(SERVICES, Vec::new()), &settings).unwrap();
    assert_eq!(server.addresses().len(), 1);
}

#[test]
fn a_server_that_was_stopped_listens_nowhere() {
    let server = serve(&["127.0.0.1:0"]);
    let address = server.addresses()[0];
    server.stop(Duration::ZERO);
    server.stop(Duration::ZERO);
    assert_eq!(server.addresses(), []);
    let failure = server.listen(&Listen::at(address)).unwrap_err();
    assert_eq!(failure.to_string(), "the server has ended");
    drop(UdpSocket::bind(address).unwrap());
}
