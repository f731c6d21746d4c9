//! Is DNS answered by this host itself while it can, and by the others with the next question?

mod world;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use host::bind::{BindOptions, tcp_listener};
use host::netns::Netns;
use host::program::{Program, Running};
use host::sandbox::Sandbox;
use host::{clock, skip};

use crate::{LocalDns, Report};
use world::{World, client, frontends};

const DEADLINE: Duration = Duration::from_secs(20);

const PLACES: [fn(&World) -> &Netns; 2] = [|world| &world.pod, |world| &world.node];

#[test]
fn a_pod_and_the_node_are_answered_here_untracked_and_elsewhere_with_the_next_question() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
    let mut local = world.open();
    world.forget();
    for place in PLACES {
        assert_eq!(world.answers(place), ["local"; 4]);
    }
    assert_eq!(world.tracked(), Vec::<String>::new());
    local.clear().unwrap();
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
    local.set(&frontends().into()).unwrap();
    for place in PLACES {
        assert_eq!(world.answers(place), ["local"; 4]);
    }
    drop(local);
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
}

#[test]
fn a_client_that_keeps_its_socket_is_answered_all_along() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    for frontend in frontends() {
        let client = world.pod.run(|| client(frontend)).unwrap();
        let mut answers = vec![world.ask(&client)];
        for _ in 0..2 {
            let local = world.open();
            answers.push(world.ask(&client));
            drop(local);
            answers.push(world.ask(&client));
        }
        assert_eq!(answers, ["other", "local", "other", "local", "other"]);
    }
}

#[test]
fn a_connection_that_is_open_at_a_change_is_reset_at_once() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    for frontend in frontends() {
        let connect = |world: &mut World| {
            let client = world.pod.run(|| TcpStream::connect_timeout(&frontend, DEADLINE));
            let client = client.unwrap().unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            (client, world.accept())
        };
        let (mut to_other, _kept) = connect(&mut world);
        let local = world.open();
        let (mut to_local, _kept) = connect(&mut world);
        let reset = |client: &mut TcpStream| {
            std::io::Write::write_all(client, b"who?").unwrap();
            client.read(&mut [0; 16]).unwrap_err().kind()
        };
        let found = reset(&mut to_other);
        drop(local);
        assert_eq!([found, reset(&mut to_local)], [std::io::ErrorKind::ConnectionReset; 2]);
    }
}

#[test]
fn no_other_port_of_the_address_leads_to_what_the_node_itself_serves() {
    if skip::without_root() {
        return;
    }
    let world = World::new();
    let everywhere = ["0.0.0.0:22", "[::]:22"].map(|any| any.parse().unwrap());
    let shell = world
        .node
        .run(|| everywhere.map(|address| tcp_listener(&BindOptions::at(address), 16).unwrap()));
    let _local = world.open();
    for place in PLACES {
        let found = frontends().map(|frontend| {
            let address = SocketAddr::new(frontend.ip(), 22);
            let client = place(&world).run(|| TcpStream::connect_timeout(&address, DEADLINE));
            client.unwrap().map(drop).map_err(|error| error.kind())
        });
        assert_eq!(found, [Err(std::io::ErrorKind::ConnectionRefused); 2]);
    }
    drop(shell);
}

#[test]
fn one_family_alone_may_be_answered_here() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let mut local = world.open();
    let [v4, v6] = frontends();
    local.set(&BTreeSet::from([v4])).unwrap();
    assert_eq!(world.answers(PLACES[0]), ["local", "local", "other", "other"]);
    local.set(&BTreeSet::from([v6])).unwrap();
    assert_eq!(world.answers(PLACES[0]), ["other", "other", "local", "local"]);
}

#[test]
fn the_next_process_begins_before_the_former_ends() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let former = world.open();
    let next = world.open();
    let third = world.node.run(LocalDns::open).unwrap().unwrap_err().to_string();
    assert_eq!((former.table(), next.table()), ("pogu-dns", "pogu-dns-next"));
    assert_eq!(
        third,
        "other processes own the tables for local DNS: pogu-dns, pogu-dns-next\n\
         hint: one more agent runs on this node"
    );
    drop(former);
    assert_eq!(world.answers(PLACES[0]), ["local"; 4]);
    drop(next);
    assert_eq!(world.answers(PLACES[0]), ["other"; 4]);
}

#[test]
fn the_main_table_is_as_it_was_applied_meanwhile() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let local = world.open();
    assert_eq!(world.dataplane.verify(), Report::default());
    drop(local);
    assert_eq!(world.dataplane.verify(), Report::default());
}

#[test]
fn more_addresses_than_the_bound_are_refused_and_what_was_set_holds() {
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let mut local = world.open();
    let many = (0..257).map(|n| SocketAddr::from(([10, 96, 0, 11], n)));
    let error = local.set(&many.collect()).unwrap_err();
    assert_eq!(error.to_string(), "cannot answer DNS at so many addresses: 257: at most 256");
    assert_eq!(world.answers(PLACES[0]), ["local"; 4]);
}

/// Set for a process that holds the table until it is killed.
const HOLDER: &str = "POGU_TEST_HOLDS_LOCAL_DNS";

/// Ends with the test, however that ends.
struct Held(Running);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn hold() -> ! {
    let mut local = LocalDns::open().unwrap();
    local.set(&frontends().into()).unwrap();
    loop {
        std::thread::park();
    }
}

/// This test once more, in a process of its own and in the node's namespace.
fn start_holder(netns: &Netns) -> Held {
    let program = Program {
        name: std::env::current_exe().unwrap().to_str().unwrap().to_owned(),
        args: [
            "--exact",
            "tests::local_dns::a_process_that_is_killed_leaves_no_question_unanswered",
        ]
        .map(str::to_owned)
        .into(),
        env: vec![(HOLDER.to_owned(), "1".to_owned())],
        directory: None,
        sandbox: Arc::new(Sandbox::new(std::os::fd::AsFd::as_fd(netns), "holder", &[]).unwrap()),
    };
    let output = File::options().write(true).open("/dev/null").unwrap();
    Held(program.spawn(&output).unwrap())
}

#[test]
fn a_process_that_is_killed_leaves_no_question_unanswered() {
    if std::env::var_os(HOLDER).is_some() {
        hold();
    }
    if skip::without_root() {
        return;
    }
    let mut world = World::new();
    let holder = start_holder(&world.node);
    let client = world.pod.run(|| client(frontends()[0])).unwrap();
    let start = clock::monotonic();
    while world.ask(&client) != "local" {
        assert!(start.elapsed() < DEADLINE, "the other process does not begin");
    }
    assert_eq!(world.answers(PLACES[0]), ["local"; 4]);
    // Killed, and its end awaited.
    drop(holder);
    assert_eq!(world.ask(&client), "other");
    for place in PLACES {
        assert_eq!(world.answers(place), ["other"; 4]);
    }
}
