//! The cache against its budget, floods, and readers beside a writer.

use std::time::Duration;

use super::*;
use crate::config;
use crate::dns::record::Key;
use crate::name::Name;

fn limits() -> config::Cache {
    config::Cache {
        bytes_max: 1 << 20,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_secs(86_400),
        negative_ttl_max: Duration::from_secs(300),
        stale_max: Duration::from_secs(3600),
        prefetch: true,
    }
}

fn key(at: u64) -> Key {
    let name = Name::parse(&format!("n{at}.example")).unwrap();
    Key { name, rtype: 1, dnssec_ok: false, checking_disabled: false, without_ech: false }
}

/// An answer that tells which question it is for, and how often it is repeated.
fn entry(key: &Key, at: u64, records: u16) -> Entry {
    let mut message = vec![0, 1, 0x81, 0x80, 0, 1];
    message.extend_from_slice(&records.to_be_bytes());
    message.extend_from_slice(&[0, 0, 0, 0]);
    message.extend_from_slice(key.name.as_wire());
    message.extend_from_slice(&[0, 1, 0, 1]);
    for _ in 0..records {
        message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4]);
        message.extend_from_slice(&(at as u32).to_be_bytes());
    }
    Entry::new(&message, key.question(), 1000, &limits()).unwrap()
}

fn put(cache: &AnswerCache, at: u64) {
    let key = key(at);
    cache.insert(key.question(), &entry(&key, at, 1 + (at % 7) as u16));
}

/// Checks that what is found is whole and right.
fn holds(cache: &AnswerCache, at: u64, words: &mut Vec<u64>) -> bool {
    let key = key(at);
    let Some((answer, _)) = cache.get(key.question(), words) else { return false };
    let parts: Vec<_> = answer.parts().collect();
    assert_eq!(parts.len() as u64, 1 + at % 7);
    assert!(parts.iter().all(|part| *part == crate::judge::Part::Addr(std::net::Ipv4Addr::from(at as u32).into())));
    true
}

#[test]
fn what_was_put_in_is_found_until_it_is_pushed_out() {
    let (cache, mut words) = (AnswerCache::new(200_000), Vec::new());
    for at in 0..20_000 {
        put(&cache, at);
        assert!(holds(&cache, at, &mut words), "{at}");
        assert!(cache.bytes() <= 200_000, "{}", cache.bytes());
    }
    let held = (0..20_000).filter(|at| holds(&cache, *at, &mut words)).count();
    assert!(held > 800 && held <= cache.len(), "{held} of {}", cache.len());
    assert!(cache.bytes() > 190_000, "{} of 200000 in use", cache.bytes());
}

#[test]
fn a_newer_answer_takes_the_place_of_an_older_one() {
    let (cache, mut words) = (AnswerCache::new(100_000), Vec::new());
    let key = key(7);
    for records in 1..50 {
        cache.insert(key.question(), &entry(&key, 7, records));
        let (answer, _) = cache.get(key.question(), &mut words).unwrap();
        assert_eq!(answer.parts().count(), usize::from(records));
    }
    assert_eq!(cache.len(), 1);
}

#[test]
fn another_type_or_bit_is_another_question() {
    let (cache, mut words) = (AnswerCache::new(100_000), Vec::new());
    put(&cache, 1);
    let asked = key(1);
    for other in [
        Key { rtype: 28, ..asked.clone() },
        Key { dnssec_ok: true, ..asked.clone() },
        Key { checking_disabled: true, ..asked.clone() },
    ] {
        assert!(cache.get(other.question(), &mut words).is_none());
    }
    assert!(cache.get(asked.question(), &mut words).is_some());
}

#[test]
fn a_flood_of_names_asked_once_pushes_out_nothing_in_use() {
    let (cache, mut words) = (AnswerCache::new(400_000), Vec::new());
    for at in 0..500 {
        put(&cache, at);
        assert!(holds(&cache, at, &mut words));
    }
    for at in 1_000..200_000 {
        put(&cache, at);
    }
    let kept = (0..500).filter(|at| holds(&cache, *at, &mut words)).count();
    assert!(kept >= 495, "{kept} of 500 kept");
}

#[test]
fn what_is_used_outlives_what_is_not() {
    let (cache, mut words) = (AnswerCache::new(100_000), Vec::new());
    for at in 0..100_000_u64 {
        put(&cache, at);
        // All names are used once more, a few again and again.
        let _ = holds(&cache, at, &mut words);
        let _ = holds(&cache, at % 100, &mut words);
        if at % 100 == 0 && at > 1000 {
            let kept = (0..100).filter(|at| holds(&cache, *at, &mut words)).count();
            assert!(kept >= 90 || at < 3000, "{kept} of 100 at {at}");
        }
        if !holds(&cache, at % 100, &mut words) {
            put(&cache, at % 100);
        }
    }
}

#[test]
fn one_asker_refreshes() {
    let (cache, mut words) = (AnswerCache::new(100_000), Vec::new());
    put(&cache, 1);
    let key = key(1);
    let (_, mut filed) = cache.get(key.question(), &mut words).unwrap();
    assert_eq!(filed.hits(), 1);
    assert!(filed.refresh() && !filed.refresh());
    let (_, mut again) = cache.get(key.question(), &mut words).unwrap();
    assert!(again.hits() == 2 && !again.refresh());
    put(&cache, 1);
    assert!(
        cache.get(key.question(), &mut words).unwrap().1.refresh(),
        "the new answer may be asked again in its turn"
    );
}

#[test]
fn readers_beside_a_writer_never_see_half_a_record() {
    let cache = AnswerCache::new(60_000);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut words, mut found, mut at) = (Vec::new(), 0_u64, 0);
                    while !done.load(Ordering::Relaxed) {
                        found += u64::from(holds(&cache, at % 700, &mut words));
                        at += 1;
                    }
                    found
                })
            })
            .collect();
        for at in 0..300_000 {
            put(&cache, at % 700);
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 1000, "the readers were at work");
        }
    });
}

#[test]
fn what_is_past_its_time_is_wiped_and_the_rest_stays() {
    // The records of `put` were stored at 1000 and live 256 seconds.
    for (bytes, records) in [(400_000, 500), (100_000, 20_000)] {
        let (cache, mut words) = (AnswerCache::new(bytes), Vec::new());
        for at in 0..records {
            put(&cache, at);
            holds(&cache, at / 2, &mut words);
        }
        cache.wipe(1255, 0);
        let (held, number) = ((0..records).filter(|at| holds(&cache, *at, &mut words)).count(), cache.len());
        assert!(held > 100 && held <= number, "{held} of {number}");
        cache.wipe(1256 + 3599, 3600);
        assert_eq!((0..records).filter(|at| holds(&cache, *at, &mut words)).count(), held, "good when nothing else is");
        cache.wipe(1256 + 3600, 3600);
        assert_eq!((cache.len(), (0..records).filter(|at| holds(&cache, *at, &mut words)).count()), (0, 0));
        let names = cache.young.words.iter().chain(&cache.main.words).filter(|word| {
            let word = word.load(Ordering::Relaxed).to_ne_bytes();
            word.windows(4).any(|octets| octets == b"exam" || octets == b"mple")
        });
        assert_eq!(names.count(), 0);
        for at in 0..records {
            put(&cache, at);
            assert!(holds(&cache, at, &mut words), "{at}");
        }
    }
}

#[test]
fn what_was_replaced_or_pushed_out_is_wiped() {
    let cache = AnswerCache::new(100_000);
    let key = key(7);
    for records in 1..50 {
        cache.insert(key.question(), &entry(&key, 7, records));
    }
    cache.wipe(1000, 0);
    let pieces = |cache: &AnswerCache| {
        let words = cache.young.words.iter().chain(&cache.main.words);
        let octets: Vec<u8> = words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
        octets.windows(7).filter(|octets| *octets == b"example").count()
    };
    assert_eq!(pieces(&cache), 1, "the newest alone");
    for at in 0..20_000 {
        put(&cache, at);
    }
    // What left the index only is found by its place in a ring; what left a ring was wiped as it did.
    cache.wipe(1000, 0);
    assert_eq!(pieces(&cache), cache.len());
}

#[test]
fn what_leaves_a_ring_is_wiped_at_once() {
    let (cache, mut words) = (AnswerCache::new(100_000), Vec::new());
    put(&cache, 1);
    let head = cache.writer.lock().unwrap().young;
    let (_, place) = cache.young.give_up_oldest(head, &mut words).unwrap();
    let at = cache.young.offset(place);
    let left = cache.young.words[at + 2..at + words.len()].iter().filter(|word| word.load(Ordering::Relaxed) != 0);
    assert_eq!(left.count(), 0);
}

#[test]
fn readers_beside_the_wiper_never_see_half_a_record() {
    let cache = AnswerCache::new(60_000);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = || {
            let (mut words, mut found, mut at) = (Vec::new(), 0_u64, 0);
            while !done.load(Ordering::Relaxed) {
                found += u64::from(holds(&cache, at % 50, &mut words));
                at += 1;
            }
            found
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        for round in 0..4_000 {
            (0..50).for_each(|at| put(&cache, at));
            cache.wipe(if round % 2 == 0 { 5000 } else { 1000 }, 0);
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 1000, "the readers were at work");
        }
    });
}

#[test]
fn what_is_too_long_is_not_kept_and_tiny_budgets_work() {
    let (cache, mut words) = (AnswerCache::new(0), Vec::new());
    for at in 0..1_000 {
        put(&cache, at);
    }
    assert!(cache.len() > 10);
    let key = key(5_000);
    cache.insert(key.question(), &entry(&key, 5_000, 2_000));
    assert!(cache.get(key.question(), &mut words).is_none());
}
