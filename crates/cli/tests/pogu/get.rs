//! Is what the agent holds shown as kubectl would?

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::JoinHandle;

use super::{Ended, check_failure, pogu};

const SERVICES: &str = r#"[
{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"shop","name":"web"},
 "spec":{"type":"LoadBalancer","clusterIPs":["10.96.0.10","fd00::10"],
  "internalTrafficPolicy":"Cluster","externalTrafficPolicy":"Local","sessionAffinity":"ClientIP",
  "sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}},"healthCheckNodePort":31000,
  "ports":[{"name":"http","protocol":"TCP","port":80,"nodePort":30080},
           {"name":"dns","protocol":"UDP","port":53}]},
 "status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.7"}]},"endpoints":{"ready":2,"total":3}}},
{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"shop","name":"mirror"},
 "spec":{"type":"ExternalName","externalName":"www.example.org",
  "internalTrafficPolicy":"Cluster","externalTrafficPolicy":"Cluster","sessionAffinity":"None"},
 "status":{"loadBalancer":{},"endpoints":{"ready":0,"total":0}}}]"#;

const ENDPOINTS: &str = r#"[
{"apiVersion":"pogu.dev/v1","kind":"Endpoint","metadata":{"namespace":"shop","name":"web"},
 "portName":"http","protocol":"TCP","address":"10.1.0.5:8080","nodeName":"a",
 "conditions":{"ready":true,"serving":true,"terminating":false},
 "hints":{"forZones":[{"name":"z1"},{"name":"z2"}]},"usedFor":["Cluster","Local"]},
{"apiVersion":"pogu.dev/v1","kind":"Endpoint","metadata":{"namespace":"shop","name":"web"},
 "protocol":"TCP","address":"[fd00::5]:8080",
 "conditions":{"ready":false,"serving":true,"terminating":true}}]"#;

const FRONTENDS: &str = r#"[
{"apiVersion":"pogu.dev/v1","kind":"Frontend","metadata":{"namespace":"shop","name":"web"},
 "address":"203.0.113.7","port":80,"protocol":"TCP","type":"LoadBalancer","portName":"http",
 "inside":{"forward":{"pool":"cluster","endpoints":2}},
 "outside":{"drop":{"reason":"no-local-endpoint-external"}},
 "masquerade":"OwnOnly","affinitySeconds":10800,"allowedSources":["10.0.0.0/8"]},
{"apiVersion":"pogu.dev/v1","kind":"Frontend","metadata":{"namespace":"shop","name":"api"},
 "address":"fd00::11","port":90,"protocol":"UDP","type":"ClusterIP",
 "inside":{"reject":{"reason":"no-endpoint"}},"outside":{"reject":{"reason":"no-endpoint"}},
 "masquerade":"NotLocalPod"}]"#;

/// An agent that answers one question.
struct Agent {
    socket: PathBuf,
    thread: JoinHandle<String>,
}

impl Agent {
    fn new(test: &str, body: &'static str) -> Self {
        let socket = std::env::temp_dir().join(format!("pogu-{test}-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&socket).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let head: Vec<String> = BufReader::new(&stream)
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                .unwrap();
            head.into_iter().next().unwrap()
        });
        Self { socket, thread }
    }

    /// Runs `pogu get`, and gives what it asked for, too.
    fn get(self, arguments: &[&str]) -> (String, Ended) {
        let socket = self.socket.to_str().unwrap();
        let ended = pogu(&[&["get", "--socket", socket], arguments].concat());
        let asked = self.thread.join().unwrap();
        std::fs::remove_file(&self.socket).unwrap();
        (asked, ended)
    }
}

#[track_caller]
fn check(test: &str, body: &'static str, arguments: &[&str], asked: &str, out: &str) {
    let expected = Ended { code: 0, out: out.to_owned(), err: String::new() };
    let asked = format!("GET {asked} HTTP/1.1");
    assert_eq!(Agent::new(test, body).get(arguments), (asked, expected));
}

#[test]
fn services_are_a_table() {
    check(
        "services",
        SERVICES,
        &["services", "-n", "shop"],
        "/v1/services?namespace=shop",
        "\
NAME     TYPE           CLUSTER-IP            EXTERNAL-IP       PORT(S)               AGE
web      LoadBalancer   10.96.0.10,fd00::10   203.0.113.7       80:30080/TCP,53/UDP   <unknown>
mirror   ExternalName   <none>                www.example.org   <none>                <unknown>
",
    );
}

#[test]
fn services_of_all_namespaces_are_a_wide_table() {
    check(
        "wide",
        SERVICES,
        &["svc", "-A", "-o", "wide"],
        "/v1/services",
        "\
NAMESPACE   NAME     TYPE           CLUSTER-IP            EXTERNAL-IP       PORT(S)               AGE         ENDPOINTS   INTERNAL   EXTERNAL   AFFINITY
shop        web      LoadBalancer   10.96.0.10,fd00::10   203.0.113.7       80:30080/TCP,53/UDP   <unknown>   2/3         Cluster    Local      ClientIP
shop        mirror   ExternalName   <none>                www.example.org   <none>                <unknown>   0/0         Cluster    Cluster    None
",
    );
}

#[test]
fn endpoints_say_their_state_and_use() {
    check(
        "endpoints",
        ENDPOINTS,
        &["endpoints", "web", "-o", "wide"],
        "/v1/endpoints?namespace=default&name=web",
        "\
SERVICE   PORT       ENDPOINT         STATE      NODE     USED-FOR        ZONE-HINTS   NODE-HINTS
web       http/TCP   10.1.0.5:8080    Ready      a        Cluster,Local   z1,z2        <none>
web       TCP        [fd00::5]:8080   Draining   <none>   <none>          <none>       <none>
",
    );
}

#[test]
fn frontends_say_what_becomes_of_packets() {
    check(
        "frontends",
        FRONTENDS,
        &["frontends", "-A", "-o", "wide"],
        "/v1/frontends",
        "\
NAMESPACE   FRONTEND             TYPE           SERVICE   PORT       INSIDE               OUTSIDE                           MASQUERADE    AFFINITY   SOURCES
shop        203.0.113.7:80/TCP   LoadBalancer   web       http/TCP   2 cluster            drop no-local-endpoint-external   OwnOnly       10800s     10.0.0.0/8
shop        [fd00::11]:90/UDP    ClusterIP      api       UDP        reject no-endpoint   reject no-endpoint                NotLocalPod   <none>     all
",
    );
}

#[test]
fn programs_get_a_list_of_whole_objects() {
    let (_, json) = Agent::new("json", SERVICES).get(&["services", "-A", "-o", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let items: serde_json::Value = serde_json::from_str(SERVICES).unwrap();
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": items });
    assert_eq!(found, list);
    let (_, yaml) = Agent::new("yaml", SERVICES).get(&["services", "-A", "-o", "yaml"]);
    let found: serde_json::Value = serde_saphyr::from_str(&yaml.out).unwrap();
    assert_eq!(found, list);
}

#[test]
fn nothing_is_told_beside_the_output() {
    let (_, found) = Agent::new("nothing", "[]").get(&["services", "-n", "shop"]);
    let err = "No resources found in shop namespace.\n".to_owned();
    assert_eq!(found, Ended { code: 0, out: String::new(), err });
    let (_, found) = Agent::new("nothing-all", "[]").get(&["frontends", "-A"]);
    let err = "No resources found\n".to_owned();
    assert_eq!(found, Ended { code: 0, out: String::new(), err });
    let (_, found) = Agent::new("nothing-named", "[]").get(&["services", "web"]);
    let err = "pogu: no such Service in namespace default: web\n\
               hint: -n names another namespace, -A all of them\n";
    assert_eq!(found, Ended { code: 1, out: String::new(), err: err.to_owned() });
}

#[test]
fn an_answer_of_another_kind_is_told() {
    let (_, found) = Agent::new("strange", "{}").get(&["services"]);
    let err = "pogu: cannot read the agent's answer to /v1/services?namespace=default: \
               invalid type: map, expected a sequence at line 1 column 0\n\
               hint: are the agent and this command of one version?\n";
    assert_eq!(found, Ended { code: 1, out: String::new(), err: err.to_owned() });
    check_failure(
        &["get", "services", "--socket", "/"],
        1,
        "pogu: cannot ask the agent on /: Connection refused (os error 111)\n\
         hint: is an agent running on this node? --socket names the socket of one with another\n",
    );
}
