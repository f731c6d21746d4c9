//! Is a ServiceImport read as the multicluster API means it, and does it get its own slices only?

use std::num::NonZeroU16;
use std::sync::Arc;

use model::{ImportKind, ImportPort, Protocol, ServiceImport, ServiceName, ServiceTable};

use super::{lists, object, service, shown, table};
use crate::{Objects, Touched};

fn import(spec: &str) -> String {
    format!(
        "{{apiVersion: multicluster.x-k8s.io/v1beta1, kind: ServiceImport, metadata: {{name: web}}, \
         spec: {{{spec}}}}}\n---\n"
    )
}

fn slice(name: &str, labels: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: {name}, labels: \
         {{{labels}}}}}, addressType: IPv4, ports: [{{name: http, port: 80}}], \
         endpoints: [{{addresses: [10.1.0.1]}}]}}\n---\n"
    )
}

const OF_IMPORT: &str = "multicluster.kubernetes.io/service-name: web";
const OF_SERVICE: &str = "kubernetes.io/service-name: web";

fn plain() -> ServiceImport {
    ServiceImport {
        name: ServiceName::new("default", "web"),
        kind: ImportKind::ClusterSetIp,
        ips: Vec::new(),
        ports: Vec::new(),
        slices: Arc::default(),
    }
}

fn found(table: &ServiceTable) -> Arc<ServiceImport> {
    Arc::clone(&table.imports[&ServiceName::new("default", "web")])
}

fn slice_names(import: &ServiceImport) -> Vec<&str> {
    import.slices.iter().map(|slice| &*slice.name).collect()
}

#[track_caller]
fn check(text: &str, expected: &ServiceImport, rejections: &[&str]) {
    let table = table(text);
    assert_eq!(*found(&table), *expected, "{text}");
    let rejections: Vec<String> =
        rejections.iter().map(|it| format!("ServiceImport default/web {it}")).collect();
    assert_eq!(shown(&table), rejections, "{text}");
}

#[test]
fn an_import_has_a_kind_addresses_and_ports_in_either_version() {
    let number = |port: u16| NonZeroU16::new(port).expect("the test's port");
    let port = |name: &str, protocol, app_protocol: Option<&str>| ImportPort {
        name: name.into(),
        protocol,
        port: number(80),
        app_protocol: app_protocol.map(Arc::from),
    };
    let text = import(
        "type: ClusterSetIP, ips: [10.112.0.1, 'fd00:112::1'], sessionAffinity: None, ports: \
         [{name: http, port: 80, appProtocol: http}, {name: quic, port: 80, protocol: UDP}]",
    );
    let expected = ServiceImport {
        ips: ["10.112.0.1", "fd00:112::1"].map(|ip| ip.parse().expect("an address")).to_vec(),
        ports: vec![port("http", Protocol::Tcp, Some("http")), port("quic", Protocol::Udp, None)],
        ..plain()
    };
    check(&text, &expected, &[]);
    check(&text.replace("v1beta1", "v1alpha1"), &expected, &[]);
    check(&import("type: Headless"), &ServiceImport { kind: ImportKind::Headless, ..plain() }, &[]);
}

#[test]
fn what_is_wrong_in_an_import_is_told_and_the_rest_kept() {
    check(
        &import(
            "type: headless, ips: [10.112.0.1, 10.112.0.2, x], ports: [{name: Http, port: 80}, {port: 0}, \
             {name: a, port: 80, protocol: tcp}]",
        ),
        &ServiceImport { ips: vec![[10, 112, 0, 1].into()], ..plain() },
        &[
            "spec.ips[1]: expected one address of each family, found 10.112.0.2 beside 10.112.0.1",
            r#"spec.ips[2]: expected an IP address, found "x""#,
            r#"spec.ports[0].name: expected at most 63 of a-z, 0-9 and inner -, found "Http""#,
            "spec.ports[1].port: expected a number from 1 to 65535, found 0",
            r#"spec.ports[2].protocol: expected TCP, UDP or SCTP, found "tcp""#,
            r#"spec.type: expected ClusterSetIP or Headless, found "headless"; ClusterSetIP is used"#,
        ],
    );
    check(
        &import("type: Headless, ips: [10.112.0.1]"),
        &ServiceImport { kind: ImportKind::Headless, ..plain() },
        &[r#"spec.ips[0]: expected none where type is Headless, found "10.112.0.1""#],
    );
}

#[test]
fn other_versions_and_groups_are_not_ours() {
    let text = import("type: Headless");
    let of = |version: &str| text.replace("multicluster.x-k8s.io/v1beta1", version);
    let (manifests, rejections) =
        crate::manifest::parse("a.yaml", &of("multicluster.x-k8s.io/v1alpha2"));
    let rejections: Vec<String> = rejections.iter().map(ToString::to_string).collect();
    assert_eq!((manifests, rejections), (vec![], vec![
        "file a.yaml line 1 apiVersion: expected multicluster.x-k8s.io/v1beta1 for ServiceImport web, found \
         \"multicluster.x-k8s.io/v1alpha2\"".to_owned()
    ]));
    let other = crate::manifest::Manifest::Other {
        kind: "ServiceImport".to_owned(),
        name: "web".to_owned(),
    };
    assert_eq!(crate::manifest::parse("a.yaml", &of("net.gke.io/v1")), (vec![other], vec![]));
}

#[test]
fn a_slice_belongs_to_the_import_the_service_or_both_by_its_labels() {
    let web = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: None, ports: \
               [{name: http, port: 80}]}}\n---\n";
    let texts = [
        import("type: Headless"),
        web.to_owned(),
        slice("a", OF_IMPORT),
        slice("b", OF_SERVICE).replace("10.1.0.1", "10.1.0.2"),
        slice("c", &format!("{OF_SERVICE}, {OF_IMPORT}")).replace("10.1.0.1", "10.1.0.3"),
    ];
    let table = table(&texts.concat());
    assert_eq!(slice_names(&found(&table)), ["a", "c"]);
    let web = service(&table, "web");
    let names: Vec<&str> = web.slices.iter().map(|slice| &*slice.name).collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(lists(&web), ["http IPv4: 10.1.0.2:80 10.1.0.3:80"]);
    assert!(Arc::ptr_eq(&found(&table).slices[1], &web.slices[1]), "both have the same slice");
    assert_eq!(shown(&table), Vec::<String>::new());
}

#[test]
fn slices_come_and_go_and_what_stays_is_shared() {
    let mut objects = Objects::new();
    assert_eq!(objects.apply(object(&slice("a", OF_IMPORT))), Touched::default());
    assert_eq!(objects.table().imports.len(), 0);
    assert_eq!(objects.apply(object(&import("type: Headless"))), Touched::default());
    let first = objects.table();
    assert_eq!(slice_names(&found(&first)), ["a"]);

    objects.apply(object(&import("type: Headless")));
    objects.apply(object(&slice("a", OF_IMPORT)));
    let same = objects.table();
    assert_eq!(first.changed_imports(&same), []);

    objects.apply(object(&slice("b", OF_IMPORT)));
    let second = objects.table();
    assert_eq!(same.changed_imports(&second), [ServiceName::new("default", "web")]);
    assert!(Arc::ptr_eq(&found(&same).slices[0], &found(&second).slices[0]));

    objects.apply(object(&slice("a", &OF_IMPORT.replace("web", "other"))));
    assert_eq!(slice_names(&found(&objects.table())), ["b"]);
    objects.delete(&object(&slice("b", OF_IMPORT)).key());
    assert_eq!(*found(&objects.table()), ServiceImport { kind: ImportKind::Headless, ..plain() });

    objects.apply(object(&import("type: x")));
    assert_eq!(objects.table().rejections.len(), 1);
    objects.delete(&object(&import("type: Headless")).key());
    let last = objects.table();
    assert_eq!((last.imports.len(), last.rejections.len()), (0, 0));
}
