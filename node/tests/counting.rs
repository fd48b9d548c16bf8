//! Do tallies, totals and windows come to the same, whatever the order and the split?
//!
//! Role  Rows for the rules of bursts and storms; walks that shuffle and split the sample.

mod common;

use common::Random;
use foundation_node::log::tally::TOP;
use foundation_node::log::{
    Burst, Finding, Findings, Minutes, Report, Run, Storm, Tally, Totals, Windows, parse,
};

const SAMPLE: &[u8] = include_bytes!("../data/access.log");

fn found(requests: &[(i64, u16)]) -> Findings {
    let mut windows = Windows::default();
    requests
        .iter()
        .for_each(|&(epoch, status)| windows.note(0, epoch, status));
    let mut findings = Findings::default();
    windows.list(0, b"me", &mut findings);
    findings.sort();
    findings
}

#[test]
fn bursts() {
    fn check(epochs: impl Iterator<Item = i64>, expected: &[(i64, u64)]) {
        let requests: Vec<_> = epochs.map(|epoch| (epoch, 200)).collect();
        let bursts = found(&requests).bursts;
        let bursts: Vec<_> = bursts
            .iter()
            .map(|found| (found.start, found.requests))
            .collect();
        assert_eq!(bursts, expected, "{requests:?}");
    }
    check(0..10, &[(0, 10)]);
    check(0..9, &[]);
    check(1..11, &[]); // Ten in ten seconds, but in two windows.
    check((0..20).rev(), &[(0, 10), (10, 10)]);
    check((0..30).map(|_| 59), &[(50, 30)]);
    check(
        (0..10).chain(60..70).chain([5, 65, 3]),
        &[(0, 12), (60, 11)],
    );
    check(-10..0, &[(-10, 10)]);
    check(-70..-50, &[(-70, 10), (-60, 10)]);
}

#[test]
fn storms() {
    fn check(statuses: &[u16], expected: Option<(u64, u64)>) {
        let requests: Vec<_> = (0..)
            .zip(statuses)
            .map(|(at, &status)| (120 + at * 11, status))
            .collect();
        let storms = found(&requests).storms;
        let storm = storms.first().map(|found| (found.responses, found.errors));
        assert_eq!(storm, expected, "{statuses:?}");
        assert!(storms.iter().all(|found| found.start == 120));
    }
    check(&[500; 5], Some((5, 5)));
    check(&[500; 4], None);
    check(&[200, 200, 404, 404, 404], Some((5, 3)));
    check(&[200, 200, 200, 404, 404], None);
    check(&[200, 399, 200, 400, 404, 999], Some((6, 3)));
}

#[test]
fn findings_are_listed_by_start_then_client() {
    let mut totals = Totals::default();
    for client in ["b", "a", "c"] {
        for epoch in (0..20).rev() {
            totals.count_parts(0, client.as_bytes(), b"/", epoch, 404, 1);
        }
    }
    let found = totals.findings(0);
    let burst = |found: &Burst| (found.start, found.client[0]);
    let order = [
        (0, b'a'),
        (0, b'b'),
        (0, b'c'),
        (10, b'a'),
        (10, b'b'),
        (10, b'c'),
    ];
    assert_eq!(found.bursts.iter().map(burst).collect::<Vec<_>>(), order);
    let storm = |found: &Storm| (found.start, found.client[0]);
    let order = [(0, b'a'), (0, b'b'), (0, b'c')];
    assert_eq!(found.storms.iter().map(storm).collect::<Vec<_>>(), order);
}

#[test]
fn passes_do_not_mix() {
    let mut totals = Totals::default();
    for epoch in 0..10 {
        for pass in 0..3 {
            totals.count_parts(pass, b"me", b"/", epoch, 200, 1);
        }
    }
    let first = totals.close_pass(0);
    assert_eq!(
        first.bursts,
        [Burst {
            start: 0,
            client: b"me"[..].into(),
            requests: 10
        }]
    );
    assert_eq!(totals.findings(0), Findings::default());
    assert_eq!(totals.close_pass(2), first);
    assert_eq!(totals.findings(2), Findings::default());
    assert_eq!(totals.close_pass(1), first);
    assert_eq!(totals.findings(1), Findings::default());
    assert_eq!(totals.client(b"me").unwrap().requests, 30);
}

#[test]
fn ties_go_by_name_and_the_list_ends_at_ten() {
    let mut totals = Totals::default();
    for name in ["m", "a", "z", "k", "c", "y", "b", "x", "d", "e", "l", "f"] {
        totals.count_parts(0, name.as_bytes(), name.as_bytes(), 0, 200, 1);
    }
    totals.count_parts(0, b"z", b"z", 0, 200, 1);
    let names: Vec<u8> = totals
        .top_clients()
        .iter()
        .map(|(name, _)| name[0])
        .collect();
    assert_eq!(names, b"zabcdefklm"[..TOP]);
    let paths: Vec<u8> = totals.top_paths().iter().map(|(name, _)| name[0]).collect();
    assert_eq!(paths, names);
}

#[test]
fn sums_of_bytes_saturate() {
    let mut totals = Totals::default();
    for _ in 0..2 {
        totals.count_parts(0, b"me", b"/", 0, 200, u64::MAX);
    }
    assert_eq!(
        (totals.bytes, totals.client(b"me").unwrap().bytes),
        (u64::MAX, u64::MAX)
    );
}

/// The sample, counted line by line in its own order.
fn straight() -> Totals {
    let mut totals = Totals::default();
    for line in SAMPLE
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match parse(line) {
            Ok(line) => totals.count(0, &line),
            Err(_) => totals.malformed += 1,
        }
    }
    totals
}

fn report(totals: &Totals) -> Report {
    Report::new(totals, &totals.findings(0), Run::default())
}

#[test]
fn any_order_and_any_split_come_to_the_same() {
    let expected = report(&straight());
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let mut lines: Vec<_> = SAMPLE
            .split(|&byte| byte == b'\n')
            .filter_map(|line| parse(line).ok())
            .collect();
        for at in (1..lines.len()).rev() {
            lines.swap(at, random.below(at as u64 + 1) as usize);
        }
        let mut shards = vec![Totals::default(); 3];
        while let Some(client) = lines.last().map(|line| line.client) {
            // A client's lines go out in batches.
            let (mut tally, mut paths) = (Tally::default(), Vec::new());
            let mut room = random.below(7);
            lines.retain(|line| {
                if line.client != client || (room == 0 && tally.requests > 0) {
                    return true;
                }
                room = room.saturating_sub(1);
                tally.count(0, line);
                paths.push(line.path);
                false
            });
            let shard = &mut shards[random.below(3) as usize];
            shard.absorb(client, tally, paths.into_iter());
        }
        let mut totals = Totals::default();
        totals.malformed = 1;
        shards.iter().for_each(|shard| totals.merge(shard));
        assert_eq!(report(&totals), expected, "seed {seed}");
    }
}

#[test]
fn a_window_is_flagged_once_when_it_becomes_a_finding() {
    let mut windows = Windows::default();
    let mut flagged = Vec::new();
    for batch in 0..4 {
        let mut minutes = Minutes::default();
        for second in 0..4 {
            minutes.note(0, second, if batch == 0 { 404 } else { 200 });
        }
        windows.absorb(b"me", &minutes, |pass, found| {
            flagged.push((batch, pass, found));
        });
    }
    let client: Box<[u8]> = b"me"[..].into();
    let storm = Storm {
        start: 0,
        client: client.clone(),
        responses: 8,
        errors: 4,
    };
    let burst = Burst {
        start: 0,
        client,
        requests: 12,
    };
    assert_eq!(
        flagged,
        [(1, 0, Finding::Storm(storm)), (2, 0, Finding::Burst(burst))]
    );
}
