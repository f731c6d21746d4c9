//! Does the cache keep what it may, for as long as it may, within its bounds?

mod bounds;
mod life;
mod worth;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::received::written::{Written, name};
use crate::received::{Received, number};

use super::{Cache, Cached, Failure, Freshness, Kept, NotKept, Question, Reply, Settings};

/// Whatever time it is, the tests only count from it.
#[expect(clippy::disallowed_methods, reason = "an Instant can be had from the clock only")]
fn start() -> Instant {
    Instant::now()
}

fn question(dotted: &str) -> Question {
    Question::new(&name(dotted), number::A)
}

fn put(
    cache: &mut Cache,
    question: &Question,
    message: &Written,
    now: Instant,
) -> Result<Kept, NotKept> {
    let bytes = message.bytes(77);
    let Ok(received) = Received::parse(&bytes) else { panic!("the tests write well") };
    cache.insert(question, &received, &Arc::new(Reply::new(&received)), now)
}

fn answer(dotted: &str, ttl: u32) -> Written {
    Written::answer_to(&name(dotted), number::A).a(dotted, ttl)
}

/// What the cache has: the freshness, and the TTLs as told, or the failure.
fn seen(
    cache: &Cache,
    question: &Question,
    now: Instant,
) -> Option<(Freshness, Result<Vec<u32>, Failure>)> {
    let view = cache.view();
    let Question { rtype, class, dnssec_ok, checking_disabled, .. } = *question;
    let hit = view.lookup(question.name(), rtype, class, dnssec_ok, checking_disabled, now)?;
    let told = match hit.cached {
        Cached::Reply { reply, ttls } => {
            let mut out = vec![1, 2, 3];
            reply.append_to(&mut out, ttls);
            let received = Received::parse(&out[3..]).unwrap();
            Ok(received.records().map(|record| record.ttl).collect())
        }
        Cached::Failure(failure) => Err(failure.clone()),
    };
    Some((hit.freshness, told))
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn failure() -> Failure {
    Failure { rcode: 2, extended: 23, text: "192.0.2.1:53 did not answer in time".into() }
}
