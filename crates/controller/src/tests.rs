//! Who acts, and what is written?

mod addresses;
mod conditions;
mod election;
mod events;
