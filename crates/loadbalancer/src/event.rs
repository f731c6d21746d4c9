//! What is told of a change of a Service's addresses?

/// An Event of a Service. The reasons are those that people know from the load balancers of clouds and
/// from MetalLB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub is_warning: bool,
    pub reason: &'static str,
    pub text: String,
}

impl Event {
    pub(crate) fn normal(reason: &'static str, text: impl Into<String>) -> Self {
        Self { is_warning: false, reason, text: text.into() }
    }

    pub(crate) fn warning(reason: &'static str, text: impl Into<String>) -> Self {
        Self { is_warning: true, reason, text: text.into() }
    }
}
