//! What must be done outside of the core?

use std::sync::Arc;

use model::NodeTable;
use reconcile::StaleFlows;

use crate::event::{MeasureRequest, ReadBackRequest};

#[derive(Debug)]
pub(crate) enum Action {
    /// Connection tracking must forget these flows.
    ForgetFlows(Vec<StaleFlows>),
    /// What the kernel counted is to be read; the table tells what is whose. A scrape waits for it,
    /// or what is nobody's is to be found.
    Measure { request: Option<MeasureRequest>, table: Arc<NodeTable> },
    /// Somebody waits for what the kernel holds of a Service.
    ReadBack(ReadBackRequest),
}
