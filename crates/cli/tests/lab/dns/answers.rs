//! What do dig, kdig and delv hear?

use std::collections::BTreeSet;

use super::{CLIENTS, SERVERS, names_lab, says};

/// What a tool shows of one message.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    status: String,
    answers: BTreeSet<String>,
    extended: Option<String>,
}

impl Heard {
    fn new(status: &str, answers: &[&str]) -> Self {
        let answers = answers.iter().map(|row| (*row).to_owned()).collect();
        Self { status: status.to_owned(), answers, extended: None }
    }
}

/// The messages that dig and kdig write, one after another.
fn heard(text: &str) -> Vec<Heard> {
    let (_, messages) = text.split_once("->>HEADER<<-").unwrap_or_default();
    let of = |message: &str| {
        let (_, status) = message.split_once("status: ").unwrap();
        let status = status.split([',', ';']).next().unwrap().to_owned();
        let rows = message.split_once("ANSWER SECTION:\n").map_or("", |(_, rows)| rows);
        let rows = rows.lines().take_while(|line| !line.is_empty());
        let answers = rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "));
        let extended = message.lines().find_map(|line| line.strip_prefix("; EDE: "));
        Heard { status, answers: answers.collect(), extended: extended.map(str::to_owned) }
    };
    messages.split("->>HEADER<<-").map(of).collect()
}

const QUESTIONS: [&[&str]; 14] = [
    &["web.shop.svc.cluster.local", "A"],
    &["web.shop.svc.cluster.local", "AAAA"],
    &["wEb.ShOp.svc.cluster.local", "A"],
    &["_http._tcp.web.shop.svc.cluster.local", "SRV"],
    &["-x", "10.96.0.80"],
    &["-x", "fd00:10:96::80"],
    &["db.shop.svc.cluster.local", "A"],
    &["db-0.db.shop.svc.cluster.local", "AAAA"],
    &["docs.shop.svc.cluster.local", "A"],
    &["docs.shop.svc.cluster.local", "CNAME"],
    &["gone.shop.svc.cluster.local", "A"],
    &["round.shop.svc.cluster.local", "A"],
    &["web.shop.svc.cluster.local", "TXT"],
    &["no.shop.svc.cluster.local", "A"],
];

fn expected() -> Vec<Heard> {
    let pod = ["db.shop.svc.cluster.local. IN A 10.244.2.2"];
    let host = ["db-0.db.shop.svc.cluster.local. IN AAAA fd00:10:244:2::2"];
    let docs = "docs.shop.svc.cluster.local. IN CNAME www.example.com.";
    let v6 = "0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. \
              IN PTR web.shop.svc.cluster.local.";
    let srv = "_http._tcp.web.shop.svc.cluster.local. IN SRV 0 50 80 web.shop.svc.cluster.local.";
    let endless = "0 (Other): (ExternalNames lead from one to the next without an end)";
    vec![
        Heard::new("NOERROR", &["web.shop.svc.cluster.local. IN A 10.96.0.80"]),
        Heard::new("NOERROR", &["web.shop.svc.cluster.local. IN AAAA fd00:10:96::80"]),
        Heard::new("NOERROR", &["wEb.ShOp.svc.cluster.local. IN A 10.96.0.80"]),
        Heard::new("NOERROR", &[srv]),
        Heard::new("NOERROR", &["80.0.96.10.in-addr.arpa. IN PTR web.shop.svc.cluster.local."]),
        Heard::new("NOERROR", &[v6]),
        Heard::new("NOERROR", &pod),
        Heard::new("NOERROR", &host),
        Heard::new("NOERROR", &[docs, "www.example.com. IN A 198.51.100.80"]),
        Heard::new("NOERROR", &[docs]),
        Heard::new("NXDOMAIN", &["gone.shop.svc.cluster.local. IN CNAME no.example.com."]),
        Heard { extended: Some(endless.to_owned()), ..Heard::new("SERVFAIL", &[]) },
        Heard::new("NOERROR", &[]),
        Heard::new("NXDOMAIN", &[]),
    ]
}

#[test]
fn every_kind_of_name_is_answered_on_every_node_by_every_way() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    for client in CLIENTS {
        for server in SERVERS.map(|server| format!("@{server}")) {
            for way in ["+notcp", "+tcp", "+noedns"] {
                let mut command = vec!["dig", &server, "+nottlid", way];
                command.extend(QUESTIONS.concat());
                let mut expected = expected();
                if way == "+noedns" {
                    // There is no place for it.
                    expected.iter_mut().for_each(|heard| heard.extended = None);
                }
                let found = heard(&says(&lab, client, &command));
                assert_eq!(found, expected, "{client}: {command:?}");
            }
        }
    }
}

#[test]
fn one_stream_carries_many_questions() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    for client in CLIENTS {
        for server in SERVERS.map(|server| format!("@{server}")) {
            let mut command = vec!["kdig", &server, "+tcp", "+keepopen", "+nottl"];
            // What kdig says of an extended error is not what dig says.
            // It asks in lower case.
            let is_judged = |number: usize| number != 2 && number < 11;
            let questions = (0..QUESTIONS.len()).filter(|number| is_judged(*number));
            command.extend(questions.flat_map(|number| QUESTIONS[number]));
            let found = heard(&says(&lab, client, &command));
            let expected = expected().into_iter().enumerate();
            let expected: Vec<Heard> =
                expected.filter_map(|(number, heard)| is_judged(number).then_some(heard)).collect();
            assert_eq!(found, expected, "{client}: {command:?}");
        }
    }
}

#[test]
fn messages_are_well_formed_for_a_validator_that_is_told_not_to_validate() {
    if host::skip::without_root() {
        return;
    }
    let lab = names_lab();
    // It asks with DO and CD and reads whatever comes strictly. There are no signatures to judge.
    let name = "docs.shop.svc.cluster.local";
    for server in SERVERS.map(|server| format!("@{server}")) {
        let said = says(&lab, CLIENTS[0], &["delv", &server, "-i", "+nottl", name, "A"]);
        let rows: Vec<String> = said
            .lines()
            .filter(|line| !line.starts_with(';'))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let expected = [
            "docs.shop.svc.cluster.local. IN CNAME www.example.com.",
            "www.example.com. IN A 198.51.100.80",
        ];
        assert_eq!(rows, expected);
    }
}

#[test]
fn names_of_the_world_come_from_the_world_and_others_are_denied_at_once() {
    if host::skip::without_root() {
        return;
    }
    let lab = crate::rig::Lab::named(crate::rig::fresh_name());
    lab.write("app.yaml", super::NAMES);
    lab.write("hosts", "203.0.113.7 shop.example.org\n");
    let [folder, hosts] = ["app.yaml", "hosts"].map(|name| lab.path(name).display().to_string());
    lab.says(&["lab", "up", "-d", "-f", &folder, "--nodes", "2", "--world-hosts", &hosts]);
    let questions = ["shop.example.org", "A", "other.example.org", "A"];
    let expected = [
        Heard::new("NOERROR", &["shop.example.org. IN A 203.0.113.7"]),
        Heard::new("NXDOMAIN", &[]),
    ];
    for who in [CLIENTS[0], CLIENTS[1], "node/node-1", "outside"] {
        let mut command = vec!["dig", "+nottlid", "+tries=1"];
        command.extend(questions);
        assert_eq!(heard(&says(&lab, who, &command)), expected, "{who}");
    }
}
