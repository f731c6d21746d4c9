#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod address_set;
mod allocator;
mod holders;
mod memory;
mod outcome;
mod space;
mod surroundings;
mod territory;
#[cfg(test)]
mod tests;
mod verdict;

pub use allocator::{Allocator, Holding, Settings};
pub use memory::{REMEMBERED_MAX, Remembered};
pub use outcome::{Outcome, PoolRefusal, Refusal};
pub use space::Fill;
pub use surroundings::{Surroundings, Whose};
pub use verdict::{Candidate, Exclusion};
