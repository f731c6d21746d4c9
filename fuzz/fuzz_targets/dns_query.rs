//! Does any client's question get read otherwise than by two other codecs?
//!
//! Where that is meant to be so is said in `asked`. The first octet says whether the rest is a message, or
//! what one is drawn from.
#![no_main]

#[path = "../../crates/dns/tests/codecs/asked.rs"]
mod asked;
#[path = "../../crates/dns/tests/codecs/drawn.rs"]
mod drawn;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((1, rest)) => asked::check(&drawn::query(&mut drawn::Draw(rest))),
        Some((_, message)) => asked::check(message),
        None => {}
    }
});
