//! What do readiness and metrics tell while the API server is away?

use host::clock::wall;
use host::netns::Netns;
use host::rfc3339::seconds;
use testkit::control_plane::ControlPlane;

use super::process::{Dns, wait_for};

/// What a DNS follows in a cluster where nobody has installed ServiceImports, with the objects of a
/// cluster where nothing has been made yet.
const FOLLOWED: [(&str, u32); 7] = [
    ("services", 1),
    ("endpointslices", 0),
    ("pods", 0),
    ("namespaces", 4),
    ("configmaps/kube-dns", 0),
    ("configmaps/coredns", 0),
    ("configmaps/coredns-custom", 0),
];

/// Why a watch is not followed; behind it stands what the network says, which depends on what was on
/// its way.
const BROKEN_OFF: &str = "no connection: error reading a body from connection";

#[test]
fn since_when_a_server_is_away_is_told_by_readiness_and_metrics() {
    if host::skip::without_root() {
        return;
    }
    Netns::unshared().unwrap().run(it_is_told).unwrap();
}

fn it_is_told() {
    let Some(server) = ControlPlane::up() else { return };
    wait_for("the first Namespaces", || {
        (server.kubectl("get namespaces -o name").lines().count() == 4).then_some(())
    });
    let dns = Dns::start(&server, &server.admin());
    wait_for("the names", || dns.is_ready().then_some(()));
    let before = figures(&dns);
    assert_eq!(before, expected(true));
    let killed = seconds(wall());
    server.order("kill", &["kube-apiserver"]);
    let page = wait_for("all that is not followed", || {
        Some(dns.page("/readyz")).filter(|page| page.lines().count() > FOLLOWED.len() + 2)
    });
    let now = seconds(wall());
    let (text, moments) = without_moments(&page);
    assert_eq!(text, away(&server.url()));
    let wrong: Vec<&String> = moments.iter().filter(|at| !(&killed..=&now).contains(at)).collect();
    assert_eq!(wrong, Vec::<&String>::new(), "{killed} to {now}");
    assert_eq!(figures(&dns), expected(false));
    server.order("start", &["kube-apiserver"]);
    wait_for("all is followed again", || dns.is_ready().then_some(()));
}

/// The text, and the moments since which something is so, to the second.
fn without_moments(page: &str) -> (String, Vec<String>) {
    let mut moments = Vec::new();
    let mut text = String::new();
    for line in page.lines() {
        let since = line.strip_prefix("since ").and_then(|it| it.split_once(": "));
        match since {
            Some((moment, reason)) => {
                moments.push(format!("{}Z", moment.split(['.', 'Z']).next().unwrap()));
                let reason = match reason.strip_prefix(BROKEN_OFF) {
                    Some(_by_the_network) => BROKEN_OFF,
                    None => reason,
                };
                text.extend(["since then: ", reason, "\n"]);
            }
            None => text.extend([line, "\n"]),
        }
    }
    (text, moments)
}

fn away(url: &str) -> String {
    let server = format!(
        "ok\nsince then: the API server {url} cannot be reached: tcp connect error: Connection \
         refused (os error 111)\n\
         hint: nobody listens there: does the server run, and is this its address?\n"
    );
    server + &format!("since then: {BROKEN_OFF}\n").repeat(FOLLOWED.len())
}

/// What metrics tell of the connection. Of bytes and of moments, whether there are any.
fn figures(dns: &Dns) -> Vec<String> {
    let page = dns.page("/metrics");
    let lines = page.lines().filter_map(|it| it.strip_prefix("pogu_api_server_"));
    let masked = |line: &str| match line.rsplit_once(' ') {
        Some((name, value)) if name.starts_with("received") || name.starts_with("not_followed") => {
            let is_some = value.parse::<f64>().unwrap() > 0.0;
            format!("{name} {}", if is_some { "some" } else { "none" })
        }
        _ => line.to_owned(),
    };
    lines.map(masked).collect()
}

fn expected(is_there: bool) -> Vec<String> {
    let mut all = vec![format!("up {}", u8::from(is_there))];
    let mut add = |figure: &str, of_imports: &str, value: &dyn Fn(u32) -> String| {
        for (index, (name, objects)) in FOLLOWED.into_iter().enumerate() {
            if index == 4 {
                let imports = format!("{figure}{{resource=\"serviceimports\"}} {of_imports}");
                all.push(imports);
            }
            all.push(format!("{figure}{{resource=\"{name}\"}} {}", value(objects)));
        }
    };
    let since = if is_there { "none" } else { "some" };
    add("not_followed_since_seconds", since, &|_| since.to_owned());
    add("objects", "0", &|objects| objects.to_string());
    add("lists_total", "2", &|_| "1".to_owned());
    add("watches_total", "0", &|_| "0".to_owned());
    add("changes_total", "0", &|objects| objects.to_string());
    add("received_bytes_total", "none", &|_| "some".to_owned());
    if !is_there {
        let failed =
            |(name, _)| format!("failures_total{{resource=\"{name}\",reason=\"unreachable\"}} 1");
        all.extend(FOLLOWED.map(failed));
    }
    all
}
