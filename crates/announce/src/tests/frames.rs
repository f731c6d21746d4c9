//! Do frames look as another codec reads them, and are those of others read as they are meant?

use std::net::{IpAddr, Ipv6Addr};

use etherparse::{LaxNetSlice, LaxSlicedPacket, PacketBuilder, TransportSlice, icmpv6};
use model::Mac;

use crate::wire::{self, Claim, Question, Said, ndp};

const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
const OTHER: Mac = Mac([2, 0, 0, 0, 0, 9]);

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A frame as the other codec reads it, in one line.
fn read(bytes: &[u8]) -> String {
    let packet = LaxSlicedPacket::from_ethernet(bytes).unwrap();
    assert_eq!(packet.stop_err, None);
    let ethernet = packet.link.unwrap().to_header().unwrap().ethernet2().unwrap();
    let ends = format!("{} > {}", Mac(ethernet.source), Mac(ethernet.destination));
    match packet.net.unwrap() {
        LaxNetSlice::Arp(arp) => {
            let arp = arp.to_packet().try_eth_ipv4().unwrap();
            let (sender, target) = (arp.sender_ipv4_addr(), arp.target_ipv4_addr());
            format!(
                "{ends} arp {} {sender} is {} for {target} {}",
                arp.operation.0,
                Mac(arp.sender_mac),
                Mac(arp.target_mac)
            )
        }
        LaxNetSlice::Ipv6(ipv6) => {
            let header = ipv6.header();
            let Some(TransportSlice::Icmpv6(icmp)) = packet.transport else { panic!("{ends}") };
            let (source, destination) = (header.source_addr(), header.destination_addr());
            let is_right = icmp.is_checksum_valid(source.octets(), destination.octets());
            let hops = header.hop_limit();
            format!(
                "{ends} {source} > {destination} hops {hops} sum {is_right} {} {}",
                icmp.type_u8(),
                icmp.slice()[4..].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            )
        }
        LaxNetSlice::Ipv4(_) => panic!("{ends}"),
    }
}

#[test]
fn an_announcement_has_the_forms_that_move_a_neighbours_entry() {
    let frames = |text| -> Vec<String> {
        wire::announcement(address(text), OWN, true).iter().map(|frame| read(frame)).collect()
    };
    assert_eq!(
        frames("10.0.0.7"),
        [
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp 1 10.0.0.7 is 02:00:00:00:00:01 \
         for 10.0.0.7 00:00:00:00:00:00",
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp 2 10.0.0.7 is 02:00:00:00:00:01 \
         for 10.0.0.7 02:00:00:00:00:01",
        ]
    );
    assert_eq!(
        frames("fd00::7"),
        ["02:00:00:00:00:01 > 33:33:00:00:00:01 fd00::7 > ff02::1 hops 255 sum true 136 \
         a0000000fd0000000000000000000000000000070201020000000001",]
    );
}

#[test]
fn an_answer_goes_to_who_asked_and_overrides_what_it_knew() {
    let answer = |asked: &str, asker: Option<&str>| {
        let question = Question { address: address(asked), mac: OTHER, asker: asker.map(address) };
        read(&wire::answer(&question, OWN, false).unwrap())
    };
    let found = [
        answer("10.0.0.7", Some("10.0.0.1")),
        answer("10.0.0.7", None),
        answer("fd00::7", Some("fd00::1")),
        // Whoever detects duplicates has no address to be answered at.
        answer("fd00::7", None),
    ];
    assert_eq!(
        found,
        [
            "02:00:00:00:00:01 > 02:00:00:00:00:09 arp 2 10.0.0.7 is 02:00:00:00:00:01 \
         for 10.0.0.1 02:00:00:00:00:09",
            "02:00:00:00:00:01 > 02:00:00:00:00:09 arp 2 10.0.0.7 is 02:00:00:00:00:01 \
         for 0.0.0.0 02:00:00:00:00:09",
            "02:00:00:00:00:01 > 02:00:00:00:00:09 fd00::7 > fd00::1 hops 255 sum true 136 \
         60000000fd0000000000000000000000000000070201020000000001",
            "02:00:00:00:00:01 > 33:33:00:00:00:01 fd00::7 > ff02::1 hops 255 sum true 136 \
         20000000fd0000000000000000000000000000070201020000000001",
        ]
    );
}

#[test]
fn a_question_is_read_by_us_and_by_others_alike() {
    let cases = [
        ("10.0.0.7", Some("10.0.0.1"), None),
        ("10.0.0.7", None, None),
        ("10.0.0.7", Some("10.0.0.1"), Some(OTHER)),
        ("fd00::7", Some("fd00::1"), None),
        ("fd00::7", None, None),
        ("fd00::7", Some("fd00::1"), Some(OTHER)),
    ];
    let frames = cases
        .map(|(asked, own, to)| wire::question(address(asked), own.map(address), OWN, to).unwrap());
    let read_by_us = frames.clone().map(|frame| wire::read(&frame));
    let expected = cases.map(|(asked, own, _)| {
        let question = Question { address: address(asked), mac: OWN, asker: own.map(address) };
        Some(Said::Asked(question))
    });
    assert_eq!(read_by_us, expected);
    assert_eq!(
        frames.map(|frame| read(&frame)),
        [
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp 1 10.0.0.1 is 02:00:00:00:00:01 \
         for 10.0.0.7 00:00:00:00:00:00",
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp 1 0.0.0.0 is 02:00:00:00:00:01 \
         for 10.0.0.7 00:00:00:00:00:00",
            "02:00:00:00:00:01 > 02:00:00:00:00:09 arp 1 10.0.0.1 is 02:00:00:00:00:01 \
         for 10.0.0.7 00:00:00:00:00:00",
            "02:00:00:00:00:01 > 33:33:ff:00:00:07 fd00::1 > ff02::1:ff00:7 hops 255 sum true 135 \
         00000000fd0000000000000000000000000000070101020000000001",
            "02:00:00:00:00:01 > 33:33:ff:00:00:07 :: > ff02::1:ff00:7 hops 255 sum true 135 \
         00000000fd000000000000000000000000000007",
            "02:00:00:00:00:01 > 02:00:00:00:00:09 fd00::1 > fd00::7 hops 255 sum true 135 \
         00000000fd0000000000000000000000000000070101020000000001",
        ]
    );
}

/// A solicitation as the kernel sends it when it looks whether a neighbour is still there: to its
/// address, and without its own link-layer address.
fn solicitation(source: &str, destination: &str, hops: u8, options: &[u8]) -> Vec<u8> {
    let octets = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    let builder = PacketBuilder::ethernet2(OTHER.0, OWN.0)
        .ipv6(octets(source), octets(destination), hops)
        .icmpv6(etherparse::Icmpv6Type::NeighborSolicitation);
    let payload = [&octets("fd00::7")[..], options].concat();
    let mut frame = Vec::new();
    builder.write(&mut frame, &payload).unwrap();
    frame
}

#[test]
fn probes_of_neighbours_are_understood_and_what_the_rfc_refuses_is_not() {
    let asked = |asker: Option<&str>| {
        let question =
            Question { address: address("fd00::7"), mac: OTHER, asker: asker.map(address) };
        Some(Said::Asked(question))
    };
    let own_mac = [1, 1, 2, 0, 0, 0, 0, 9];
    let found = [
        solicitation("fd00::1", "fd00::7", 255, &[]),
        solicitation("fd00::1", "ff02::1:ff00:7", 255, &own_mac),
        solicitation("::", "ff02::1:ff00:7", 255, &[]),
        // It came over a router; detection with a link-layer address; detection of one; a broken option.
        solicitation("fd00::1", "fd00::7", 254, &[]),
        solicitation("::", "ff02::1:ff00:7", 255, &own_mac),
        solicitation("::", "fd00::7", 255, &[]),
        solicitation("fd00::1", "fd00::7", 255, &[1, 0, 0, 0, 0, 0, 0, 0]),
        solicitation("fd00::1", "fd00::7", 255, &[1, 2, 0, 0, 0, 0, 0, 0]),
    ]
    .map(|frame| wire::read(&frame));
    let one = asked(Some("fd00::1"));
    assert_eq!(found, [one, one, asked(None), None, None, None, None, None]);
    assert_eq!(icmpv6::TYPE_NEIGHBOR_SOLICITATION, 135);
}

#[test]
fn what_others_announce_is_a_claim() {
    for text in ["10.0.0.7", "fd00::7"] {
        let claim = Some(Said::Claimed(Claim { address: address(text), mac: OTHER }));
        for frame in wire::announcement(address(text), OTHER, false) {
            assert_eq!(wire::read(&frame), claim);
            // A sum that does not fit, a part that is missing.
            let mut broken = frame.clone();
            broken[if text.contains(':') { 20 + 40 } else { 14 }] ^= 1;
            assert_eq!(wire::read(&broken), None);
            for length in 0..42 {
                assert_eq!(wire::read(&frame[..length]), None);
            }
        }
    }
}

#[test]
fn the_group_of_an_address_is_that_of_the_rfc() {
    let group = ndp::solicited_node("4037::1:800:200e:8c6c".parse().unwrap());
    assert_eq!(group.to_string(), "ff02::1:ff0e:8c6c");
    assert_eq!(ndp::group_mac(group).to_string(), "33:33:ff:0e:8c:6c");
}
