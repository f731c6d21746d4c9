//! What does an entry go through, from fresh to gone?

use super::*;

#[test]
fn ttls_become_less_and_the_answer_ends() {
    let (mut cache, now, www) = (
        Cache::new(Settings { stale: None, ..Settings::default() }, 1),
        start(),
        question("www.example"),
    );
    let message = answer("www.example", 300).a("www.example", 100);
    assert_eq!(put(&mut cache, &www, &message, now), Ok(Kept::Success));
    let at = |s| seen(&cache, &www, now + seconds(s));
    assert_eq!(at(0), Some((Freshness::Fresh, Ok(vec![100, 100]))));
    assert_eq!(at(40), Some((Freshness::Fresh, Ok(vec![60, 60]))));
    assert_eq!(at(100), None);
}

#[test]
fn an_ended_answer_is_stale_for_a_day_with_a_ttl_of_thirty() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    put(&mut cache, &www, &answer("www.example", 100), now).unwrap();
    let at = |s| seen(&cache, &www, now + seconds(s));
    assert_eq!(at(100), Some((Freshness::Stale, Ok(vec![30]))));
    assert_eq!(at(100 + 86_399), Some((Freshness::Stale, Ok(vec![30]))));
    assert_eq!(at(100 + 86_400), None);
}

#[test]
fn after_a_failure_a_stale_answer_is_given_for_thirty_seconds_without_asking() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    put(&mut cache, &www, &answer("www.example", 100), now).unwrap();
    cache.insert_failure(&www, failure(), now + seconds(200));
    let at = |s| seen(&cache, &www, now + seconds(s));
    assert_eq!(at(200), Some((Freshness::StaleAfterFailure, Ok(vec![30]))));
    assert_eq!(at(229), Some((Freshness::StaleAfterFailure, Ok(vec![30]))));
    assert_eq!(at(230), Some((Freshness::Stale, Ok(vec![30]))));
}

#[test]
fn a_failure_is_remembered_for_five_seconds_and_never_stale() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    cache.insert_failure(&www, failure(), now);
    let at = |s| seen(&cache, &www, now + seconds(s));
    assert_eq!(at(4), Some((Freshness::Fresh, Err(failure()))));
    assert_eq!(at(5), None);
}

#[test]
fn a_failure_does_not_drive_out_an_answer_that_holds() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    put(&mut cache, &www, &answer("www.example", 100), now).unwrap();
    cache.insert_failure(&www, failure(), now + seconds(1));
    assert_eq!(seen(&cache, &www, now + seconds(2)), Some((Freshness::Fresh, Ok(vec![98]))));
}

#[test]
fn one_reader_is_told_to_ask_again_when_a_used_answer_is_about_to_end() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    put(&mut cache, &www, &answer("www.example", 100), now).unwrap();
    let at = |s| seen(&cache, &www, now + seconds(s)).map(|(freshness, _)| freshness);
    // The first hit alone does not make it worth it.
    assert_eq!(at(95), Some(Freshness::Fresh));
    assert_eq!(at(89), Some(Freshness::Fresh));
    assert_eq!(at(90), Some(Freshness::Ending));
    assert_eq!(at(90), Some(Freshness::Fresh));
}

#[test]
fn yes_and_no_take_each_others_place() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    let no = Written::answer_to(&name("www.example"), number::A).rcode(3).soa("example", 60, 60);
    put(&mut cache, &www, &answer("www.example", 100), now).unwrap();
    assert_eq!(cache.view().entries(), (1, 0));
    put(&mut cache, &www, &no, now).unwrap();
    assert_eq!(cache.view().entries(), (0, 1));
    put(&mut cache, &www, &answer("www.example", 50), now).unwrap();
    assert_eq!(cache.view().entries(), (1, 0));
}

#[test]
fn answers_with_and_without_signatures_are_apart() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    let (mut signed, mut unchecked) = (www.clone(), www.clone());
    signed.dnssec_ok = true;
    unchecked.checking_disabled = true;
    put(&mut cache, &www, &answer("www.example", 10), now).unwrap();
    put(&mut cache, &signed, &answer("www.example", 20), now).unwrap();
    let ttls = [www, signed, unchecked].map(|it| seen(&cache, &it, now));
    let fresh = |ttl| Some((Freshness::Fresh, Ok(vec![ttl])));
    assert_eq!(ttls, [fresh(10), fresh(20), None]);
}

#[test]
fn a_view_is_read_by_many_at_once() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    put(&mut cache, &www, &answer("www.example", 100), now).unwrap();
    let view = cache.view();
    let ending = std::thread::scope(|scope| {
        let reader = || {
            let lookup = || view.lookup(www.name(), 1, 1, false, false, now + seconds(95));
            let hits = (0..1_000).filter_map(|_| lookup());
            hits.filter(|hit| hit.freshness == Freshness::Ending).count()
        };
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(reader)).collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).sum::<usize>()
    });
    assert_eq!(ending, 1);
}

#[test]
fn a_view_does_not_change() {
    let (mut cache, now, www) =
        (Cache::new(Settings::default(), 1), start(), question("www.example"));
    let before = cache.view();
    put(&mut cache, &www, &answer("www.example", 10), now).unwrap();
    let between = cache.view();
    cache.purge(&[0]);
    assert_eq!(
        [before.entries(), between.entries(), cache.view().entries()],
        [(0, 0), (1, 0), (0, 0)]
    );
}

#[test]
fn a_no_is_purged_by_the_end_of_its_name() {
    let (mut cache, now) = (Cache::new(Settings::default(), 1), start());
    for dotted in ["a.shop.test", "shop.test", "a-shop.test", "other.test"] {
        let no = Written::answer_to(&name(dotted), number::A).rcode(3).soa("test", 60, 60);
        put(&mut cache, &question(dotted), &no, now).unwrap();
    }
    put(&mut cache, &question("b.shop.test"), &answer("b.shop.test", 60), now).unwrap();
    assert_eq!(cache.purge_denials(&name("shop.test")), 2);
    assert_eq!(cache.view().entries(), (1, 2));
    assert_eq!(cache.purge(&name("test")), 3);
    let stats = cache.stats();
    assert_eq!((stats.success_octets, stats.denial_octets), (0, 0));
}
