//! Does what we say to the kernel come back the same, and does `nft` read it as we mean it?

mod kernel;
mod whole;
