//! Does a connection of SPDY mean the same wherever its reads begin and end?
#![no_main]

use kubelet::spdy::{Event, ProtocolError, Receiver};
use libfuzzer_sys::fuzz_target;

/// What happens, with the words of one stream joined, and what the client is told.
type Outcome = Result<(Vec<Event>, Vec<u8>), ProtocolError>;

fn outcome<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut receiver = Receiver::new()?;
    let (mut events, mut told) = (Vec::new(), Vec::new());
    for chunk in chunks {
        for event in receiver.receive(chunk.to_vec().into())? {
            add(&mut events, event);
        }
        told.extend_from_slice(&receiver.take_replies());
    }
    Ok((events, told))
}

fn add(events: &mut Vec<Event>, event: Event) {
    match (events.last_mut(), event) {
        (Some(Event::Data { stream, bytes }), Event::Data { stream: next, bytes: more })
            if *stream == next =>
        {
            *bytes = [&**bytes, &*more].concat().into()
        }
        (_, event) => events.push(event),
    }
}

fuzz_target!(|input: &[u8]| {
    assert_eq!(outcome([input].into_iter()), outcome(input.chunks(1)));
});
