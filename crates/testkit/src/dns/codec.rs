//! What do messages say, read and written by somebody else's codec?

use hickory_proto::op::{Edns as WireEdns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable, BinEncoder};

use super::answered::{Answered, Edns, Flag, Rcode, Reply};
use super::name::{name, name_text};
use super::question::{QUESTION_ID, Question, QuestionEdns, Serial};
use super::record::row;

const COOKIE: u16 = 10;
const EXTENDED_ERROR: u16 = 15;

/// The bytes of a question.
///
/// # Panics
/// The question is not one that a scenario can hold.
#[must_use]
pub fn encode(question: &Question) -> Vec<u8> {
    let kind = if question.is_reply { MessageType::Response } else { MessageType::Query };
    let mut message = Message::new(QUESTION_ID, kind, OpCode::from_u8(question.opcode));
    for flag in &question.flags {
        set(&mut message, *flag);
    }
    let mut query = Query::new();
    query.set_name(name(&question.name).expect("a scenario's names are names"));
    query.set_query_type(record_type(&question.kind).expect("a scenario's types are types"));
    query.set_query_class(class(&question.class).expect("a scenario's classes are classes"));
    for _ in 0..question.counts.questions {
        message.add_query(query.clone());
    }
    let filler = || Record::from_rdata(Name::root(), 0, RData::A(A::new(0, 0, 0, 0)));
    let counts = question.counts;
    message.answers.extend((0..counts.answers).map(|_| filler()));
    message.authorities.extend((0..counts.authorities).map(|_| filler()));
    message.additionals.extend((0..counts.additionals).map(|_| filler()));
    match question.serial {
        None | Some(Serial::Current) => {}
        Some(Serial::Number(serial)) => {
            let soa = SOA::new(Name::root(), Name::root(), serial, 0, 0, 0, 0);
            message.add_authority(Record::from_rdata(query.name().clone(), 0, RData::SOA(soa)));
        }
    }
    message.edns = question.edns.as_ref().map(edns);
    to_bytes(&message)
}

fn edns(asked: &QuestionEdns) -> WireEdns {
    let mut edns = WireEdns::new();
    edns.set_max_payload(asked.size);
    edns.set_version(asked.version);
    edns.set_dnssec_ok(asked.dnssec_ok);
    if let Some(cookie) = &asked.cookie {
        edns.options_mut().insert(EdnsOption::Unknown(COOKIE, cookie.clone()));
    }
    edns
}

/// The type of this word; `TYPE` with digits is any other.
pub(crate) fn record_type(word: &str) -> Option<RecordType> {
    let number = word.strip_prefix("TYPE").and_then(|number| number.parse::<u16>().ok());
    match number {
        Some(number) => Some(RecordType::from(number)),
        // The codec writes this word and does not read it.
        None if word == "IXFR" => Some(RecordType::IXFR),
        None => word.parse().ok(),
    }
}

pub(super) fn type_text(kind: RecordType) -> String {
    let number = u16::from(kind);
    let known = kind.to_string();
    if record_type(&known) == Some(kind) { known } else { format!("TYPE{number}") }
}

pub(crate) fn class(word: &str) -> Option<DNSClass> {
    word.parse().ok()
}

fn set(message: &mut Message, flag: Flag) {
    let metadata = &mut message.metadata;
    match flag {
        Flag::Authoritative => metadata.authoritative = true,
        Flag::Truncated => metadata.truncation = true,
        Flag::RecursionDesired => metadata.recursion_desired = true,
        Flag::RecursionAvailable => metadata.recursion_available = true,
        Flag::AuthenticData => metadata.authentic_data = true,
        Flag::CheckingDisabled => metadata.checking_disabled = true,
    }
}

pub(super) fn to_bytes(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    message.emit(&mut encoder).expect("a scenario's messages fit");
    bytes
}

/// What the bytes of a reply say. Bytes after the message's end make it malformed.
#[must_use]
pub fn decode(bytes: &[u8]) -> Reply {
    let mut decoder = BinDecoder::new(bytes);
    match Message::read(&mut decoder) {
        Err(error) => Reply::Malformed(error.to_string()),
        Ok(_) if !decoder.is_empty() => {
            Reply::Malformed(format!("{} bytes after its end", decoder.len()))
        }
        Ok(message) => Reply::Message(Box::new(answered(&message, bytes.len()))),
    }
}

fn answered(message: &Message, size: usize) -> Answered {
    let rows = |records: &[Record]| records.iter().map(row).collect();
    let metadata = message.metadata;
    let is_set = |flag: &Flag| match flag {
        Flag::Authoritative => metadata.authoritative,
        Flag::Truncated => metadata.truncation,
        Flag::RecursionDesired => metadata.recursion_desired,
        Flag::RecursionAvailable => metadata.recursion_available,
        Flag::AuthenticData => metadata.authentic_data,
        Flag::CheckingDisabled => metadata.checking_disabled,
    };
    let question = |query: &Query| {
        let kind = type_text(query.query_type());
        format!("{} {} {kind}", name_text(query.name()), query.query_class())
    };
    Answered {
        id: metadata.id,
        is_reply: metadata.message_type == MessageType::Response,
        opcode: metadata.op_code.into(),
        rcode: rcode(metadata.response_code),
        flags: Flag::ALL.into_iter().filter(is_set).collect(),
        question: message.queries.iter().map(question).collect(),
        answer: rows(&message.answers),
        authority: rows(&message.authorities),
        additional: rows(&message.additionals),
        edns: message.edns.as_ref().map(answered_edns),
        size,
    }
}

fn rcode(code: ResponseCode) -> Rcode {
    Rcode(code.into())
}

fn answered_edns(edns: &WireEdns) -> Edns {
    let mut errors = Vec::new();
    let mut options = Vec::new();
    for (code, option) in &edns.options().options {
        let bytes = Vec::try_from(option).unwrap_or_default();
        match (u16::from(*code), bytes.as_slice()) {
            (EXTENDED_ERROR, [high, low, text @ ..]) => {
                let text = String::from_utf8_lossy(text).into_owned();
                errors.push((u16::from_be_bytes([*high, *low]), text));
            }
            (code, bytes) => options.push((code, bytes.to_vec())),
        }
    }
    Edns {
        size: edns.max_payload(),
        version: edns.version(),
        dnssec_ok: edns.flags().dnssec_ok,
        errors,
        options,
    }
}
