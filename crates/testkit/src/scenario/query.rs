//! How are questions and their answers read?

use std::collections::BTreeSet;

use super::dns::pod_name;
use super::error::Problem;
use super::grammar::{option, word};
use super::row::{name_word, rows, type_word};
use super::text::Line;
use crate::cluster::Cluster;
use crate::dns::{
    Answered, Edns, Expected, Flag, QUESTION_ID, QueryLine, Question, QuestionEdns, Rcode, Serial,
    Transport, UDP_SIZE, class,
};

const SECTIONS: &str = "answer, authority, additional or ede, below a question";

/// The lines of a section `-- queries --`.
pub(super) fn queries(
    cluster: &Cluster,
    body: &[Line<'_>],
) -> Result<Vec<QueryLine>, (usize, Problem)> {
    let mut queries: Vec<QueryLine> = Vec::new();
    for line in body {
        let words: Vec<&str> = line.content().split_whitespace().collect();
        let Some((&first, rest)) = words.split_first() else { continue };
        let read = if line.is_indented() {
            match queries.last_mut() {
                None => Err(Problem::expected(SECTIONS, line.content())),
                Some(query) => part(query, first, rest),
            }
        } else {
            query(cluster, line.number, &words).map(|query| queries.push(query))
        };
        read.map_err(|problem| (line.number, problem))?;
    }
    Ok(queries)
}

/// A row below a question.
fn part(query: &mut QueryLine, first: &str, words: &[&str]) -> Result<(), Problem> {
    let Some(expected) = &mut query.expected else {
        return Err(Problem::expected("nothing below a question without a reply", first));
    };
    let answered = &mut expected.answered;
    let section = match first {
        "answer" => &mut answered.answer,
        "authority" => &mut answered.authority,
        "additional" => &mut answered.additional,
        "ede" => {
            let edns =
                answered.edns.as_mut().ok_or(Problem::Missing("edns, for an error in it"))?;
            let [code, text @ ..] = words else { return Err(Problem::Missing("the code")) };
            edns.errors.push((word(code, "a code")?, text.join(" ")));
            return Ok(());
        }
        first => return Err(Problem::expected(SECTIONS, first)),
    };
    section.extend(rows(&query.question.name, words)?);
    Ok(())
}

/// `NAME TYPE OPTIONS RCODE FLAGS`, or `no-reply` in place of the last.
fn query(cluster: &Cluster, line: usize, words: &[&str]) -> Result<QueryLine, Problem> {
    let is_end = |word: &&str| Rcode::from_name(word).is_some() || *word == "no-reply";
    let end = words.iter().position(is_end).ok_or_else(|| {
        Problem::expected("NAME TYPE OPTIONS RCODE, or no-reply", words.join(" "))
    })?;
    let (asked, replied) = words.split_at(end);
    let question = question(cluster, asked)?;
    let expected = match replied {
        ["no-reply"] => None,
        [rcode, flags @ ..] => {
            let rcode = Rcode::from_name(rcode).ok_or(Problem::Missing("the rcode"))?;
            Some(expected(cluster, &question, rcode, flags)?)
        }
        [] => return Err(Problem::Missing("the rcode")),
    };
    Ok(QueryLine { line, question, expected })
}

fn question(cluster: &Cluster, words: &[&str]) -> Result<Question, Problem> {
    let [name, kind, options @ ..] = words else {
        return Err(Problem::expected("NAME TYPE", words.join(" ")));
    };
    let mut question = Question::new(&name_word(name)?, &type_word(kind)?);
    let mut words = options.iter();
    while let Some(text) = words.next() {
        match *text {
            "from" => {
                let client = words.next().ok_or(Problem::Missing("who asks, after from"))?;
                question.client = match client.strip_prefix("pod/") {
                    None => word(client, "an address, or pod/NAMESPACE/NAME")?,
                    Some(pod) => pod_address(cluster, pod)?,
                };
            }
            "over" => match words.next() {
                Some(&"udp") => question.transport = Transport::Udp,
                Some(&"tcp") => question.transport = Transport::Tcp,
                _ => return Err(Problem::Missing("udp or tcp after over")),
            },
            "no-rd" => {
                question.flags.remove(&Flag::RecursionDesired);
            }
            "ad" => {
                question.flags.insert(Flag::AuthenticData);
            }
            "cd" => {
                question.flags.insert(Flag::CheckingDisabled);
            }
            "qr" => question.is_reply = true,
            "do" => edns(&mut question).dnssec_ok = true,
            text => question_option(&mut question, text)?,
        }
    }
    Ok(question)
}

fn pod_address(cluster: &Cluster, name: &str) -> Result<std::net::IpAddr, Problem> {
    let pod = cluster.pods.get(&pod_name(name)?);
    pod.and_then(|pod| pod.addresses.first().copied())
        .ok_or_else(|| Problem::NoSuch { kind: "pod with an address", name: name.to_owned() })
}

fn edns(question: &mut Question) -> &mut QuestionEdns {
    question.edns.get_or_insert(QuestionEdns {
        size: UDP_SIZE,
        version: 0,
        dnssec_ok: false,
        cookie: None,
    })
}

fn question_option(question: &mut Question, text: &str) -> Result<(), Problem> {
    const NUMBER: &str = "a number";
    let (key, value) = option(text)?;
    match key {
        "edns" => edns(question).size = word(value, "bytes")?,
        "edns-version" => edns(question).version = word(value, NUMBER)?,
        "cookie" => edns(question).cookie = Some(hex(value)?),
        "class" => {
            class(value).ok_or_else(|| Problem::expected("a class", value))?;
            value.clone_into(&mut question.class);
        }
        "opcode" => question.opcode = word(value, NUMBER)?,
        "questions" => question.counts.questions = word(value, NUMBER)?,
        "answers" => question.counts.answers = word(value, NUMBER)?,
        "authorities" => question.counts.authorities = word(value, NUMBER)?,
        "additionals" => question.counts.additionals = word(value, NUMBER)?,
        "serial" if value == "current" => question.serial = Some(Serial::Current),
        "serial" => question.serial = Some(Serial::Number(word(value, NUMBER)?)),
        _ => return Err(Problem::UnknownOption { of: "question", option: text.to_owned() }),
    }
    Ok(())
}

fn hex(text: &str) -> Result<Vec<u8>, Problem> {
    let octet = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let octets: Option<Vec<u8>> = (0..text.len()).step_by(2).map(octet).collect();
    octets.ok_or_else(|| Problem::expected("octets, two digits each", text))
}

/// What comes back when nothing is said of it, and then what is said.
fn expected(
    cluster: &Cluster,
    question: &Question,
    rcode: Rcode,
    words: &[&str],
) -> Result<Expected, Problem> {
    let mut expected =
        Expected { answered: usual(question, rcode), answers: None, additionals: None };
    let answered = &mut expected.answered;
    for text in words {
        match *text {
            "tc" => {
                answered.flags.insert(Flag::Truncated);
            }
            "ad" => {
                answered.flags.insert(Flag::AuthenticData);
            }
            "no-aa" => {
                answered.flags.remove(&Flag::Authoritative);
            }
            "no-ra" => {
                answered.flags.remove(&Flag::RecursionAvailable);
            }
            "soa" => answered.authority.push(cluster.dns.soa(&cluster.dns.domain)),
            text => match option(text)? {
                ("soa", zone) => answered.authority.push(cluster.dns.soa(&name_word(zone)?)),
                ("answers", count) => expected.answers = Some(word(count, "a number")?),
                ("additionals", count) => expected.additionals = Some(word(count, "a number")?),
                _ => return Err(Problem::UnknownOption { of: "reply", option: text.to_owned() }),
            },
        }
    }
    Ok(expected)
}

/// A reply from our own zone, without any record.
fn usual(question: &Question, rcode: Rcode) -> Answered {
    let copied = [Flag::RecursionDesired, Flag::CheckingDisabled];
    let flags = copied.into_iter().filter(|flag| question.flags.contains(flag));
    let own = [Flag::Authoritative, Flag::RecursionAvailable];
    Answered {
        id: QUESTION_ID,
        is_reply: true,
        opcode: question.opcode,
        rcode,
        flags: flags.chain(own).collect::<BTreeSet<Flag>>(),
        question: vec![format!("{} {} {}", question.name, question.class, question.kind)],
        answer: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        edns: question.edns.as_ref().map(|asked| Edns {
            size: UDP_SIZE,
            version: 0,
            dnssec_ok: asked.dnssec_ok,
            errors: Vec::new(),
            options: Vec::new(),
        }),
        size: 0,
    }
}
