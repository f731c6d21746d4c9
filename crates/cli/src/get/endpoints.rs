//! Which columns has the table of endpoints?

use agent::query::{Conditions, Endpoint, ForName};

use super::Shape;
use crate::table::{NONE, Table, join};

pub(super) fn table(endpoints: &[Endpoint], shape: Shape) -> Table {
    let mut table = shape.table(
        &["SERVICE", "PORT", "ENDPOINT", "STATE", "NODE"],
        &["USED-FOR", "ZONE-HINTS", "NODE-HINTS"],
    );
    for endpoint in endpoints {
        let cells = vec![
            endpoint.metadata.name.clone(),
            port(&endpoint.port_name, &endpoint.protocol),
            endpoint.address.clone(),
            state(endpoint.conditions).to_owned(),
            endpoint.node_name.clone().unwrap_or_else(|| NONE.to_owned()),
        ];
        let names = |names: &[ForName]| join(names.iter().map(|name| name.name.as_str()));
        let hints = endpoint.hints.as_ref();
        let wide = vec![
            join(endpoint.used_for.iter().map(String::as_str)),
            names(hints.map_or(&[], |hints| &hints.for_zones)),
            names(hints.map_or(&[], |hints| &hints.for_nodes)),
        ];
        table.push(shape.row(&endpoint.metadata.namespace, cells, wide));
    }
    table
}

pub(super) fn port(name: &str, protocol: &str) -> String {
    if name.is_empty() { protocol.to_owned() } else { format!("{name}/{protocol}") }
}

const fn state(conditions: Conditions) -> &'static str {
    let Conditions { ready, serving, terminating } = conditions;
    match (ready, serving, terminating) {
        (true, _, _) => "Ready",
        (false, true, true) => "Draining",
        (false, false, true) => "Terminating",
        (false, _, false) => "NotReady",
    }
}
