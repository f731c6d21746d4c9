//! Does what we say to the kernel come back the same, and does `nft` read it as we mean it?

mod fault;
mod kernel;
mod listing;
mod local_dns;
mod round_trip;
mod whole;
