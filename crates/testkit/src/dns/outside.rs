//! What does the DNS outside reply to a message?

use hickory_proto::op::{Edns, Message, MessageType};
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::UDP_SIZE;
use super::codec::{to_bytes, type_text};
use super::name::name_text;
use super::record::record;
use crate::cluster::{Dns, UpstreamReply};

/// What happens to a question that goes outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// The bytes of a message.
    Reply(Vec<u8>),
    Timeout,
    /// The scenario does not say, and so does not want it asked: `NAME TYPE`, or why it is no question.
    Unforeseen(String),
}

/// Replies to a message as the scenario's lines `upstream` say.
///
/// # Panics
/// A row is no record: the parser refuses it.
#[must_use]
pub fn outside(settings: &Dns, message: &[u8]) -> Outside {
    let asked = match Message::read(&mut BinDecoder::new(message)) {
        Ok(asked) => asked,
        Err(error) => return Outside::Unforeseen(error.to_string()),
    };
    let Some(query) = asked.queries.first() else {
        return Outside::Unforeseen("no question".to_owned());
    };
    let key = (name_text(query.name()).to_ascii_lowercase(), type_text(query.query_type()));
    match settings.upstream.get(&key) {
        None => Outside::Unforeseen(format!("{} {}", key.0, key.1)),
        Some(UpstreamReply::Timeout) => Outside::Timeout,
        Some(UpstreamReply::Message { rcode, is_truncated, answer, authority }) => {
            let mut reply =
                Message::new(asked.metadata.id, MessageType::Response, asked.metadata.op_code);
            reply.metadata.recursion_desired = asked.metadata.recursion_desired;
            reply.metadata.checking_disabled = asked.metadata.checking_disabled;
            reply.metadata.recursion_available = true;
            reply.metadata.truncation = *is_truncated;
            reply.metadata.response_code = rcode.0.into();
            reply.add_query(query.clone());
            reply.answers = records(answer);
            reply.authorities = records(authority);
            reply.edns = asked.edns.as_ref().map(|_| {
                let mut edns = Edns::new();
                edns.set_max_payload(UDP_SIZE);
                edns
            });
            Outside::Reply(to_bytes(&reply))
        }
    }
}

fn records(rows: &[String]) -> Vec<Record> {
    rows.iter().map(|row| record(row).expect("the parser refuses other rows")).collect()
}
