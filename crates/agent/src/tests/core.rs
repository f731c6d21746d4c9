//! Does the core follow its events, whatever the kernel does? In virtual time, on a kernel in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::manifest::{Manifest, parse};
use reconcile::{Fault, MemoryKernel, Report};
use tokio::sync::watch as channel;

use super::answers::config;
use crate::core::{Action, Core, Now};
use crate::event::{Event, MeasureRequest, News, OwnAddresses};
use crate::health::Health;
use crate::heard::Heard;
use crate::published::Published;
use crate::recorder::Recorder;

const DNS: &str = "
apiVersion: v1
kind: Service
metadata: {name: dns}
spec: {clusterIP: 10.96.0.1, ports: [{port: 53, protocol: UDP}]}
";

fn slice(address: &str) -> String {
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata: {{name: dns-x, labels: {{kubernetes.io/service-name: dns}}}}\n\
         addressType: IPv4\nports: [{{name: '', port: 53, protocol: UDP}}]\n\
         endpoints: [{{addresses: [{address}], nodeName: a}}]\n"
    )
}

/// A core with its kernel, and a clock that goes as it is told.
struct Bench {
    core: Core<MemoryKernel>,
    published: channel::Receiver<Arc<Published>>,
    began: Instant,
    passed: Duration,
}

impl Bench {
    /// With the DNS and one endpoint programmed.
    #[expect(clippy::disallowed_methods, reason = "some moment to count from")]
    fn new() -> (Self, Vec<String>) {
        let config = Arc::new(config(""));
        let context = config.node_context(None, &OwnAddresses::default());
        let (publisher, published) = channel::channel(Arc::new(Published::unknown(context)));
        let (began, passed) = (Instant::now(), Duration::ZERO);
        let start = Now { monotonic: began, wall: super::at(0) };
        let open = Box::new(|| Ok(MemoryKernel::new(1000)));
        let core = Core::new(config, open, publisher, Recorder::default(), start);
        let mut bench = Self { core, published, began, passed };
        let forgotten = bench.say(&format!("{DNS}---\n{}", slice("10.1.0.1")), true);
        (bench, forgotten)
    }

    fn now(&self) -> Now {
        Now { monotonic: self.began + self.passed, wall: super::at(0) + self.passed }
    }

    fn kernel(&mut self) -> &mut MemoryKernel {
        self.core.dataplane().expect("it has started").kernel()
    }

    /// Objects come; the flows that are to be forgotten.
    fn say(&mut self, text: &str, synced: bool) -> Vec<String> {
        let (manifests, rejections) = parse("test.yaml", text);
        assert_eq!(rejections, []);
        let mut batch: Vec<watch::Event> = Vec::new();
        for manifest in manifests {
            if let Manifest::Object(object) = manifest {
                batch.push(watch::Event::Applied(Box::new(object)));
            }
        }
        batch.extend(synced.then_some(watch::Event::Synced));
        let actions = self.core.handle(Event::Objects(batch), self.now());
        forgotten(&actions.expect("it goes on"))
    }

    fn pass(&mut self, time: Duration) -> Vec<String> {
        self.passed += time;
        forgotten(&self.core.tick(self.now()))
    }

    /// When the core wants to be called again, from now.
    fn next(&self) -> Duration {
        let next = self.core.next_tick().expect("something is always planned");
        next.saturating_duration_since(self.now().monotonic)
    }
}

/// The frontends and the endpoints whose flows stay.
fn forgotten(actions: &[Action]) -> Vec<String> {
    let mut found = Vec::new();
    for action in actions {
        if let Action::ForgetFlows(flows) = action {
            found.extend(flows.iter().map(|it| format!("{} keeps {:?}", it.frontend, it.keep)));
        }
    }
    found
}

const KEEPS_FIRST: &str = "10.96.0.1:53/UDP keeps {10.1.0.1:53}";
const KEEPS_SECOND: &str = "10.96.0.1:53/UDP keeps {10.1.0.2:53}";

#[test]
fn flows_are_forgotten_at_the_start_and_when_a_change_is_taken() {
    let (mut bench, at_start) = Bench::new();
    assert_eq!(at_start, [KEEPS_FIRST]);
    assert_eq!(bench.say(&slice("10.1.0.2"), false), [KEEPS_SECOND]);
    assert_eq!(bench.say(&slice("10.1.0.2"), false), [""; 0]);
}

#[test]
fn what_is_published_tells_which_events_it_shows_first_and_since_when_they_waited() {
    let (mut bench, _) = Bench::new();
    let before = bench.published.borrow().status.generation;
    bench.pass(Duration::from_millis(1_500));
    let came = bench.now().monotonic;
    let annotated = |time: &str| {
        let annotation = format!(
            "annotations: {{endpoints.kubernetes.io/last-change-trigger-time: '{time}'}}, "
        );
        slice("10.1.0.2").replace("labels:", &format!("{annotation}labels:"))
    };
    bench.say(&annotated("2026-11-25T09:00:01Z"), false);
    let published = Arc::clone(&bench.published.borrow());
    let generation = published.status.generation;
    let triggers = vec![("default/dns".parse().unwrap(), super::at(1))];
    let expected = Heard { generation, batches: vec![came], triggers };
    // Nothing waited for what was there at the start.
    assert_eq!(published.recent.after(0).collect::<Vec<_>>(), [&expected]);
    assert_eq!(generation, before + 1);
    // A kernel that refuses does not keep names from being answered.
    bench.kernel().faults = [Fault::Failed, Fault::Failed, Fault::Failed].into();
    let came = bench.now().monotonic;
    bench.say(&annotated("2026-11-25T08:00:00Z"), false);
    let published = Arc::clone(&bench.published.borrow());
    let generation = published.status.generation;
    let later = Heard { generation, batches: vec![came], triggers: Vec::new() };
    assert_eq!(published.recent.after(0).collect::<Vec<_>>(), [&expected, &later]);
}

#[test]
fn flows_of_a_refused_change_are_forgotten_when_it_is_taken_after_all() {
    let (mut bench, _) = Bench::new();
    bench.kernel().faults = [Fault::Failed, Fault::Failed, Fault::Failed].into();
    assert_eq!(bench.say(&slice("10.1.0.2"), false), [""; 0]);
    bench.kernel().faults.clear();
    let pause = bench.next();
    assert_eq!(bench.pass(pause), [KEEPS_SECOND]);
}

#[test]
fn flows_that_began_in_a_damaged_table_are_forgotten_when_it_is_repaired() {
    let (mut bench, _) = Bench::new();
    bench.kernel().ruleset.elements.clear();
    assert!(bench.core.handle(Event::Drift, bench.now()).expect("it goes on").is_empty());
    let pause = bench.next();
    assert!(pause < Duration::from_secs(1), "{pause:?}");
    assert_eq!(bench.pass(pause), [KEEPS_FIRST]);
    assert_eq!(bench.published.borrow().status.drift.repaired, 1);
}

#[test]
fn what_others_changed_before_it_was_watched_is_repaired() {
    let (mut bench, _) = Bench::new();
    let programmed = bench.kernel().ruleset.own_elements();
    let reads = bench.kernel().reads;
    bench.core.handle(Event::Watched, bench.now()).expect("it goes on");
    assert!(bench.next() > Duration::from_secs(1), "nobody else changed anything");

    bench.kernel().ruleset.elements.clear();
    bench.kernel().is_touched = true;
    bench.core.handle(Event::Watched, bench.now()).expect("it goes on");
    let pause = bench.next();
    bench.pass(pause);
    assert_eq!(bench.kernel().ruleset.own_elements(), programmed);
    assert_eq!(bench.kernel().reads, reads + 1);
}

#[test]
fn a_repair_that_fails_is_shown_and_tried_again_soon() {
    let (mut bench, _) = Bench::new();
    let programmed = bench.kernel().ruleset.own_elements();
    bench.kernel().ruleset.elements.clear();
    bench.kernel().faults = [Fault::Failed].into();
    bench.core.handle(Event::Drift, bench.now()).expect("it goes on");
    let pause = bench.next();
    assert_eq!(bench.pass(pause), [""; 0]);
    let shown = Arc::clone(&bench.published.borrow());
    let told: Vec<String> = shown.status.rejections.iter().map(ToString::to_string).collect();
    let expected =
        "agent dataplane: the table was changed by others and cannot be repaired: out of memory";
    assert_eq!(told, [expected]);
    assert_eq!(shown.status.pending.since, Some(bench.now().wall));
    let config = config("");
    let later = bench.now().wall + config.sync_period * 3;
    let health = Health::of(&shown, &config.node_name, config.sync_period, later);
    assert!(!health.is_dataplane_well());

    let pause = bench.next();
    assert!(pause <= Duration::from_secs(1), "{pause:?}");
    bench.pass(pause);
    assert_eq!(bench.kernel().ruleset.own_elements(), programmed);
    let status = bench.published.borrow().status.clone();
    assert_eq!((status.rejections.len(), status.pending.since), (0, None));
}

#[test]
fn a_kernel_that_refuses_to_start_is_asked_again_and_nothing_is_lost() {
    let config = Arc::new(config(""));
    let context = config.node_context(None, &OwnAddresses::default());
    let (publisher, published) = channel::channel(Arc::new(Published::unknown(context)));
    let mut refusals = 2;
    let open = Box::new(move || {
        if refusals == 0 {
            return Ok(MemoryKernel::new(1000));
        }
        refusals -= 1;
        Err("no such luck".to_owned())
    });
    #[expect(clippy::disallowed_methods, reason = "some moment to count from")]
    let (began, passed) = (Instant::now(), Duration::ZERO);
    let start = Now { monotonic: began, wall: super::at(0) };
    let core = Core::new(config, open, publisher, Recorder::default(), start);
    let mut bench = Bench { core, published, began, passed };
    assert_eq!(bench.say(&format!("{DNS}---\n{}", slice("10.1.0.1")), true), [""; 0]);
    assert_eq!(bench.published.borrow().status.rejections.len(), 1);
    let pause = bench.next();
    assert_eq!(bench.pass(pause), [""; 0]);
    let pause = bench.next();
    assert_eq!(bench.pass(pause), [KEEPS_FIRST]);
    assert_eq!(bench.published.borrow().status.rejections.len(), 0);
}

const SERVICE_CIDR: &str = "
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: kubernetes}
spec: {cidrs: [10.96.0.0/16]}
";

#[test]
fn fixed_chains_that_are_refused_hold_back_no_service() {
    let (mut bench, _) = Bench::new();
    bench.kernel().faults = [Fault::Failed].into();
    let text = format!("{SERVICE_CIDR}---\n{}", slice("10.1.0.2"));
    assert_eq!(bench.say(&text, false), [KEEPS_SECOND]);
    let status = bench.published.borrow().status.clone();
    let told: Vec<String> = status.rejections.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["agent dataplane: the kernel refuses it: out of memory"]);
    assert_eq!(status.pending.since, Some(bench.now().wall));

    // Nor do those that come while it waits.
    bench.passed += Duration::from_millis(100);
    assert_eq!(bench.say(&slice("10.1.0.1"), false), [KEEPS_FIRST]);
    assert_eq!(bench.published.borrow().status.rejections.len(), 1);

    let pause = bench.next();
    assert_eq!(pause, Duration::from_millis(400));
    bench.pass(pause);
    let dataplane = bench.core.dataplane().expect("it has started");
    assert_eq!(dataplane.options().service_cidrs, ["10.96.0.0/16".parse().expect("a CIDR")]);
    assert_eq!(dataplane.verify(), Report::default());
    let status = bench.published.borrow().status.clone();
    assert_eq!((status.rejections.len(), status.pending.since), (0, None));
}

/// Passes time until the core wants its counters read, for whoever.
fn until_measured(bench: &mut Bench) -> (Duration, bool) {
    let began = bench.passed;
    loop {
        bench.passed += bench.next();
        for action in bench.core.tick(bench.now()) {
            if let Action::Measure { request, .. } = action {
                return (bench.passed - began, request.is_some());
            }
        }
    }
}

#[test]
fn counters_that_are_nobodys_are_removed_though_nobody_scrapes() {
    let (mut bench, _) = Bench::new();
    assert_eq!(until_measured(&mut bench), (Duration::from_secs(60), false));

    // A scrape looks for them too.
    bench.passed += Duration::from_secs(59);
    let (sender, _receiver) = tokio::sync::oneshot::channel();
    let scrape = Event::Measure(MeasureRequest(sender));
    assert_eq!(bench.core.handle(scrape, bench.now()).expect("it goes on").len(), 1);
    assert_eq!(until_measured(&mut bench), (Duration::from_secs(60), false));

    let set = nft::SetId::Sent(model::Family::V4);
    let element = nft::Element { set, key: nft::Bytes::empty(), data: nft::Data::None };
    bench.kernel().ruleset.elements.insert((set, element.key), element.data);
    let said = bench.core.handle(Event::Uncounted(vec![element]), bench.now());
    assert!(said.expect("it goes on").is_empty());
    assert_eq!(bench.kernel().ruleset.elements.get(&(set, element.key)), None);
}

#[test]
fn rejections_are_known_to_be_the_same_while_only_endpoints_change() {
    let (mut bench, _) = Bench::new();
    let external =
        DNS.replace("clusterIP: 10.96.0.1,", "clusterIP: 10.96.0.1, externalIPs: [203.0.113.7],");
    let rival = external.replace("name: dns", "name: rival").replace("10.96.0.1,", "10.96.0.2,");
    bench.say(&format!("{external}---\n{rival}"), false);
    let before = Arc::clone(&bench.published.borrow());
    let told: Vec<String> = before.rejections().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "Service default/rival spec.externalIPs: 203.0.113.7:53/UDP is already claimed by Service \
          default/dns (ExternalIP); give one of the two another address or port"
        ]
    );

    bench.say(&slice("10.1.0.2"), false);
    let after = Arc::clone(&bench.published.borrow());
    assert!(before.node.rejects_the_same(&after.node));
    assert_eq!(after.rejections(), before.rejections());

    bench.say(&rival.replace("203.0.113.7", "203.0.113.8"), false);
    let last = Arc::clone(&bench.published.borrow());
    assert!(!after.node.rejects_the_same(&last.node));
    assert_eq!(last.rejections(), []);
}

#[test]
fn what_cannot_be_heard_is_shown_until_it_can() {
    let (mut bench, _) = Bench::new();
    let reason = Some("no socket".to_owned());
    bench.core.handle(Event::Deaf { to: News::Table, reason }, bench.now());
    let shown = bench.published.borrow().status.clone();
    let told: Vec<String> = shown.rejections.iter().map(ToString::to_string).collect();
    let expected =
        "agent dataplane: cannot hear of changes of the table by others, trying again: no socket";
    assert_eq!(told, [expected]);
    bench.core.handle(Event::Deaf { to: News::Table, reason: None }, bench.now());
    assert_eq!(bench.published.borrow().status.rejections.to_vec(), []);
}

#[test]
fn a_service_that_goes_while_the_table_is_damaged_leaves_no_flow_behind() {
    let (mut bench, _) = Bench::new();
    bench.kernel().ruleset.elements.clear();
    let key = ingest::api::ObjectKey {
        kind: ingest::api::Kind::Service,
        namespace: "default".to_owned(),
        name: "dns".to_owned(),
    };
    let batch = vec![watch::Event::Deleted(key)];
    let actions = bench.core.handle(Event::Objects(batch), bench.now()).expect("it goes on");
    assert_eq!(forgotten(&actions), ["10.96.0.1:53/UDP keeps {}"]);
}
