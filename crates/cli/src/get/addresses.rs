//! Which columns has the table of addresses?

use agent::query::Address;

use super::Shape;
use crate::age::short;
use crate::table::{NONE, Table};

pub(super) fn table(addresses: &[Address], shape: Shape) -> Table {
    let head = ["ADDRESS", "SERVICES", "OWNER", "HERE", "SINCE", "REASON"];
    let wide: &[&str] = if shape.is_wide { &["POOL", "CANDIDATES"] } else { &[] };
    let mut table = Table::new(&[&head[..], wide].concat());
    for address in addresses {
        let or_none = |texts: &[String]| match texts {
            [] => NONE.to_owned(),
            texts => texts.join(","),
        };
        let mut cells = vec![
            address.address.to_string(),
            or_none(&address.services),
            or_none(&address.owners),
            address.role.clone(),
            short(address.since_seconds),
            address.reason.clone().unwrap_or_else(|| NONE.to_owned()),
        ];
        if shape.is_wide {
            cells.push(address.pool.clone().unwrap_or_else(|| NONE.to_owned()));
            cells.push(or_none(&address.candidates));
        }
        table.push(cells);
    }
    table
}
