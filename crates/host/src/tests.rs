//! What does the kernel of this machine do, judged by other people's programs?

mod conntrack;
mod netfilter;
