//! Which addresses are written, in virtual time, and what if others write them too.

use std::time::{Duration, Instant};

use host::clock::monotonic;
use ingest::Objects;
use ingest::api::{Kind, Object, Service};
use ingest::manifest::{Manifest, parse};
use loadbalancer::{Settings, Step};
use model::{ServiceName, Way};
use serde_json::json;
use watch::RequestError;

use crate::addresses::{Addresses, Writing};

const SECOND: Duration = Duration::from_secs(1);

const POOL: &str = "{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {name: a}, \
                    spec: {addresses: [192.0.2.1]}}";

/// With a finalizer, and without an address.
fn service(version: &str) -> Service {
    let value = json!({
        "metadata": {
            "namespace": "shop", "name": "web", "resourceVersion": version,
            "finalizers": ["service.kubernetes.io/load-balancer-cleanup"],
        },
        "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.1", "ports": [{"port": 80}]},
    });
    serde_json::from_value(value).unwrap()
}

struct Controller {
    addresses: Addresses,
    objects: Objects,
    now: Instant,
}

impl Controller {
    fn new() -> Self {
        let settings = Settings {
            default_way: Some(Way::Vip),
            pools_awaited: 60 * SECOND,
            ..Settings::default()
        };
        let (mut objects, now) = (Objects::new(), monotonic());
        for manifest in parse("m.yaml", POOL).0 {
            if let Manifest::Object(object) = manifest {
                assert_eq!(object.kind(), Kind::AddressPool);
                objects.apply(object);
            }
        }
        let mut all = Self { addresses: Addresses::new(settings, now), objects, now };
        all.addresses.set_acting(true);
        all.see(service("1"));
        all
    }

    fn see(&mut self, service: Service) {
        self.addresses.see(&service);
        self.objects.apply(Object::Service(Box::new(service)));
        self.addresses.settle(&self.objects.table(), self.now);
    }

    /// What is due, and is being written from now on.
    fn begin(&mut self) -> Option<Writing> {
        let mut due: Vec<Writing> = self.addresses.due(self.now).collect();
        assert!(due.len() <= 1, "{due:?}");
        let writing = due.pop()?;
        self.addresses.begin(&writing, self.now);
        Some(writing)
    }

    /// The version that is written of, and whether by force; what comes of it.
    fn write(&mut self, outcome: Result<(), RequestError>) -> Option<(String, bool)> {
        let writing = self.begin()?;
        assert!(matches!(writing.step, Step::Status { .. }), "{writing:?}");
        self.addresses.ended(&writing, &outcome, self.now);
        Some((writing.version.to_string(), writing.force))
    }

    fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.addresses.next_event())
            .map(|(name, event)| {
                assert_eq!(name, ServiceName::new("shop", "web"));
                format!("{}: {}", event.reason, event.text)
            })
            .collect()
    }
}

fn refused(code: u16, message: &str) -> Result<(), RequestError> {
    Err(RequestError::Refused {
        verb: "patch",
        target: "/x".to_owned(),
        code,
        reason: "Conflict".to_owned(),
        message: message.to_owned(),
    })
}

fn contested() -> Result<(), RequestError> {
    let message = "Apply failed with 2 conflicts: conflicts with \"metallb\" with subresource \
                   \"status\" using v1 at 2026-11-30T20:00:00Z:\n- .status.loadBalancer.ingress";
    refused(409, message)
}

fn of(version: &str, force: bool) -> Option<(String, bool)> {
    Some((version.to_owned(), force))
}

#[test]
fn what_was_written_is_written_again_only_when_it_does_not_come_back() {
    let mut all = Controller::new();
    assert_eq!(all.write(Ok(())), of("1", false));
    assert_eq!(all.events(), ["IPAllocated: 192.0.2.1 of pool a"]);
    assert_eq!(all.write(Ok(())), None);
    assert_eq!(all.addresses.next_due(all.now), Some(all.now + 10 * SECOND));
    all.now += 10 * SECOND;
    assert_eq!(all.write(Ok(())), of("1", false));
    // A newer state of the object does not wait.
    all.see(service("2"));
    assert_eq!(all.write(Ok(())), of("2", false));
}

#[test]
fn an_answer_that_comes_late_says_nothing_of_the_next_step() {
    let mut all = Controller::new();
    let first = all.begin().unwrap();
    all.see(service("2"));
    let second = all.begin().unwrap();
    all.addresses.ended(&first, &Ok(()), all.now);
    assert_eq!((all.begin(), first.version == second.version), (None, false));
}

#[test]
fn an_object_that_is_another_by_now_is_waited_for() {
    let mut all = Controller::new();
    assert_eq!(all.write(refused(409, "the object has been modified")), of("1", false));
    assert_eq!((all.write(Ok(())), all.events()), (None, vec![]));
    all.see(service("2"));
    assert_eq!(all.write(Ok(())), of("2", false));
}

#[test]
fn a_status_that_others_write_too_is_taken_back_less_and_less_often() {
    let mut all = Controller::new();
    let mut pauses = Vec::new();
    for version in 1..9 {
        let version = version.to_string();
        // What others wrote last is theirs, until it is taken back by force, once.
        assert_eq!(all.write(contested()), of(&version, false));
        let due = all.addresses.next_due(all.now).unwrap();
        pauses.push((due - all.now).as_secs());
        assert_eq!(all.write(Ok(())), of(&version, true).filter(|_| due == all.now));
        if due > all.now {
            all.now = due;
            assert_eq!(all.write(Ok(())), of(&version, true));
        }
        // The other one writes again.
        all.see(service(&(version.parse::<u32>().unwrap() + 1).to_string()));
    }
    assert_eq!(pauses, [0, 10, 20, 40, 80, 160, 300, 300]);
    let told = all.events();
    let named = told.iter().filter(|it| it.starts_with("StatusContested: \"metallb\" wrote"));
    assert_eq!((named.count(), told.len()), (8, 16));
}

#[test]
fn a_cluster_that_lacks_a_pool_at_first_takes_no_address_away_at_once() {
    let mut all = Controller::new();
    let mut has = service("2");
    has.status.load_balancer.ingress =
        vec![serde_json::from_value(json!({"ip": "192.0.2.1", "ipMode": "VIP"})).unwrap()];
    all.see(has);
    all.addresses.set_acting(false);
    all.addresses.set_acting(true);
    let without = {
        let mut cluster = all.objects.table();
        cluster.address_pools.clear();
        cluster
    };
    all.addresses.settle(&without, all.now);
    assert_eq!((all.begin(), all.addresses.settles_at()), (None, Some(all.now + 60 * SECOND)));
    // There are pools after all.
    all.addresses.settle(&all.objects.table(), all.now);
    let kept = all.begin().expect("the condition is not there yet");
    let Step::Status { status, .. } = &kept.step else { panic!("{kept:?}") };
    assert_eq!(status.ingress.len(), 1);
    // They are gone again, and stay so.
    all.addresses.settle(&without, all.now);
    assert_eq!(all.addresses.settles_at(), Some(all.now + 60 * SECOND));
    all.now += 60 * SECOND;
    all.addresses.settle(&without, all.now);
    let gone = all.begin().expect("the address is taken away");
    let Step::Status { status, .. } = &gone.step else { panic!("{gone:?}") };
    assert_eq!(status.ingress, []);
}

#[test]
fn whoever_acts_no_more_knows_nothing_beside_the_objects() {
    let mut all = Controller::new();
    assert_eq!(all.write(contested()), of("1", false));
    all.addresses.set_acting(false);
    assert_eq!((all.begin(), all.addresses.has_events()), (None, false));
    all.addresses.set_acting(true);
    all.addresses.settle(&all.objects.table(), all.now);
    assert_eq!(all.write(Ok(())), of("1", false));
}
