//! Which columns has the table of pools?

use agent::query::{Fill, Pool};

use super::Shape;
use crate::table::{NONE, Table};

/// Beyond, a pool is as good as endless.
const COUNTED_MAX: u64 = 1 << 24;

pub(super) fn table(pools: &[Pool], shape: Shape) -> Table {
    let head = ["POOL", "IPV4", "IPV6", "AUTO-ASSIGN", "DISABLED", "ANNOUNCED"];
    let wide: &[&str] = if shape.is_wide { &["OBJECT", "ADDRESSES"] } else { &[] };
    let mut table = Table::new(&[&head[..], wide].concat());
    for pool in pools {
        let mut cells = vec![
            pool.name.clone(),
            fill(pool.fill.get("IPv4")),
            fill(pool.fill.get("IPv6")),
            pool.is_auto_assigned.to_string(),
            pool.is_disabled.to_string(),
            pool.is_announced.to_string(),
        ];
        if shape.is_wide {
            cells.push(pool.object.clone());
            cells.push(pool.addresses.join(","));
        }
        table.push(cells);
    }
    table
}

/// `3/21`: used, of how many.
fn fill(fill: Option<&Fill>) -> String {
    match fill {
        None => NONE.to_owned(),
        Some(Fill { used, size }) if *size > COUNTED_MAX => format!("{used}/>2^24"),
        Some(Fill { used, size }) => format!("{used}/{size}"),
    }
}
