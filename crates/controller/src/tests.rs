//! Who acts, and what is written?

mod conditions;
mod election;
mod events;
