//! What must be done outside of the core?

use model::NodeTable;
use reconcile::StaleFlows;

use crate::event::{MeasureRequest, ReadBackRequest};

#[derive(Debug)]
pub(crate) enum Action {
    /// Connection tracking must forget these flows.
    ForgetFlows(Vec<StaleFlows>),
    /// A scrape waits for what the kernel counted; the table tells what is whose.
    Measure { request: MeasureRequest, table: NodeTable },
    /// Somebody waits for what the kernel holds of a Service.
    ReadBack(ReadBackRequest),
}
