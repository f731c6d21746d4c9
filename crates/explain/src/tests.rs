//! Is what is told right, and readable?

mod announced;
mod answered_here;
mod asked;
mod beside;
mod dns_settings;
mod failures;
mod json;
mod kernel;
mod never_wrong;
mod observed;
mod same_as_served;
mod searched;
mod traces;
