//! Are the options of plugins understood, and is each told that is not?

use std::time::Duration;

use super::*;

#[test]
fn forward_has_options() {
    let text = "\
forward Example.org 10.0.0.1 tls://9.9.9.9 /etc/acme.conf {
    except a.example.org 10.0.0.0/8
    prefer_udp
    force_tcp
    prefer_udp
    expire 20s
    max_fails 5
    max_concurrent 100
    policy sequential
    health_check 5s no_rec domain Probe.example.
    next NXDOMAIN servfail
    failover SERVFAIL REFUSED
    failfast_all_unhealthy_upstreams
    tls
    tls_servername dns.quad9.net
}";
    let rule = ForwardRule {
        except: names(&["a.example.org", "10.in-addr.arpa"]),
        protocol: UpstreamProtocol::ForceTcp,
        expire: Duration::from_secs(20),
        max_fails: 5,
        max_concurrent: Some(100),
        policy: Policy::Sequential,
        health_check: HealthCheck {
            interval: Duration::from_secs(5),
            is_recursive: false,
            domain: Some("probe.example".into()),
        },
        next: vec![3, 2],
        failover: vec![2, 5],
        fails_fast: true,
        ..ForwardRule::new("example.org".into(), Vec::new(), at(2))
    };
    let targets = vec![
        Target::Upstream(plain("10.0.0.1:53")),
        Target::Upstream(over_tls("9.9.9.9:853", None)),
        Target::File("/etc/acme.conf".into()),
    ];
    let expected = Forward { rule, targets, tls_server_name: Some("dns.quad9.net".into()) };
    assert_eq!(block(text).forwards, [expected]);
}

#[test]
fn forward_of_a_network_is_a_rule_for_each_of_its_zones() {
    let zones: Vec<Arc<str>> = block("forward 10.0.0.0/15 10.0.0.1")
        .forwards
        .into_iter()
        .map(|forward| forward.rule.zone)
        .collect();
    assert_eq!(zones, names(&["0.10.in-addr.arpa", "1.10.in-addr.arpa"]));
}

#[test]
fn rules_and_zones_of_networks_end_at_their_bounds() {
    let many = "forward 10.0.0.0/25 10.0.0.1\n".repeat(3);
    let block = told(&many, &["Corefile:4: rules beyond 256 are ignored"]);
    assert_eq!(block.forwards.len(), RULES_MAX);
    let except = "except 10.0.0.0/25\n".repeat(9);
    let notice = "Corefile:11: forward: zones beyond 1024 are ignored";
    let block = told(&format!("forward . 10.0.0.1 {{\n{except}}}"), &[notice]);
    assert_eq!(block.forwards[0].rule.except.len(), ZONES_MAX);
}

#[test]
fn forward_tells_what_it_ignores() {
    let text = "\
forward .
forward a..b 1.1.1.1
forward a https://1.1.1.1
forward b 1.1.1.1 {
    max_idle_conns 5
    max_fails -1
    max_concurrent many
    policy best
    expire soon
    health_check
    health_check 1s twice
    next NOTHING
    except a..b good
    tls cert key
    tls_servername
}
forward";
    let notices = [
        r#"Corefile:2: forward: "." has nobody to ask: such names get SERVFAIL"#,
        r#"Corefile:3: forward: "a..b 1.1.1.1" wants a zone first, ignored"#,
        "Corefile:4: forward: ignored: upstream \"https://1.1.1.1\" is asked in a way that is not \
         spoken here; hint: dns:// and tls:// are",
        r#"Corefile:4: forward: "a https://1.1.1.1" has nobody to ask: such names get SERVFAIL"#,
        r#"Corefile:6: forward: "max_idle_conns 5" is not understood, ignored"#,
        r#"Corefile:7: forward: "max_fails -1" wants a number from 0 to 1000000, ignored"#,
        r#"Corefile:8: forward: "max_concurrent many" wants a number from 0 to 1000000, ignored"#,
        "Corefile:9: forward: \"policy best\" wants random, round_robin or sequential, ignored",
        r#"Corefile:10: forward: "expire soon" wants a time like 500ms or 5s, ignored"#,
        r#"Corefile:11: forward: "health_check" wants a time like 500ms or 5s, ignored"#,
        "Corefile:12: forward: \"health_check 1s twice\" is understood only in part: no_rec and \
         domain NAME may follow",
        r#"Corefile:13: forward: "next NOTHING" wants codes of answers like NXDOMAIN, ignored"#,
        r#"Corefile:14: forward: "a..b" is no zone, ignored"#,
        "Corefile:15: forward: \"tls cert key\" is ignored: certificates are judged by the system's \
         authorities",
        r#"Corefile:16: forward: "tls_servername" wants a name, ignored"#,
        "Corefile:18: forward: wants a zone and whom to ask, ignored",
    ];
    let forwards = told(text, &notices).forwards;
    let except = names(&["good"]);
    let interval = Duration::from_secs(1);
    let health_check = HealthCheck { interval, is_recursive: true, domain: None };
    let last =
        ForwardRule { except, health_check, ..ForwardRule::new("b".into(), Vec::new(), at(5)) };
    let rules: Vec<ForwardRule> = forwards.into_iter().map(|forward| forward.rule).collect();
    let empty = |zone: &str, line| ForwardRule::new(zone.into(), Vec::new(), at(line));
    assert_eq!(rules, [empty("", 2), empty("a", 4), last]);
}

#[test]
fn forward_takes_fifteen_upstreams() {
    let all: Vec<String> = (1..=16).map(|last| format!("10.0.0.{last}")).collect();
    let notice = "Corefile:2: forward: \"10.0.0.16\" is beyond the first 15, ignored";
    let block = told(&format!("forward . {}", all.join(" ")), &[notice]);
    assert_eq!(block.forwards[0].targets.len(), 15);
}

#[test]
fn cache_has_options() {
    let text = "\
cache 60 example.org {
    success 5000 300 10
    denial 2500 3
    prefetch 10 2m 20%
    serve_stale 2h verify
    servfail 0
    disable success a.example.org
    disable denial
    keepttl
}";
    let expected = CacheRule {
        zones: names(&["example.org"]),
        success: CacheLimits { capacity: 5000, ttl_max: 300, ttl_min: 10 },
        denial: CacheLimits { capacity: 2500, ttl_max: 3, ttl_min: 3 },
        servfail: Duration::ZERO,
        prefetch: Some(Prefetch { amount: 10, pause_max: Duration::from_mins(2), percentage: 20 }),
        serve_stale: Some(ServeStale { keep: Duration::from_hours(2), refresh: Refresh::Verify }),
        success_disabled: names(&["a.example.org"]),
        denial_disabled: names(&[""]),
        keeps_ttl: true,
        origin: at(2),
    };
    assert_eq!(block(text).config.cache, Some(expected));
}

#[test]
fn cache_options_have_defaults() {
    let expected = CacheRule {
        prefetch: Some(Prefetch { amount: 3, pause_max: Duration::from_mins(1), percentage: 10 }),
        serve_stale: Some(ServeStale {
            keep: Duration::from_hours(1),
            refresh: Refresh::Immediate,
        }),
        ..CacheRule::new(None, at(2))
    };
    let rule = block("cache {\nprefetch 3\nserve_stale\n}").config.cache;
    assert_eq!(rule, Some(expected));
    let limits = |ttl_max| CacheLimits { capacity: 9984, ttl_max, ttl_min: 5 };
    let rule = block("cache").config.cache.expect("a cache");
    assert_eq!((rule.success, rule.denial), (limits(3600), limits(1800)));
}

#[test]
fn cache_tells_what_it_ignores() {
    let text = "\
cache 0 {
    success 0
    denial 1000001
    success 10 x
    prefetch 10 2m 95%
    serve_stale often
    servfail 6m
    disable all
    evict
}";
    let capacity = "wants a capacity from 1 to 1000000, then seconds up to 604800: the longest, the \
                    shortest, ignored";
    let notices = [
        "Corefile:2: cache: \"0\" wants seconds from 1 to 604800, ignored",
        &format!("Corefile:3: cache: \"success 0\" {capacity}"),
        &format!("Corefile:4: cache: \"denial 1000001\" {capacity}"),
        &format!("Corefile:5: cache: \"success 10 x\" {capacity}"),
        "Corefile:6: cache: \"prefetch 10 2m 95%\" wants an amount, a time like 1m and a percentage \
         from 10% to 90%, ignored",
        "Corefile:7: cache: \"serve_stale often\" wants a time like 1h, then immediate or verify, \
         ignored",
        "Corefile:8: cache: \"servfail 6m\" wants five minutes at most, ignored",
        "Corefile:9: cache: \"disable all\" wants success or denial, ignored",
        "Corefile:10: cache: \"evict\" is not understood, ignored",
    ];
    assert_eq!(told(text, &notices).config.cache, Some(CacheRule::new(None, at(2))));
}

#[test]
fn settings_without_a_module_of_their_own_are_understood() {
    let text = "\
log
log example.org {
    class denial error
}
bufsize 4096
minimal
local
nsid node 1
health localhost:8080
ready 10.0.0.1:8181 {
}
prometheus
autopath @kubernetes
loadbalance round_robin
any
errors";
    let log =
        |zones: &[&str], classes, line| Log { zones: names(zones), classes, origin: at(line) };
    let config = ZoneConfig {
        logs: vec![
            log(&[], vec![LogClass::All], 2),
            log(&["example.org"], vec![LogClass::Denial, LogClass::Error], 3),
        ],
        bufsize: Setting::new(4096, at(6)),
        is_minimal: true,
        answers_localhost: true,
        nsid: Some("node 1".into()),
        ..ZoneConfig::new(at(1))
    };
    let address = |text: &str, line| {
        Some(Setting::new(text.parse().expect("an address with a port"), at(line)))
    };
    let server = ServerSettings {
        lameduck: None,
        health: address("127.0.0.1:8080", 10),
        ready: address("10.0.0.1:8181", 11),
        metrics: address("127.0.0.1:9153", 13),
        autopath: Some(Setting::new(true, at(14))),
    };
    assert_eq!(block(text), ServerBlock { config, server, ..empty_block() });
    let bufsize = block("bufsize").config.bufsize;
    assert_eq!(bufsize, Setting::new(1232, at(2)));
}

#[test]
fn settings_that_are_not_understood_are_told() {
    let text = "\
log . \"{remote} {name}\" {
    class warm
    style json
}
bufsize 100
health 8080 {
    lameduck long
    grace 5s
}
ready nowhere
autopath /etc/resolv.conf
loadbalance weighted file
template IN A
errors
errors
view x";
    let notices = [
        "Corefile:2: log: \". {remote} {name}\" has a format, which is ignored: there is one form of \
         log lines",
        r#"Corefile:3: log: "class warm" wants all, success, denial or error, ignored"#,
        r#"Corefile:4: log: "style json" is not understood, ignored"#,
        r#"Corefile:6: bufsize: "100" wants a number from 512 to 4096, ignored"#,
        r#"Corefile:7: health: "8080" wants an address with a port, like :8080, ignored"#,
        r#"Corefile:8: health: "lameduck long" wants a time like 500ms or 5s, ignored"#,
        r#"Corefile:9: health: "grace 5s" is not understood, ignored"#,
        r#"Corefile:11: ready: "nowhere" wants an address with a port, like :8080, ignored"#,
        "Corefile:12: autopath: \"/etc/resolv.conf\" is taken as @kubernetes: the search path of \
         pods is completed",
        "Corefile:13: loadbalance: \"weighted file\" is not understood, ignored: the order of \
         addresses is drawn",
        r#"Corefile:14: plugin "template" is not understood, ignored: its answers are not given"#,
        "Corefile:16: errors is used twice in a block, the second is ignored",
        r#"Corefile:17: plugin "view" is not understood, ignored: the block holds for every client"#,
    ];
    let config = ZoneConfig {
        logs: vec![Log { zones: names(&[""]), classes: vec![LogClass::All], origin: at(2) }],
        ..ZoneConfig::new(at(1))
    };
    let server =
        ServerSettings { autopath: Some(Setting::new(true, at(12))), ..ServerSettings::default() };
    assert_eq!(told(text, &notices), ServerBlock { config, server, ..empty_block() });
}
