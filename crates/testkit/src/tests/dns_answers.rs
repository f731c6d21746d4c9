//! Is an answer of the DNS that is not as the scenario says told, and one that is not?

use std::path::Path;

use crate::dns::{Answered, Flag, Question, Reply, follow};
use crate::scenario::ParseError;
use crate::{Failure, Scenario};

const CLUSTER: &str = "goal: a Service has a name

-- cluster --
service shop/web cluster=10.96.0.10
  port http 80/TCP -> 8080

-- queries --
";

fn parse(queries: &str) -> Result<Scenario, ParseError> {
    Scenario::parse(Path::new("web.txt"), &format!("{CLUSTER}{queries}"))
}

/// Answers as the lines say, but for what `change` makes of it; shows the disagreements.
fn disagreements(queries: &str, change: &dyn Fn(&Question, Reply) -> Reply) -> String {
    let scenario = parse(queries).unwrap();
    let expected = |question: &Question| {
        let mut lines = scenario.steps.iter().flat_map(|step| &step.queries);
        let line = lines.find(|line| line.question.name == question.name);
        let expected = line.and_then(|line| line.expected.as_ref());
        expected.map_or(Reply::Nothing, |it| Reply::Message(Box::new(it.answered.clone())))
    };
    let followed = follow(&scenario, &mut |step| {
        step.check("server", &mut |question| change(question, expected(question)))
    });
    match followed {
        Ok(checked) => format!("{} questions answered", checked.queries),
        Err(Failure::Disagreements(found)) => {
            found.iter().map(|it| format!("{it}\n")).collect::<String>()
        }
        Err(other) => other.to_string(),
    }
}

/// Changes the message of an answer.
fn edited(edit: impl Fn(&mut Answered)) -> impl Fn(&Question, Reply) -> Reply {
    move |_, reply| match reply {
        Reply::Message(mut answered) => {
            edit(&mut answered);
            Reply::Message(answered)
        }
        other @ (Reply::Nothing | Reply::Malformed(_)) => other,
    }
}

const ALIAS: &str = "web.shop A NOERROR
  answer @     5 CNAME b.shop
  answer b.shop 5 A 10.0.0.1
  answer b.shop 5 A 10.0.0.2
  authority shop 5 SOA ns.shop h.shop * 1 2 3 4
";

#[test]
fn an_answer_as_the_lines_say_agrees_in_any_order_of_a_set() {
    let swapped = edited(|answered| answered.answer.swap(1, 2));
    assert_eq!(disagreements(ALIAS, &swapped), "1 questions answered");
}

#[test]
fn a_serial_may_be_any() {
    let numbered = edited(|answered| {
        answered.authority = vec!["shop 5 SOA ns.shop h.shop 77 1 2 3 4".to_owned()];
    });
    assert_eq!(disagreements(ALIAS, &numbered), "1 questions answered");
}

#[test]
fn an_alias_after_its_target_is_told_with_both_answers_whole() {
    let swapped = edited(|answered| answered.answer.swap(0, 1));
    let expected = "\
web.txt:8: server: web.shop A
    expected  NOERROR aa rd ra id=28783
      question    web.shop IN A
      answer      web.shop 5 CNAME b.shop
      answer      b.shop 5 A 10.0.0.1
      answer      b.shop 5 A 10.0.0.2
      authority   shop 5 SOA ns.shop h.shop * 1 2 3 4
    found     NOERROR aa rd ra id=28783
      question    web.shop IN A
      answer      b.shop 5 A 10.0.0.1
      answer      web.shop 5 CNAME b.shop
      answer      b.shop 5 A 10.0.0.2
      authority   shop 5 SOA ns.shop h.shop * 1 2 3 4
";
    assert_eq!(disagreements(ALIAS, &swapped), expected);
}

#[test]
fn every_part_of_a_message_is_compared() {
    let edits: [&dyn Fn(&mut Answered); 8] = [
        &|answered| answered.id += 1,
        &|answered| answered.is_reply = false,
        &|answered| answered.opcode = 1,
        &|answered| answered.rcode.0 = 3,
        &|answered| {
            answered.flags.insert(Flag::AuthenticData);
        },
        &|answered| answered.question.clear(),
        &|answered| answered.additional.push("b.shop 5 A 10.0.0.1".to_owned()),
        &|answered| answered.edns = None,
    ];
    let queries = "web.shop A edns=1232 NOERROR\n";
    for (number, edit) in edits.into_iter().enumerate() {
        let found = disagreements(queries, &edited(edit));
        assert_ne!(found, "1 questions answered", "edit {number}");
    }
}

#[test]
fn a_reply_where_none_may_come_and_none_where_one_must_are_told() {
    let swapped = |question: &Question, reply: Reply| match reply {
        Reply::Nothing => Reply::Malformed(format!("{} is known", question.name)),
        Reply::Malformed(_) | Reply::Message(_) => Reply::Nothing,
    };
    let expected = "\
web.txt:8: server: web.shop A
    expected  no reply
    found     malformed: web.shop is known
web.txt:9: server: api.shop A
    expected  REFUSED rd ra id=28783
      question    api.shop IN A
    found     no reply
";
    let queries = "web.shop A qr no-reply\napi.shop A REFUSED no-aa\n";
    assert_eq!(disagreements(queries, &swapped), expected);
}

const SOME: &str = "web.shop A edns=512 NOERROR tc answers=2
  answer @ 5 A 10.0.0.1-10.0.0.4
";

#[test]
fn of_a_truncated_answer_any_rows_will_do_but_so_many() {
    let kept = |rows: &'static [usize]| {
        edited(move |answered| {
            answered.answer = rows.iter().map(|at| answered.answer[*at].clone()).collect();
        })
    };
    assert_eq!(disagreements(SOME, &kept(&[1, 3])), "1 questions answered");
    assert_eq!(disagreements(SOME, &kept(&[3, 0])), "1 questions answered");
    for wrong in [&[1, 1][..], &[0, 1, 2]] {
        assert_ne!(disagreements(SOME, &kept(wrong)), "1 questions answered", "{wrong:?}");
    }
    let expected = "\
web.txt:8: server: web.shop A edns=512
    expected  NOERROR aa tc rd ra edns=1232 id=28783
      question    web.shop IN A
      answer      web.shop 5 A 10.0.0.1
      answer      web.shop 5 A 10.0.0.2
      answer      web.shop 5 A 10.0.0.3
      answer      web.shop 5 A 10.0.0.4
      any 2 rows of answer
    found     NOERROR aa tc rd ra edns=1232 id=28783
      question    web.shop IN A
      answer      web.shop 5 A 10.0.0.2
";
    assert_eq!(disagreements(SOME, &kept(&[1])), expected);
}

#[test]
fn a_message_that_the_client_cannot_take_is_told() {
    let large = edited(|answered| answered.size = 513);
    let expected = "\
web.txt:8: server: web.shop A edns=512
    expected  REFUSED rd ra edns=1232 id=28783
      question    web.shop IN A
    found     REFUSED rd ra edns=1232 id=28783
      question    web.shop IN A
      of 513 bytes, where 512 fit
";
    assert_eq!(disagreements("web.shop A edns=512 REFUSED no-aa\n", &large), expected);
}

#[test]
fn an_error_without_a_text_stands_for_any_text() {
    let worded = edited(|answered| {
        answered.edns.iter_mut().flat_map(|edns| &mut edns.errors).for_each(|it| it.1 = "x".into());
    });
    let any = "web.shop A edns=512 SERVFAIL no-aa\n  ede 22\n";
    assert_eq!(disagreements(any, &worded), "1 questions answered");
    let other = "web.shop A edns=512 SERVFAIL no-aa\n  ede 22 no answer from 10.0.0.1\n";
    assert_ne!(disagreements(other, &worded), "1 questions answered");
}

#[test]
fn a_wrong_line_of_queries_is_named() {
    let cases = [
        ("web.shop A", "expected NAME TYPE OPTIONS RCODE, or no-reply: \"web.shop A\""),
        ("web.shop NOERROR", "expected NAME TYPE: \"web.shop\""),
        ("web..shop A NOERROR", "expected a name: \"web..shop\""),
        ("web.shop ADDRESS NOERROR", "expected a type of records: \"ADDRESS\""),
        ("web.shop A colour=red NOERROR", "unknown option of a question: \"colour=red\""),
        ("web.shop A NOERROR colour=red", "unknown option of a reply: \"colour=red\""),
        ("web.shop A from pod/shop/x NOERROR", "no such pod with an address: shop/x"),
        ("web.shop A over sctp NOERROR", "missing udp or tcp after over"),
        ("web.shop A cookie=0 NOERROR", "expected octets, two digits each: \"0\""),
        (
            "  answer @ 5 A 10.0.0.1",
            "expected answer, authority, additional or ede, below a question: \"answer @ 5 A 10.0.0.1\"",
        ),
    ];
    for (line, expected) in cases {
        let found = parse(&format!("{line}\n")).map_err(|error| error.to_string());
        assert_eq!(found, Err(format!("web.txt:8: {expected}")));
    }
}

#[test]
fn a_wrong_row_of_an_answer_is_named() {
    let form = "expected NAME TTL TYPE DATA";
    let cases = [
        ("answer @ 5 A", format!("{form}: \"web.shop 5 A\"")),
        ("answer @ 5 A fd00::1", format!("{form}: \"web.shop 5 A fd00::1\"")),
        ("answer @ 5 SRV 0 100 web.shop", format!("{form}: \"web.shop 5 SRV 0 100 web.shop\"")),
        (
            "answer @ 5 A 10.0.0.9-10.0.0.1",
            "expected a range of 1 to 1000 addresses of one family: \"10.0.0.9-10.0.0.1\""
                .to_owned(),
        ),
        ("ede 22", "missing edns, for an error in it".to_owned()),
        (
            "glue @ 5 A 10.0.0.1",
            "expected answer, authority, additional or ede, below a question: \"glue\"".to_owned(),
        ),
    ];
    for (line, expected) in cases {
        let found = parse(&format!("web.shop A NOERROR\n  {line}\n")).map_err(|it| it.to_string());
        assert_eq!(found, Err(format!("web.txt:9: {expected}")));
    }
}

#[test]
fn a_wrong_line_about_the_dns_is_named() {
    let cases = [
        ("dns colour=red", "unknown option of a dns: \"colour=red\""),
        ("dns pods=maybe", "expected disabled, insecure or verified: \"maybe\""),
        ("upstream a.b A NOERROR", "expected upstream NAME TYPE -> REPLY: \"a.b A NOERROR\""),
        ("upstream a.b A -> FINE", "expected an rcode: \"FINE\""),
        ("namespace shop colour=red", "unknown option of a namespace: \"colour=red\""),
        ("pod web addr=10.0.0.1 on a", "expected NAMESPACE/NAME: \"web\""),
        ("import shop/web kind=x", "unknown option of a import: \"kind=x\""),
    ];
    for (line, expected) in cases {
        let text = format!("goal: a line\n\n-- cluster --\n{line}\n");
        let found = Scenario::parse(Path::new("web.txt"), &text).map_err(|it| it.to_string());
        assert_eq!(found, Err(format!("web.txt:4: {expected}")));
    }
}
