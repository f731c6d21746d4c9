//! Which answers are kept, and for how long?

use super::*;

/// How long it is kept, in seconds, when it is.
#[track_caller]
fn expect(question: &Question, message: &Written, expected: Result<(Kept, u64), NotKept>) {
    let now = start();
    let settings = Settings { stale: None, ..Settings::default() };
    let mut cache = Cache::new(settings, 1);
    let kept = put(&mut cache, question, message, now).map(|kept| {
        let is_there = |s: &u64| seen(&cache, question, now + seconds(*s)).is_some();
        (kept, (0..90_000).take_while(is_there).count() as u64)
    });
    assert_eq!(kept, expected);
}

fn to(dotted: &str) -> Written {
    Written::answer_to(&name(dotted), number::A)
}

#[test]
fn records_are_kept_for_the_least_of_their_ttls() {
    let message = answer("www.example", 300).a("www.example", 200).soa("example", 9, 9);
    expect(&question("www.example"), &message, Ok((Kept::Success, 200)));
}

#[test]
fn lives_are_bounded_on_both_sides() {
    let www = question("www.example");
    expect(&www, &answer("www.example", 0), Ok((Kept::Success, 5)));
    expect(&www, &answer("www.example", 86_400), Ok((Kept::Success, 3_600)));
    expect(&www, &answer("www.example", 0x8000_0001), Ok((Kept::Success, 5)));
    let denial = to("www.example").rcode(3).soa("example", 86_400, 86_400);
    expect(&www, &denial, Ok((Kept::Denial, 1_800)));
}

#[test]
fn a_no_is_kept_for_the_lesser_of_the_two_numbers_of_its_soa() {
    let www = question("www.example");
    expect(&www, &to("www.example").rcode(3).soa("example", 60, 30), Ok((Kept::Denial, 30)));
    expect(&www, &to("www.example").rcode(3).soa("example", 30, 60), Ok((Kept::Denial, 30)));
    expect(&www, &to("www.example").soa("example", 60, 30), Ok((Kept::Denial, 30)));
}

#[test]
fn a_no_at_the_end_of_a_chain_is_no_longer_kept_than_the_chain() {
    let message = to("www.example").cname("www.example", 20, "b.test").soa("test", 60, 60);
    expect(&question("www.example"), &message, Ok((Kept::Denial, 20)));
    expect(&question("www.example"), &message.rcode(3), Ok((Kept::Denial, 20)));
}

#[test]
fn a_chain_without_end_is_kept_as_far_as_it_goes() {
    let message = to("www.example").cname("www.example", 20, "b.test");
    expect(&question("www.example"), &message, Ok((Kept::Success, 20)));
}

#[test]
fn a_no_without_a_soa_of_its_zone_is_not_kept() {
    let www = question("www.example");
    expect(&www, &to("www.example").rcode(3), Err(NotKept::NoSoa));
    expect(&www, &to("www.example"), Err(NotKept::NoSoa));
    expect(&www, &to("www.example").rcode(3).soa("other", 60, 60), Err(NotKept::NoSoa));
}

#[test]
fn what_is_truncated_is_not_kept() {
    let mut message = answer("www.example", 60);
    message.flags |= 0x0200;
    expect(&question("www.example"), &message, Err(NotKept::Truncated));
}

#[test]
fn an_answer_to_another_question_is_not_kept() {
    let message = answer("www.example", 60);
    let other_type = Question::new(&name("www.example"), 28);
    let mut other_class = question("www.example");
    other_class.class = 3;
    for question in [question("ww.example"), other_type, other_class] {
        expect(&question, &message, Err(NotKept::OtherQuestion));
    }
    let mut query = message;
    query.flags &= 0x7fff;
    expect(&question("www.example"), &query, Err(NotKept::OtherQuestion));
}

#[test]
fn records_about_other_names_are_not_kept() {
    let message = to("www.example").a("victim.example", 60);
    expect(&question("www.example"), &message, Err(NotKept::OtherNames));
    let redirected = to("www.example").record(0, &name("example"), 39, 60, &name("test"));
    let redirected = redirected.a("www.test", 60);
    expect(&question("www.example"), &redirected, Ok((Kept::Success, 60)));
}

#[test]
fn an_rcode_of_failure_is_not_kept_as_an_answer() {
    let message = to("www.example").rcode(2).soa("example", 60, 60);
    expect(&question("www.example"), &message, Err(NotKept::Rcode(2)));
}

#[test]
fn opt_and_what_follows_it_is_not_given_on() {
    let message = answer("a.example", 60).record(2, &name("ns.example"), number::A, 50, &[1; 4]);
    let received_bytes = message.clone().opt(0).record(2, &name("k"), 250, 0, &[9; 9]).bytes(5);
    let reply = Reply::new(&Received::parse(&received_bytes).unwrap());
    assert_eq!((&**reply.bytes(), reply.rcode()), (&*message.bytes(0), 0));
}
