//! Are rewrites understood whole, or not at all?

use super::*;

fn name(from: NameMatch, to: &str, answers: Vec<AnswerChange>) -> Change {
    Change::Name { from, to: to.into(), answers }
}

#[track_caller]
fn expect(rule: &str, continues: bool, change: Change) {
    let corefile = understood(&format!(". {{\nrewrite {rule}\n}}\n"));
    let expected = Rewrite { change, continues, origin: at(2) };
    assert_eq!(corefile.blocks[0].config.rewrites, [expected], "{rule}");
}

#[track_caller]
fn ignored(rule: &str, why: &str) {
    let (corefile, notices) = corefile(&format!(". {{\nrewrite {rule}\n}}\n"));
    assert_eq!(lines(&notices), [format!("Corefile:2: rewrite: {rule:?} {why}")]);
    assert_eq!(corefile.blocks[0].config.rewrites, []);
}

#[test]
fn names_are_matched_in_five_ways() {
    let exact = NameMatch::Exact("a.example".into());
    expect(
        "name A.example. b.example.",
        false,
        name(exact.clone(), "b.example", vec![AnswerChange::Auto]),
    );
    let auto = || vec![AnswerChange::Auto];
    expect("stop name exact a.example b.example", false, name(exact, "b.example", auto()));
    let exact = NameMatch::Exact("regex".into());
    expect("name regex b.example", false, name(exact, "b.example", auto()));
    let prefix = NameMatch::Prefix("ftp-".into());
    expect("continue name prefix ftp- www-", true, name(prefix, "www-", Vec::new()));
    let suffix = NameMatch::Suffix(".a.example".into());
    expect(
        "name suffix .a.example. .b.example. answer auto",
        false,
        name(suffix, ".b.example", auto()),
    );
    let substring = NameMatch::Substring("us-west".into());
    expect("name substring us-west eu", false, name(substring, "eu", Vec::new()));
    let regex = NameMatch::Regex(r"(.*)-(us)\.Example\.org".into());
    expect(
        r"name regex (.*)-(us)\.Example\.org {1}.svc.{2}",
        false,
        name(regex, "{1}.svc.{2}", Vec::new()),
    );
}

#[test]
fn answers_are_changed_back_on_one_line_or_in_braces() {
    let change = || {
        let answer = AnswerChange::Name { pattern: r"(.*)\.b".into(), to: "{1}.a".into() };
        let value = AnswerChange::Value { pattern: r"(.*)\.c".into(), to: "{1}.a".into() };
        name(NameMatch::Regex(r"(.*)\.a".into()), "{1}.b", vec![answer, value])
    };
    let line = r"name regex (.*)\.a {1}.b answer name (.*)\.b {1}.a answer value (.*)\.c {1}.a";
    expect(line, false, change());
    let braces = "continue {\nname regex (.*)\\.a {1}.b\nanswer name (.*)\\.b {1}.a\n\
                  answer value (.*)\\.c {1}.a\n}";
    expect(braces, true, change());
}

#[test]
fn types_classes_and_ttls_are_changed() {
    expect("type ANY HINFO", false, Change::Type { from: 255, to: 13 });
    expect("type type65400 aaaa", false, Change::Type { from: 65400, to: 28 });
    expect("continue class CH IN", true, Change::Class { from: 3, to: 1 });
    let ttl = |min, max| Change::Ttl { from: NameMatch::Exact("a".into()), min, max };
    expect("ttl a 30", false, ttl(30, 30));
    expect("ttl exact a 5-30", false, ttl(5, 30));
    expect("ttl a 5-", false, ttl(5, u32::MAX));
    expect("ttl a -30", false, ttl(0, 30));
}

#[test]
fn half_a_rule_is_none() {
    let unknown = "is not understood, ignored: questions and answers stay as they are";
    ignored("edns0 local set 0xffee abcd", unknown);
    ignored("rcode a NXDOMAIN NOERROR", unknown);
    ignored("type A", unknown);
    ignored("name a", "wants a name and its replacement, ignored");
    ignored("name a..b c", "wants a name, ignored");
    ignored("name a b more", "has more than a name rule and its answer rules, ignored");
    ignored("type A WHAT", "wants a type like AAAA twice, ignored");
    ignored("class IN OUT", "wants a class like CH twice, ignored");
    ignored("ttl a", "wants a name and a TTL, ignored");
    ignored("ttl a soon", "wants seconds like 30 or 5-30, ignored");
    ignored("ttl a 30-5", "wants seconds like 30 or 5-30, ignored");
    let answers = " answer auto".repeat(17);
    let (_, notices) = corefile(&format!(". {{\nrewrite name a b{answers}\n}}\n"));
    let message = format!("{:?}", format!("name a b{}", &answers[..72]) + "…");
    let expected = format!("Corefile:2: rewrite: {message} has more than 16 answer rules, ignored");
    assert_eq!(lines(&notices), [expected]);
}

#[test]
fn a_pattern_is_judged_when_it_is_read() {
    let why = "has a pattern that is wrong, ignored: found closing ')' without matching '('";
    ignored("name regex a) b", why);
    let wide = "has a pattern that is wrong, ignored: ";
    let (_, notices) = corefile(". {\nrewrite name regex (a{1000}){1000} b\n}\n");
    let told = "Corefile:2: rewrite: \"name regex (a{1000}){1000} b\" ";
    assert_eq!(lines(&notices), [format!("{told}{wide}compiled regex exceeded size limit")]);
    let (_, notices) = corefile(&format!(". {{\nrewrite name regex {} b\n}}\n", "a".repeat(1025)));
    let message = format!("{:?}", format!("name regex {}…", "a".repeat(69)));
    let expected = format!("Corefile:2: rewrite: {message} {wide}longer than 1024 bytes");
    assert_eq!(lines(&notices), [expected]);
}
