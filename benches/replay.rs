//! A fixed load through the door without a network: 10,000 questions, 30 % refused, 70 % answered from the cache. Counted
//! by `benches/instructions`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark may end so")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use arrayvec::ArrayVec;
use luytre::app;
use luytre::classify::Engine;
use luytre::clock::now_secs;
use luytre::config::Config;
use luytre::dns::pipeline::{Door, Scratch, Step, Transport};
use luytre::dns::record::{Entry, Key};
use luytre::dns::resolver::Resolver;
use luytre::identity::ClientAddr;
use luytre::judge::Judge;
use luytre::lists::data::Builtin;
use luytre::lists::inputs::{inputs, load};
use luytre::name::Name;
use luytre::telemetry::metrics::Metrics;

const QUESTIONS: usize = 10_000;
const LISTED: usize = 1_000;
const POPULAR: usize = 2_000;
/// As many as a worker looks ahead.
const BATCH: usize = 8;

fn packet(name: &str) -> Vec<u8> {
    let mut packet = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend_from_slice(Name::parse(name).unwrap().as_wire());
    packet.extend_from_slice(&[0, 1, 0, 1]);
    packet
}

fn answer(name: &str) -> Vec<u8> {
    let mut message = packet(name);
    (message[2], message[3], message[7]) = (0x81, 0x80, 1);
    message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4, 203, 0, 113, 7]);
    message
}

fn main() {
    let rounds: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    let folder = tempfile::tempdir().unwrap();
    let list: String = (0..LISTED).map(|at| format!("n{at}.listed.net\n")).collect();
    std::fs::write(folder.path().join("list.txt"), list).unwrap();
    let config = folder.path().join("config.toml");
    let text = "version = 1\nstate_dir = \"none\"\n[dns]\nlisten = [\"127.0.0.1:5353\"]\n[dns.upstream]\n\
                servers = [\"udp://127.0.0.1:9\"]\n[[list]]\nname = \"list\"\nsource = \"file:list.txt\"\nformat = \"domains\"\n\
                plain = \"suffix\"\ncategories = [\"gambling\"]\n[[profile]]\nname = \"child\"\nband = \"13-15\"\n\
                [defaults]\nprofile = \"child\"\n";
    std::fs::write(&config, text).unwrap();
    let builtin = Builtin::read().unwrap();
    let config = Config::load(Some(&config), &builtin.vocabulary()).unwrap();
    let bundle = load(&inputs(&config, &builtin, None).0, &builtin, None, &mut |_, _| {}).unwrap();
    let judge = Arc::new(Judge::new(app::snapshot(&config, Engine::new(bundle), &builtin, now_secs())));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let resolver = || Arc::new(Resolver::new(&config.dns, 4 << 20, runtime.handle().clone()));
    let common = resolver();
    let popular: Vec<String> = (0..POPULAR).map(|at| format!("www.site{at}.net")).collect();
    for name in &popular {
        let key = Key {
            name: Name::parse(name).unwrap(),
            rtype: 1,
            dnssec_ok: false,
            checking_disabled: false,
            without_ech: false,
        };
        let entry = Entry::new(&answer(name), key.question(), now_secs(), &config.dns.cache).unwrap();
        common.cache().insert(key.question(), &entry);
    }
    let door = Door::new(judge, common, resolver(), None, None, &config.dns);
    let packets: Vec<Vec<u8>> = (0..QUESTIONS)
        .map(|at| {
            let turn = at.wrapping_mul(7919);
            if at % 10 < 3 {
                packet(&format!("n{}.listed.net", turn % LISTED))
            } else {
                packet(&popular[turn % POPULAR])
            }
        })
        .collect();
    let metrics = Metrics::new();
    let (counters, mut scratch, context) = (metrics.thread(), Scratch::default(), door.context());
    let client = ClientAddr::from(IpAddr::from(Ipv4Addr::LOCALHOST));
    let mut answered = 0;
    for _ in 0..rounds {
        for batch in packets.chunks(BATCH) {
            let foreseen: ArrayVec<_, BATCH> = batch.iter().map(|packet| door.foresee(&context, packet)).collect();
            foreseen.iter().for_each(|foreseen| door.foresee_record(foreseen));
            for foreseen in &foreseen {
                let step = door.answer(&context, foreseen, client.into(), Transport::Udp, &counters, &mut scratch);
                answered += usize::from(matches!(step, Step::Reply));
            }
        }
    }
    // A question that had to be looked up would make the count meaningless.
    assert_eq!(answered, rounds * QUESTIONS);
    println!("{answered} answered");
}
