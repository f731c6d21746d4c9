//! Which columns has the table of frontends?

use agent::query::{Frontend, Outcome};

use super::Shape;
use super::endpoints::port;
use crate::table::{NONE, Table};

pub(super) fn table(frontends: &[Frontend], shape: Shape) -> Table {
    let mut table = shape.table(
        &["FRONTEND", "TYPE", "SERVICE", "PORT", "INSIDE", "OUTSIDE"],
        &["MASQUERADE", "AFFINITY", "SOURCES"],
    );
    for frontend in frontends {
        let cells = vec![
            address(frontend),
            frontend.frontend_type.clone(),
            frontend.metadata.name.clone(),
            port(&frontend.port_name, &frontend.protocol),
            outcome(&frontend.inside),
            outcome(&frontend.outside),
        ];
        let none = || NONE.to_owned();
        let wide = vec![
            frontend.masquerade.clone(),
            frontend.affinity_seconds.map_or_else(none, |seconds| format!("{seconds}s")),
            match frontend.allowed_sources.as_deref() {
                None => "all".to_owned(),
                Some([]) => none(),
                Some(sources) => sources.join(","),
            },
        ];
        table.push(shape.row(&frontend.metadata.namespace, cells, wide));
    }
    table
}

fn address(frontend: &Frontend) -> String {
    let Frontend { address, port, protocol, .. } = frontend;
    if address.contains(':') {
        format!("[{address}]:{port}/{protocol}")
    } else {
        format!("{address}:{port}/{protocol}")
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Forward { pool, endpoints } => format!("{endpoints} {pool}"),
        Outcome::Drop { reason } => format!("drop {reason}"),
        Outcome::Reject { reason } => format!("reject {reason}"),
    }
}
