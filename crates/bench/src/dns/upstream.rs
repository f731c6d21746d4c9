//! Who answers what the measured servers forward?
//!
//! The least that a resolver may be: one address for every name, at once.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use host::bind::BindOptions;
use host::datagram::{BATCH_MAX, Batch, UdpSocket};

use super::closed::wait;
use super::question::OUTSIDE_ADDRESS;

const MESSAGE_MAX: usize = 512;
const HEADER: usize = 12;
/// Type A, class IN.
const ADDRESS: [u8; 4] = [0, 1, 0, 1];
/// A response to a question that desires recursion, which is available.
const FLAGS: [u8; 2] = [0x81, 0x80];
/// The question's name, type A, class IN, an hour, four octets.
const RECORD: [u8; 12] = [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4];

/// A socket for it.
pub(crate) fn open(address: SocketAddr) -> Result<UdpSocket> {
    let options = BindOptions { receive_buffer: Some(4 << 20), ..BindOptions::at(address) };
    Ok(UdpSocket::bind(&options)?)
}

/// Answers until it is told to stop.
pub(crate) fn serve(socket: &UdpSocket, stop: &AtomicBool) -> Result<()> {
    let mut batch = Batch::new(BATCH_MAX, MESSAGE_MAX, MESSAGE_MAX);
    while !stop.load(Ordering::Relaxed) {
        wait(std::iter::once(socket), Duration::from_millis(50))?;
        batch.receive(socket).context("receive questions")?;
        for (datagram, mut reply) in batch.exchanges() {
            if let Some(length) = answer(datagram.payload, reply.buffer()) {
                reply.complete(length);
            }
        }
        batch.send(socket);
    }
    Ok(())
}

/// Writes the answer to a question: how long it is. `None` to what is no question.
fn answer(question: &[u8], reply: &mut [u8]) -> Option<usize> {
    let mut end = HEADER;
    while *question.get(end)? != 0 {
        end += 1 + usize::from(*question.get(end)?);
    }
    end += 1 + ADDRESS.len();
    let kind = question.get(end - ADDRESS.len()..end)?;
    let has_address = kind == ADDRESS;
    reply.get_mut(..end)?.copy_from_slice(question.get(..end)?);
    reply.get_mut(2..4)?.copy_from_slice(&FLAGS);
    reply.get_mut(4..HEADER)?.copy_from_slice(&[0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
    if !has_address {
        return Some(end);
    }
    let record = [&RECORD[..], &OUTSIDE_ADDRESS.octets()].concat();
    reply.get_mut(end..end + record.len())?.copy_from_slice(&record);
    Some(end + record.len())
}

#[cfg(test)]
mod tests {
    use super::super::answer::is_right;
    use super::super::question::Workload;
    use super::*;

    #[test]
    fn every_name_has_the_address_that_is_expected() {
        let mut question = Vec::new();
        Workload::Uncached.write(5, 0x77, &mut question);
        let mut reply = [0; MESSAGE_MAX];
        let length = answer(&question, &mut reply).unwrap();
        assert!(is_right(&reply[..length], Workload::Uncached.expected(5)));
        assert_eq!(length, question.len() + 16);
    }

    #[test]
    fn what_is_no_question_is_not_answered() {
        let mut reply = [0; MESSAGE_MAX];
        let garbage: [&[u8]; 3] = [b"", &[0; 12], &[0xff; 40]];
        assert_eq!(garbage.map(|it| answer(it, &mut reply)), [None; 3]);
    }
}
