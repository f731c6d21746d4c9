//! Does any message of a client, or of an upstream that is asked for it, get an answer that two other
//! codecs cannot read, or that is none to it?
//!
//! What the input's first octet says is told in `exchange`.
#![no_main]

#[path = "../../crates/dns/tests/codecs/answered.rs"]
mod answered;
#[path = "../../crates/dns/tests/codecs/drawn.rs"]
mod drawn;
#[path = "../../crates/dns/tests/codecs/exchange.rs"]
mod exchange;
#[path = "../../crates/dns/tests/codecs/said.rs"]
mod said;
#[path = "../../crates/dns/tests/codecs/server.rs"]
mod server;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use server::Server;

static SERVER: LazyLock<Server> = LazyLock::new(Server::of_cluster);

fuzz_target!(|input: &[u8]| exchange::check(&SERVER, input));
