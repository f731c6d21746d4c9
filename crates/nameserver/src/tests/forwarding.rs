//! Are upstreams asked for what is not ours, and do clients get what they said?

use dns::forward::{Settings as ForwardSettings, Upstream};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::upstream::{Answer, FakeUpstream};
use super::*;

const OUTSIDE: &str = "www.example.com.";

fn forwarding(upstreams: &[&FakeUpstream]) -> (Running, ForwardSettings) {
    let plain = |it: &&FakeUpstream| Upstream { address: it.address, tls: None };
    let (routes, settings) = everywhere_to(upstreams.iter().map(plain).collect());
    let server = start(options(&["127.0.0.1:0"]), responder(SERVICES, routes), &settings).unwrap();
    (server, settings)
}

#[test]
fn a_name_outside_is_asked_once_and_then_known() {
    let upstream = FakeUpstream::new(&[(OUTSIDE, Answer::Now("192.0.2.1"))]);
    let (server, _) = forwarding(&[&upstream]);
    let address = server.addresses()[0];
    let question = question(5, OUTSIDE, RecordType::A);
    let found = [
        ask_by_udp(address, &question),
        ask_by_udp(address, &question),
        ask_by_tcp(address, &question),
    ];
    assert_eq!(found, [0; 3].map(|_| says(5, &["192.0.2.1"])));
    assert_eq!(upstream.asked(), [OUTSIDE]);
    assert_eq!(server.stats().cache_entries, (1, 0));
}

#[test]
fn an_answer_that_is_cut_is_fetched_by_a_stream() {
    let upstream = FakeUpstream::new(&[(OUTSIDE, Answer::Cut("192.0.2.2"))]);
    let (server, _) = forwarding(&[&upstream]);
    let found = ask_by_udp(server.addresses()[0], &question(6, OUTSIDE, RecordType::A));
    assert_eq!(found, says(6, &["192.0.2.2"]));
    assert_eq!(upstream.asked(), [OUTSIDE, OUTSIDE]);
}

#[test]
fn who_waits_through_new_settings_gets_an_answer_and_the_cache_stays() {
    let known = "known.example.com.";
    let former = FakeUpstream::new(&[
        (OUTSIDE, Answer::Held("192.0.2.3")),
        (known, Answer::Now("192.0.2.4")),
    ]);
    let (server, _) = forwarding(&[&former]);
    let address = server.addresses()[0];
    let ask_known = question(8, known, RecordType::A);
    assert_eq!(ask_by_udp(address, &ask_known), says(8, &["192.0.2.4"]));
    let client = udp_client(address);
    client.send(&question(9, OUTSIDE, RecordType::A)).unwrap();
    until("the upstream is asked", || former.asked().len() == 2);

    let next = FakeUpstream::new(&[("new.example.com.", Answer::Now("192.0.2.5"))]);
    let (routes, settings) = everywhere_to(vec![Upstream { address: next.address, tls: None }]);
    server.reconfigure(responder(SERVICES, routes), settings).unwrap();
    assert_eq!(ask_by_udp(address, &ask_known), says(8, &["192.0.2.4"]));
    let found = ask_by_udp(address, &question(10, "new.example.com.", RecordType::A));
    assert_eq!(found, says(10, &["192.0.2.5"]));
    former.release();
    let mut answer = [0; 512];
    let len = client.recv(&mut answer).unwrap();
    assert_eq!(said(&answer[..len]), says(9, &["192.0.2.3"]));
}

#[test]
fn who_waits_through_too_many_new_settings_is_told_so() {
    let upstream = FakeUpstream::new(&[(OUTSIDE, Answer::Never)]);
    let (server, settings) = forwarding(&[&upstream]);
    let client = udp_client(server.addresses()[0]);
    client.send(&question(11, OUTSIDE, RecordType::A)).unwrap();
    until("the upstream is asked", || !upstream.asked().is_empty());
    for _ in 0..5 {
        let (routes, _) = everywhere_to(Vec::new());
        server.reconfigure(responder(SERVICES, routes), settings.clone()).unwrap();
    }
    let mut answer = [0; 512];
    let len = client.recv(&mut answer).unwrap();
    assert_eq!(said(&answer[..len]), fails(11, ResponseCode::ServFail));
}

#[test]
fn beyond_the_bound_a_question_fails_at_once() {
    let upstream = FakeUpstream::new(&[(OUTSIDE, Answer::Never)]);
    let (routes, mut settings) =
        everywhere_to(vec![Upstream { address: upstream.address, tls: None }]);
    settings.groups[0].outstanding_max = 1;
    let server = start(options(&["127.0.0.1:0"]), responder(SERVICES, routes), &settings).unwrap();
    let client = udp_client(server.addresses()[0]);
    client.send(&question(1, OUTSIDE, RecordType::A)).unwrap();
    until("the upstream is asked", || !upstream.asked().is_empty());
    let found = ask_by_udp(server.addresses()[0], &question(2, "b.example.", RecordType::A));
    assert_eq!(found, fails(2, ResponseCode::Refused));
    // What is ours is answered all the same.
    let found = ask_by_udp(server.addresses()[0], &question(3, WEB, RecordType::A));
    assert_eq!(found, says(3, &["10.96.0.7"]));
}

/// An upstream with a certificate for these names, and what trusts it.
fn with_certificate(
    names: &[&str],
    answers: &[(&'static str, Answer)],
) -> (FakeUpstream, Arc<ClientConfig>) {
    let names: Vec<_> = names.iter().copied().map(str::to_owned).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let shown = vec![cert.der().clone()];
    let config = ServerConfig::builder().with_no_client_auth();
    let upstream = FakeUpstream::with_tls(answers, config.with_single_cert(shown, key).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let trust = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (upstream, Arc::new(trust))
}

#[test]
fn an_upstream_with_tls_must_show_the_name_that_it_is_known_by() {
    let answers = [(OUTSIDE, Answer::Now("192.0.2.6"))];
    let (upstream, trust) = with_certificate(&["dns.example", "127.0.0.1"], &answers);
    let found = ["dns.example", "127.0.0.1", "another.example"].map(|name| {
        let tls = Some(name.into());
        let (routes, settings) = everywhere_to(vec![Upstream { address: upstream.address, tls }]);
        let options = Options { tls: Some(Arc::clone(&trust)), ..options(&["127.0.0.1:0"]) };
        let server = start(options, responder(SERVICES, routes), &settings).unwrap();
        ask_by_udp(server.addresses()[0], &question(1, OUTSIDE, RecordType::A))
    });
    let (known, unknown) = (says(1, &["192.0.2.6"]), fails(1, ResponseCode::ServFail));
    assert_eq!(found, [known.clone(), known, unknown]);
    assert_eq!(upstream.asked(), [OUTSIDE, OUTSIDE]);
}
