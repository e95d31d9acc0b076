//! Rules against the texts of `tests/data/firewall`, which a person has read.

use super::*;
use crate::policy::Band;

fn profile(band: Band, nets: &[&str], macs: &[&str]) -> ProfileRules {
    ProfileRules {
        macs: macs.iter().map(|mac| Mac::parse(mac).unwrap()).collect(),
        nets: nets.iter().map(|net| net.parse().unwrap()).collect(),
        network: Network::default_for(band),
        block_encrypted_dns: band != Band::Adult,
        is_offline: false,
    }
}

fn rules(profiles: Vec<ProfileRules>) -> Rules {
    Rules {
        lan: vec!["br-lan".into(), "br-guest".into()],
        mark: 0x0800_0000,
        table: 19540,
        preference: 1090,
        http_port: 8180,
        tls_port: 8443,
        profiles,
        strangers: 0,
    }
}

/// Compares with the file; writes it when it does not exist yet, and fails then too, so that somebody reads it.
fn compare(name: &str, rules: &Rules) {
    let file = format!("{}/tests/data/firewall/{name}.nft", env!("CARGO_MANIFEST_DIR"));
    let found = rules.text();
    match std::fs::read_to_string(&file) {
        Ok(expected) => assert_eq!(found, expected, "{name}"),
        Err(_) => {
            std::fs::write(&file, found).unwrap();
            panic!("{file} was not there; read it");
        }
    }
}

#[test]
fn a_household_of_three() {
    let mut teen = profile(Band::Age13to15, &["192.168.1.4/32", "fd00::4/128"], &["02:00:00:00:00:04"]);
    teen.network.quic = Quic::Filter;
    teen.network.block_tunnels = true;
    let parent = profile(Band::Adult, &["192.168.1.0/24", "192.168.1.2/32", "fd00::/64"], &["02:00:00:00:00:02"]);
    compare("household", &rules(vec![profile(Band::Age6to9, &[], &[]), teen, parent]));
}

#[test]
fn closed_when_dead_and_offline_at_night() {
    let mut child = profile(Band::Age16to17, &[], &[]);
    child.network.when_dead = WhenDead::Closed;
    child.network.quic = Quic::Filter;
    child.is_offline = true;
    compare("closed", &rules(vec![child]));
}

#[test]
fn only_adults_leave_the_kernel_alone() {
    let text = rules(vec![profile(Band::Adult, &[], &[])]).text();
    assert!(!text.contains("tproxy") && !text.contains("reject") && !text.contains("drop"), "{text}");
}

#[test]
fn the_proxy_comes_before_the_mark_so_that_a_dead_program_lets_pass() {
    let text = rules(vec![profile(Band::Age10to12, &[], &[])]).text();
    let leading: Vec<&str> = text.lines().filter(|line| line.contains("tproxy")).collect();
    assert_eq!(leading.len(), 6, "{text}");
    assert!(leading.iter().all(|line| line.find("tproxy") < line.find("mark set") && line.ends_with("accept")));
}
