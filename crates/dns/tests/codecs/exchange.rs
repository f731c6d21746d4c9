//! Is every message answered as a client can read it, whatever an upstream says?

use std::time::Duration;

use dns::cache::Question;
use dns::respond::Client;
use dns::wire::{Rcode, ReplySize};
use hickory_proto::op::{Message, OpCode};

use crate::answered;
use crate::drawn::{self, Draw};
use crate::said;
use crate::server::{Answer, Server, pod, secondary};

/// After so long, the TTLs are others than those that the upstream said.
const LATER: Duration = Duration::from_secs(3);

/// Panics where it is not. The first octet says how the client comes (1: by a stream; 2: not as a pod;
/// 4: with a message that is drawn from the rest; above: the size of its datagrams). Else the rest is
/// its message, and behind two octets 0xff what the upstream says, to each question.
pub(crate) fn check(server: &Server, input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else { return };
    let datagram = ReplySize::Datagram((512 + usize::from(how >> 3) * 24).min(1_232));
    let size = if how & 1 == 0 { datagram } else { ReplySize::Stream };
    let client = if how & 2 == 0 { pod(size) } else { secondary(size) };
    if how & 4 == 0 {
        let (message, said) = match rest.windows(2).position(|pair| pair == [0xff, 0xff]) {
            Some(at) => (&rest[..at], &rest[at + 2..]),
            None => (rest, &[][..]),
        };
        check_message(server, message, client, &|question| said::raw(said, question));
    } else {
        let mut draw = Draw(rest);
        let message = drawn::query(&mut draw);
        let answers = |question: &Question| {
            let mut draw = draw.clone();
            // Each question has another answer, and the same one whenever it is asked.
            for _ in 0..question.name().len() % 8 {
                draw.octet();
            }
            (!draw.once_in(16)).then(|| said::drawn(&mut draw, question))
        };
        check_message(server, &message, client, &answers);
    }
}

fn check_message(
    server: &Server,
    message: &[u8],
    client: Client,
    upstream: &dyn Fn(&Question) -> Option<Vec<u8>>,
) {
    let mut said = Vec::new();
    let mut ask = |question: &Question| {
        let answer = upstream(question)?;
        said.push((question.clone(), answer.clone()));
        Some(answer)
    };
    let answer = server.answer(message, client, &mut ask);
    // What an upstream says is given on, and hickory-proto refuses data that its type does not have.
    let is_ours = said.iter().all(|(_, bytes)| can_hickory_read(bytes));
    check_answer(&answer, message, client.size, is_ours);
    check_cut(server, message, client, &answer, upstream, said.is_empty());
    if !said.is_empty() {
        let later = server.with_cache(server.cache_of(&said), LATER);
        let answer = later.answer(message, client, &mut |question| upstream(question));
        check_answer(&answer, message, client.size, is_ours);
    }
}

fn check_answer(answer: &Answer, message: &[u8], size: ReplySize, is_ours: bool) {
    match answer {
        Answer::Silent => {}
        Answer::Reply(reply, summary) => {
            let shape = answered::check(message, size, reply, is_ours);
            assert_eq!(shape.rcode & 0xf, summary.rcode.0 & 0xf);
        }
        Answer::Transfer(messages) => messages.iter().for_each(|one| {
            answered::check(message, size, one, true);
        }),
    }
}

/// A datagram is what a stream would have, as far as it fits; and says so where that is not all.
fn check_cut(
    server: &Server,
    message: &[u8],
    client: Client,
    answer: &Answer,
    upstream: &dyn Fn(&Question) -> Option<Vec<u8>>,
    is_all_ours: bool,
) {
    let stream = Client { size: ReplySize::Stream, ..client };
    let whole = server.answer(message, stream, &mut |question| upstream(question));
    let (Answer::Reply(cut, _), Answer::Reply(whole, _)) = (answer, &whole) else { return };
    let shape = answered::check(message, client.size, cut, false);
    let of_whole = answered::check(message, ReplySize::Stream, whole, false);
    if cut == whole {
        return;
    }
    // Aliases that lead round are a failure; a datagram may have no room to find that out.
    let is_round = of_whole.rcode == Rcode::SERVFAIL.0 && shape.is_truncated;
    let most = answered::most(message, client.size);
    assert!(whole.len() > most || is_round, "{whole:02x?} would have fitted, and was {cut:02x?}");
    if is_all_ours && !is_round {
        let ([answers, authorities, _], [all, all_authorities, _]) =
            (shape.counts, of_whole.counts);
        let is_less = answers < all || authorities < all_authorities;
        assert_eq!(shape.is_truncated, is_less, "{shape:?} of {of_whole:?}");
        assert_eq!(shape.rcode, of_whole.rcode);
    }
}

/// Whether it is an answer that hickory-proto reads too. An update may have records without data, and is
/// nobody's answer; what we cannot read either is never given on.
fn can_hickory_read(bytes: &[u8]) -> bool {
    Message::from_vec(bytes).is_ok_and(|read| read.metadata.op_code == OpCode::Query)
        || dns::received::Received::parse(bytes).is_err()
}
