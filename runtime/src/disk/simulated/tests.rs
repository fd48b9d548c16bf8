//! Is what was synced there after a loss of power, and of the rest nothing that never was?
//!
//! Role       Seeded walks beside what each byte may be; rows for speed, room, failing syncs and names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::DiskSpeed;
use super::machine::Machine;
use super::names::Inode;
use crate::Rng;
use crate::disk::DiskError;

const MS: u64 = 1_000_000;

fn quick() -> Machine {
    let mut machine = Machine::default();
    machine.speed = DiskSpeed {
        each: Duration::ZERO,
        sync: Duration::from_millis(2),
        bytes_per_second: 0,
    };
    machine
}

fn open(machine: &mut Machine, now: u64, name: &str) -> Inode {
    let inode = machine.open(now, name).0.expect("it can be opened");
    assert!(machine.opened(inode));
    inode
}

fn content(machine: &mut Machine, name: &str) -> Option<Vec<u8>> {
    machine
        .content(name)
        .map(|content| content.bytes().to_vec())
}

/// What each byte of a file may be when the power fails: one value where it is safe.
#[derive(Default)]
struct Bytes(Vec<BTreeSet<u8>>);

impl Bytes {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        // What is between may be missing, and a hole is zeros.
        while self.0.len() < offset + bytes.len() {
            self.0.push(BTreeSet::from([0]));
        }
        for (at, byte) in bytes.iter().enumerate() {
            self.0[offset + at].insert(*byte);
        }
    }

    fn settle(&mut self, now: &[u8]) {
        self.0 = now.iter().map(|byte| BTreeSet::from([*byte])).collect();
    }
}

#[test]
fn what_is_synced_survives_and_nothing_comes_up_that_never_was() {
    let (mut lost, mut torn) = (0, 0);
    for seed in 0..400 {
        let (mut rng, mut machine, mut now) = (Rng::new(seed), quick(), 0);
        let file = open(&mut machine, 0, "file");
        assert_eq!(machine.sync(0, None).0, Ok(()));
        let (mut may, mut synced_len) = (Bytes::default(), 0);
        now += 3 * MS;
        for _ in 0..rng.below(40) {
            let (offset, length) = (rng.below(3000), 1 + rng.below(1500));
            let value = rng.below(256) as u8;
            let bytes = vec![value; length];
            assert_eq!(
                machine.write(now, file, offset as u64, bytes.clone()).0,
                Ok(())
            );
            may.write(offset, &bytes);
            if rng.below(6) == 0 {
                let (done, at) = machine.sync(now, Some(file));
                assert_eq!(done, Ok(()));
                // One that the power cuts off is none.
                now = at;
                let there = content(&mut machine, "file").expect("it has its name");
                synced_len = there.len();
                may.settle(&there);
            }
        }
        let before = content(&mut machine, "file").expect("it has its name");
        machine.lose_power(now, &mut Rng::new(!seed));
        let after = content(&mut machine, "file").expect("its name was synced");
        assert!(synced_len <= after.len(), "seed {seed}: it is too short");
        for (at, byte) in after.iter().enumerate() {
            assert!(
                may.0[at].contains(byte),
                "seed {seed}: {byte} at {at} never was"
            );
        }
        lost += usize::from(after.len() < before.len());
        torn += usize::from(after != before);
    }
    assert!(
        25 < lost && 150 < torn,
        "{lost} {torn}: hardly anything is lost"
    );
}

#[test]
fn a_sync_that_the_power_cuts_off_is_none_and_one_that_nobody_waits_for_is_one() {
    let run = |wait: u64, seed: u64| {
        let mut machine = quick();
        let file = open(&mut machine, 0, "file");
        machine.sync(0, None).0.expect("it syncs");
        let _ = machine.write(3 * MS, file, 0, b"safe?".to_vec());
        let (_, at) = machine.sync(3 * MS, Some(file));
        assert_eq!(at, 5 * MS);
        machine.lose_power(at - 1 + wait, &mut Rng::new(seed));
        content(&mut machine, "file").expect("it has its name") == b"safe?"
    };
    assert!((0..50).all(|seed| run(1, seed)));
    let kept = (0..50).filter(|seed| run(0, *seed)).count();
    assert!((10..40).contains(&kept), "{kept} of 50");
}

#[test]
fn names_are_those_of_some_moment_since_they_were_synced() {
    let mut seen = BTreeMap::new();
    for seed in 0..200 {
        let mut machine = quick();
        open(&mut machine, 0, "a");
        machine.sync(0, None).0.expect("it syncs");
        let now = 3 * MS;
        open(&mut machine, now, "b");
        machine.rename(now, "a", "c").0.expect("it is there");
        machine.remove(now, "b").0.expect("it is there");
        machine.lose_power(now, &mut Rng::new(seed));
        let names = machine.all_names().concat();
        *seen.entry(names).or_insert(0) += 1;
    }
    let moments: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(moments, ["a", "ab", "bc", "c"], "{seen:?}");
}

#[test]
fn a_file_that_is_removed_stays_for_who_has_it_open() {
    let mut machine = quick();
    let file = open(&mut machine, 0, "a");
    machine
        .write(0, file, 0, b"here".to_vec())
        .0
        .expect("there is room");
    machine.remove(0, "a").0.expect("it is there");
    machine.sync(0, None).0.expect("it syncs");
    assert_eq!(machine.read(5 * MS, file, 1, 9).0, Ok(b"ere".to_vec()));
    assert_eq!(
        machine.remove(5 * MS, "a").0,
        Err(DiskError::NotFound("a".into()))
    );
    machine.close(file);
    let other = open(&mut machine, 6 * MS, "a");
    assert_ne!(other, file);
    assert_eq!(machine.len(other), 0);
    assert_eq!(machine.len(file), 0, "nobody has it any more");
}

#[test]
fn a_disk_does_one_thing_after_the_other_as_fast_as_it_is() {
    let mut machine = quick();
    let file = open(&mut machine, 0, "a");
    machine.speed = DiskSpeed {
        each: Duration::from_millis(3),
        sync: Duration::from_millis(10),
        bytes_per_second: 1_000_000,
    };
    assert_eq!(machine.write(0, file, 0, vec![1; 5_000]).1, 8 * MS);
    assert_eq!(
        machine.read(MS, file, 4_000, 9_999).1,
        12 * MS,
        "behind the first"
    );
    assert_eq!(machine.sync(50 * MS, Some(file)).1, 63 * MS);
    assert_eq!(
        machine.names(51 * MS).1,
        66 * MS,
        "a sync is in the way as well"
    );
}

#[test]
fn what_does_not_fit_is_not_written() {
    let mut machine = quick();
    machine.capacity = 1_000;
    let file = open(&mut machine, 0, "a");
    assert_eq!(machine.write(0, file, 0, vec![1; 900]).0, Ok(()));
    assert_eq!(
        machine.write(0, file, 900, vec![1; 101]).0,
        Err(DiskError::Full)
    );
    assert_eq!(machine.set_len(0, file, 1_001).0, Err(DiskError::Full));
    assert_eq!(machine.write(0, file, 100, vec![2; 900]).0, Ok(()));
    assert_eq!(machine.set_len(0, file, 10).0, Ok(()));
    assert_eq!(
        machine.write(0, file, 1 << 39, vec![2]).0,
        Err(DiskError::Full)
    );
    machine.is_read_only = true;
    let denied = Err(DiskError::ReadOnly);
    assert_eq!(machine.write(0, file, 0, vec![1]).0, denied);
    assert_eq!(machine.set_len(0, file, 0).0, denied);
    assert_eq!(machine.remove(0, "a").0, denied);
    assert_eq!(machine.rename(0, "a", "b").0, denied);
    assert_eq!(machine.open(0, "b").0, Err(DiskError::ReadOnly));
    assert_eq!(machine.read(0, file, 0, 99).0, Ok(vec![1; 10]));
}

#[test]
fn what_a_failing_sync_has_lost_no_later_one_saves() {
    let mut machine = quick();
    let file = open(&mut machine, 0, "a");
    machine.sync(0, None).0.expect("it syncs");
    machine.failing_syncs = 1;
    let mut now = 3 * MS;
    machine
        .write(now, file, 0, b"gone".to_vec())
        .0
        .expect("there is room");
    assert!(machine.sync(now, Some(file)).0.is_err());
    now += 3 * MS;
    machine
        .write(now, file, 4, b"kept".to_vec())
        .0
        .expect("there is room");
    assert_eq!(machine.sync(now, Some(file)).0, Ok(()));
    now += 3 * MS;
    assert_eq!(
        content(&mut machine, "a").as_deref(),
        Some(&b"gonekept"[..])
    );
    machine.lose_power(now, &mut Rng::new(1));
    assert_eq!(
        content(&mut machine, "a").as_deref(),
        Some(&b"\0\0\0\0kept"[..])
    );
}

#[test]
fn a_bit_flips_where_it_was_safe_too() {
    let mut machine = quick();
    let file = open(&mut machine, 0, "a");
    machine
        .write(0, file, 0, vec![0; 2])
        .0
        .expect("there is room");
    let flip = |machine: &mut Machine, bit| machine.content("a").expect("it is there").flip(bit);
    assert!(flip(&mut machine, 9));
    assert!(!flip(&mut machine, 16));
    assert_eq!(machine.read(0, file, 0, 2).0, Ok(vec![0, 2]));
}
