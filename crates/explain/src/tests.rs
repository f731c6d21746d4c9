//! Is what is told right, and readable?

mod asked;
mod dns_settings;
mod json;
mod kernel;
mod never_wrong;
mod observed;
mod same_as_served;
mod traces;
