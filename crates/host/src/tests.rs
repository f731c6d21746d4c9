//! What does the kernel of this machine do, judged by other people's programs?

mod address;
mod conntrack;
mod datagram;
mod dummy;
mod handover;
mod netfilter;
mod netns;
mod program;
mod segment;
mod sysctl;
