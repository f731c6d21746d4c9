//! Which pools do objects make, ours and MetalLB's?

use std::sync::Arc;

use model::{AddressPool, Announcing, Labels, Object, PoolName, PoolSelectors, ServiceTable};

use super::{object, shown, table};
use crate::Objects;
use crate::manifest::parse;

fn pool(table: &ServiceTable, name: &str) -> Arc<AddressPool> {
    Arc::clone(table.address_pools.get(&PoolName::new(name)).expect("the pool is in the table"))
}

fn ours(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: pogu.dev/v1alpha1, kind: AddressPool, metadata: {{name: {name}}}, spec: {{{spec}}}}}"
    )
}

fn metallb(name: &str, namespace: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, \
         metadata: {{name: {name}, namespace: {namespace}}}, spec: {{{spec}}}}}"
    )
}

fn plain(name: &str, object: Object, ranges: &[&str]) -> AddressPool {
    AddressPool {
        name: PoolName::new(name),
        object,
        created_s: 0,
        ranges: ranges.iter().map(|it| it.parse().expect("a range")).collect(),
        reserved: Vec::new(),
        avoid_edges: false,
        auto_assign: true,
        disabled: false,
        priority: None,
        admits: PoolSelectors::default(),
        labels: Labels::new(),
        announcing: Announcing::Always,
    }
}

fn other(kind: &str, name: &str) -> Object {
    Object::Other { kind: kind.into(), name: name.into() }
}

#[test]
fn a_pool_needs_addresses_and_nothing_else() {
    let table =
        table(&ours("public", "addresses: [192.0.2.0/24, 198.51.100.1-198.51.100.9, 'fd00::7']"));
    let ranges = ["192.0.2.0/24", "198.51.100.1-198.51.100.9", "fd00::7"];
    assert_eq!(*pool(&table, "public"), plain("public", other("AddressPool", "public"), &ranges));
    assert_eq!(shown(&table), [""; 0]);
}

#[test]
fn every_field_of_ours_counts() {
    let spec = "addresses: [192.0.2.0/24], reserved: [192.0.2.1, 192.0.2.250 - 192.0.2.255],
        avoidEdges: true, autoAssign: false, disabled: true, announce: false, priority: 7, namespaces: [shop],
        namespaceSelectors: [{matchLabels: {env: dev}}],
        serviceSelectors: [{matchExpressions: [{key: team, operator: In, values: [a, b]},
                                               {key: old, operator: DoesNotExist}]}]";
    let table = table(&ours("p", spec));
    let pool = pool(&table, "p");
    let mut expected = plain("p", other("AddressPool", "p"), &["192.0.2.0/24"]);
    expected.reserved =
        ["192.0.2.1", "192.0.2.250-192.0.2.255"].map(|it| it.parse().expect("a range")).into();
    (expected.avoid_edges, expected.auto_assign, expected.disabled) = (true, false, true);
    expected.announcing = Announcing::Never;
    expected.priority = Some(7);
    expected.admits = pool.admits.clone();
    assert_eq!(*pool, expected);
    let labels = |label: &str, value: &str| -> Labels { [(label.into(), value.into())].into() };
    let admits = &pool.admits;
    let namespaces = [
        admits.admit_namespace("shop", &Labels::new()),
        admits.admit_namespace("lab", &labels("env", "dev")),
        admits.admit_namespace("lab", &labels("env", "test")),
    ];
    assert_eq!(namespaces, [true, true, false]);
    let services = [labels("team", "a"), labels("team", "c"), Labels::new()];
    assert_eq!(services.map(|it| admits.admit_service(&it)), [true, false, false]);
    let texts: Vec<String> = admits.service_selectors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["team in (a,b),!old"]);
}

#[test]
fn a_pool_of_metallb_is_read_as_it_is() {
    let spec = "addresses: [192.0.2.0/24, 'fd00::/120'], autoAssign: false, avoidBuggyIPs: true,
        serviceAllocation: {priority: 50, namespaces: [shop], namespaceSelectors: [],
                            serviceSelectors: [{matchLabels: {team: a}}]}";
    let table = table(&metallb("first-pool", "metallb-system", spec));
    let mut expected = plain(
        "first-pool",
        other("IPAddressPool", "metallb-system/first-pool"),
        &["192.0.2.0/24", "fd00::/120"],
    );
    (expected.avoid_edges, expected.auto_assign, expected.priority) = (true, false, Some(50));
    expected.announcing = Announcing::Unsaid;
    let found = pool(&table, "first-pool");
    expected.admits.namespaces = ["shop".into()].into();
    expected.admits.service_selectors = found.admits.service_selectors.clone();
    assert_eq!(*found, expected);
    assert_eq!(
        found.admits.service_selectors.first().map(ToString::to_string),
        Some("team=a".into())
    );
    assert_eq!(shown(&table), [""; 0]);
}

#[test]
fn what_is_wrong_costs_its_entry_and_a_wrong_restriction_stays_closed() {
    let spec = "addresses: [192.0.2.9-192.0.2.1, '::ffff:192.0.2.0/120', 169.254.0.0/16, fo.o,
                            192.0.2.1-fd00::1, 192.0.2.0/33, 127.0.0.1, 192.0.2.7],
        priority: -1, serviceSelectors: [{matchExpressions: [{key: a, operator: in, values: [b]}]},
                                         {matchExpressions: [{key: a, operator: In}]},
                                         {matchExpressions: [{key: a, operator: Exists, values: [b]}]},
                                         {matchExpressions: [{operator: Exists}]}]";
    let table = table(&ours("p", spec));
    let pool = pool(&table, "p");
    assert_eq!(pool.ranges, ["192.0.2.7".parse().expect("a range")]);
    assert_eq!(pool.priority, None);
    let labels: Labels = [("a".into(), "b".into())].into();
    assert!(!pool.admits.admit_service(&labels));
    let mut expected = [
        "addresses[0]: expected the lower address first, found 192.0.2.9 before 192.0.2.1",
        "addresses[1]: expected plain IPv4, found an IPv4 address written as IPv6, ::ffff:192.0.2.0",
        "addresses[2]: expected an address that other machines can reach, found the link-local \
         address 169.254.0.0",
        "addresses[3]: expected an address, a range such as 192.0.2.0/24, or 192.0.2.1-192.0.2.9, \
         found \"fo.o\"",
        "addresses[4]: expected two addresses of one family, found 192.0.2.1 and fd00::1",
        "addresses[5]: expected a range such as 10.0.0.0/8 or fd00::/64, found \"192.0.2.0/33\"",
        "addresses[6]: expected an address that other machines can reach, found the loopback \
         address 127.0.0.1",
        "priority: expected a number from 0 to 2147483647, found -1",
        "serviceSelectors[0].matchExpressions[0].operator: expected In, NotIn, Exists or \
         DoesNotExist, found \"in\"; it selects nothing",
        "serviceSelectors[1].matchExpressions[0].values: expected at least one value for In; it \
         selects nothing",
        "serviceSelectors[2].matchExpressions[0].values: expected no values for Exists; it selects \
         nothing",
        "serviceSelectors[3].matchExpressions[0].key: expected a label, found none; it selects \
         nothing",
    ]
    .map(|it| format!("AddressPool p spec.{it}"));
    expected.sort();
    assert_eq!(shown(&table), expected);
}

#[test]
fn a_pool_without_addresses_is_told_and_a_misspelt_field_too() {
    let text = ours("p", "address: [192.0.2.0/24]");
    let (_, rejections) = parse("a.yaml", &text);
    let rejections: Vec<String> = rejections.iter().map(ToString::to_string).collect();
    assert_eq!(
        rejections,
        ["AddressPool p spec.address: unknown field, ignored; did you mean addresses?"]
    );
    assert_eq!(
        shown(&table(&ours("p", ""))),
        ["AddressPool p spec.addresses: expected at least one address, found none"]
    );
}

#[test]
fn of_several_objects_with_one_name_one_is_the_pool_until_it_goes() {
    let mut objects = Objects::new();
    let texts = [
        metallb("p", "b-system", "addresses: [192.0.2.2]"),
        metallb("p", "a-system", "addresses: [192.0.2.1]"),
        ours("p", "addresses: [192.0.2.0]"),
    ];
    for text in &texts {
        objects.apply(object(text));
    }
    let told = |name: &str, than: &str| {
        format!(
            "{name} metadata.name: expected a name that no other pool has; it is that of {than}"
        )
    };
    let before = objects.table();
    assert_eq!(pool(&before, "p").object, other("AddressPool", "p"));
    assert_eq!(
        shown(&before),
        ["a-system", "b-system"].map(|it| told(&format!("IPAddressPool {it}/p"), "AddressPool p"))
    );
    objects.delete(&object(&texts[2]).key());
    let after = objects.table();
    assert_eq!(pool(&after, "p").object, other("IPAddressPool", "a-system/p"));
    assert_eq!(shown(&after), [told("IPAddressPool b-system/p", "IPAddressPool a-system/p")]);
    assert_eq!(before.changed_address_pools(&after), [PoolName::new("p")]);
    for text in &texts {
        objects.delete(&object(text).key());
    }
    assert_eq!((objects.table().address_pools.len(), shown(&objects.table()).len()), (0, 0));
}
