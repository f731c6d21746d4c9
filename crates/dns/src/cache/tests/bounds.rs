//! Does the cache stay within its bounds, and what goes first?

use super::*;

fn small() -> Settings {
    Settings { entries_max: 100, ..Settings::default() }
}

#[test]
fn there_are_never_more_entries_than_the_bound() {
    let (mut cache, now) = (Cache::new(small(), 5), start());
    for number in 0..1_000 {
        let dotted = format!("n{number}.example");
        put(&mut cache, &question(&dotted), &answer(&dotted, 60), now).unwrap();
        assert!(cache.view().entries().0 <= 100);
        // What just came is there.
        assert_eq!(seen(&cache, &question(&dotted), now), Some((Freshness::Fresh, Ok(vec![60]))));
    }
    let stats = cache.stats();
    let evictions = (stats.success_evictions, stats.denial_evictions);
    assert_eq!((cache.view().entries(), stats.insertions, evictions), ((100, 0), 1_000, (900, 0)));
}

#[test]
fn octets_are_bounded_too() {
    let settings = Settings { octets_max: 20_000, ..Settings::default() };
    let (mut cache, now) = (Cache::new(settings, 5), start());
    for number in 0..200 {
        let dotted = format!("n{number}.example");
        let large = answer(&dotted, 60).record(0, &name(&dotted), 16, 60, &[7; 3_000]);
        put(&mut cache, &question(&dotted), &large, now).unwrap();
        assert!(cache.stats().success_octets <= 20_000);
    }
    assert_eq!(cache.view().entries(), (6, 0));
}

#[test]
fn a_flood_of_names_that_do_not_exist_drives_out_no_answer() {
    let (mut cache, now, www) = (Cache::new(small(), 5), start(), question("www.example"));
    put(&mut cache, &www, &answer("www.example", 60), now).unwrap();
    for number in 0..1_000 {
        let dotted = format!("n{number}.example");
        let no = Written::answer_to(&name(&dotted), number::A).rcode(3).soa("example", 60, 60);
        put(&mut cache, &question(&dotted), &no, now).unwrap();
    }
    assert_eq!(cache.view().entries(), (1, 100));
    assert_eq!(seen(&cache, &www, now), Some((Freshness::Fresh, Ok(vec![60]))));
}

#[test]
fn what_ended_goes_before_what_holds_and_what_was_used_stays() {
    let (mut cache, now) = (Cache::new(small(), 5), start());
    for number in 0..100 {
        let dotted = format!("n{number}.example");
        let ttl = if number < 50 { 60 } else { 3_600 };
        put(&mut cache, &question(&dotted), &answer(&dotted, ttl), now).unwrap();
    }
    let later = now + seconds(61);
    for number in 0..40 {
        let dotted = format!("m{number}.example");
        put(&mut cache, &question(&dotted), &answer(&dotted, 60), later).unwrap();
    }
    // Eight are drawn of which, while ten are left, one at least is stale nearly always.
    let held =
        (50..100).filter(|it| seen(&cache, &question(&format!("n{it}.example")), later).is_some());
    assert_eq!(held.count(), 50);
}

#[test]
fn what_is_beyond_use_is_swept() {
    let (mut cache, now) =
        (Cache::new(Settings { stale: None, ..Settings::default() }, 5), start());
    for number in 0..1_000 {
        let dotted = format!("n{number}.example");
        let ttl = if number < 700 { 60 } else { 3_600 };
        put(&mut cache, &question(&dotted), &answer(&dotted, ttl), now).unwrap();
    }
    let later = now + seconds(60);
    let gone: usize = (0..5).map(|_| cache.sweep(later)).sum();
    assert_eq!((gone, cache.view().entries(), cache.stats().expirations), (700, (300, 0), 700));
}
