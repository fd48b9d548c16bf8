//! Is a simulated disk like a real one?
//!
//! Role       The same walk of operations on a folder of this machine, on a simulated disk, and on a model; then
//!            what is refused, and what nodes find after a crash.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of the room that opens files"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use foundation_runtime::disk::{Disk, DiskError, DiskFile, DiskSpeed, FILE_MAX, READ_MAX};
use foundation_runtime::{Node, Rng, World};

const MINUTE: Duration = Duration::from_secs(60);

/// A folder of this test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("foundation-disk-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn on_this_machine<Fut: Future<Output = ()>>(name: &str, body: impl FnOnce(Node) -> Fut) {
    let scratch = Scratch::new(name);
    let node = Node::builder().name("a").disk(&scratch.0).start();
    let node = node.expect("it starts");
    node.block_on(body(node.clone()));
    node.shutdown_blocking(MINUTE).expect("nothing runs");
}

fn simulated<Fut: Future<Output = ()>>(body: impl FnOnce(Node) -> Fut) {
    let run = World::simulate(1, |world| body(world.start("a")));
    run.expect("it ends");
}

const NAMES: [&str; 7] = ["a", "b", "log/1", "log/2", "log", "log/1/x", "a/b/c"];

/// Whether a file of this name would be a folder of others, or be in one that is a file.
fn is_taken(model: &BTreeMap<&str, Vec<u8>>, name: &str) -> bool {
    let is_in = |one: &str, folder: &str| {
        one.strip_prefix(folder)
            .is_some_and(|it| it.starts_with('/'))
    };
    model
        .keys()
        .any(|other| is_in(other, name) || is_in(name, other))
}

/// Does what a seed says, and asserts that all is as the model has it.
async fn walk(disk: Disk, seed: u64) {
    let mut rng = Rng::new(seed);
    let mut model: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for _ in 0..150 {
        let [name, other] = [(); 2].map(|()| NAMES[rng.below(NAMES.len())]);
        let missing = || DiskError::NotFound(name.into());
        match rng.below(10) {
            0 => {
                let was = model.remove(name).map(drop);
                assert_eq!(disk.remove(name).await, was.ok_or_else(missing));
            }
            1 => {
                let renamed = disk.rename(name, other).await;
                if !model.contains_key(name) {
                    assert_eq!(renamed, Err(missing()));
                } else if is_taken(&model, other) {
                    assert_eq!(renamed, Err(DiskError::Taken(other.into())));
                } else {
                    assert_eq!(renamed, Ok(()));
                    let content = model.remove(name).expect("it is there");
                    model.insert(other, content);
                }
            }
            _ if is_taken(&model, name) => {
                let opened = disk.open(name).await.map(drop);
                assert_eq!(opened, Err(DiskError::Taken(name.into())), "seed {seed}");
            }
            2 => {
                let length = rng.below(2_000);
                let file = disk.open(name).await.expect("it opens");
                file.set_len(length as u64).await.expect("there is room");
                model.entry(name).or_default().resize(length, 0);
            }
            3 => {
                let file = disk.open(name).await.expect("it opens");
                file.sync().await.expect("it syncs");
                disk.sync_names().await.expect("they sync");
                model.entry(name).or_default();
            }
            _ => {
                let (offset, length) = (rng.below(3_000), rng.below(1_500));
                let bytes = vec![rng.below(256) as u8; length];
                let file = disk.open(name).await.expect("it opens");
                file.write_at(offset as u64, bytes.clone())
                    .await
                    .expect("there is room");
                let content = model.entry(name).or_default();
                if length > 0 {
                    content.resize(content.len().max(offset + length), 0);
                    content[offset..offset + length].copy_from_slice(&bytes);
                }
            }
        }
        let names = disk.names().await.expect("they are read");
        assert!(
            names.iter().map(|name| &**name).eq(model.keys().copied()),
            "seed {seed}"
        );
        for (name, content) in &model {
            let file = disk.open(name).await.expect("it opens");
            same(&file, content, &mut rng).await;
        }
    }
}

async fn same(file: &DiskFile, content: &[u8], rng: &mut Rng) {
    assert_eq!(file.len().await, Ok(content.len() as u64));
    assert_eq!(file.is_empty().await, Ok(content.is_empty()));
    let (offset, bytes) = (rng.below(5_000), rng.below(5_000));
    let expected = content.iter().copied().skip(offset).take(bytes);
    let read = file.read_at(offset as u64, bytes).await.expect("it reads");
    assert!(read.into_iter().eq(expected));
}

#[test]
fn a_folder_does_what_a_model_does() {
    on_this_machine("walk", async |node| {
        for seed in 0..20 {
            for name in node.disk().names().await.expect("they are read") {
                node.disk().remove(&name).await.expect("it is there");
            }
            walk(node.disk(), seed).await;
        }
    });
}

#[test]
fn a_simulated_disk_does_what_a_model_does() {
    for seed in 0..40 {
        simulated(async |node| walk(node.disk(), seed).await);
    }
}

/// What is refused is refused by both in the same words.
async fn refusals(node: Node) {
    let disk = node.disk();
    let bad = |name: &str| DiskError::BadName(name.into());
    for name in ["../a", "/a", "", "a//b"] {
        assert_eq!(disk.open(name).await.unwrap_err(), bad(name));
        assert_eq!(disk.remove(name).await.unwrap_err(), bad(name));
        assert_eq!(disk.rename("a", name).await.unwrap_err(), bad(name));
    }
    assert_eq!(disk.names().await, Ok(Vec::new()), "nothing was made");
    let file = disk.open("a").await.expect("it opens");
    assert_eq!(file.name(), "a");
    let long = |bytes| Err(DiskError::TooLong(bytes));
    let read = file.read_at(0, READ_MAX + 1).await;
    assert_eq!(read.map(drop), long(READ_MAX as u64 + 1));
    assert_eq!(file.write_at(FILE_MAX, "x").await, long(FILE_MAX + 1));
    assert_eq!(file.write_at(u64::MAX, "x").await, long(u64::MAX));
    assert_eq!(file.set_len(FILE_MAX + 1).await, long(FILE_MAX + 1));
    assert_eq!(file.read_at(u64::MAX >> 1, 5).await, Ok(Vec::new()));
    assert_eq!(disk.remove("b").await, Err(DiskError::NotFound("b".into())));
    assert_eq!(
        disk.rename("b", "a").await,
        Err(DiskError::NotFound("b".into()))
    );
}

#[test]
fn what_cannot_be_is_refused() {
    on_this_machine("refusals", refusals);
    simulated(refusals);
    let node = Node::builder().name("a").start().expect("it starts");
    let opened = node.block_on(async { node.disk().open("a").await });
    assert_eq!(opened.unwrap_err(), DiskError::NoDisk);
    node.shutdown_blocking(MINUTE).expect("nothing runs");
}

#[test]
fn a_folder_that_cannot_be_is_an_error_and_no_panic() {
    let scratch = Scratch::new("file");
    std::fs::write(&scratch.0, "no folder").expect("there is room");
    let node = Node::builder().name("a").disk(&scratch.0).start();
    let node = node.expect("it starts");
    node.block_on(async {
        let opened = node.disk().open("a").await;
        assert!(matches!(opened, Err(DiskError::System(_))), "{opened:?}");
    });
    node.shutdown_blocking(MINUTE).expect("nothing runs");
    std::fs::remove_file(&scratch.0).expect("it is there");
}

#[test]
fn a_crash_loses_nothing_and_a_loss_of_power_what_was_not_synced() {
    let mut lost = 0;
    for seed in 0..30 {
        let run = World::simulate(seed, |world| async move {
            let node = world.start("a");
            let file = node.disk().open("a").await.expect("it opens");
            file.write_at(0, vec![1; 4_000])
                .await
                .expect("there is room");
            file.sync().await.expect("it syncs");
            node.disk().sync_names().await.expect("they sync");
            file.write_at(4_000, vec![2; 4_000])
                .await
                .expect("there is room");
            world.halt(&node);
            let node = world.start("a");
            let again = node.disk().open("a").await.expect("it opens");
            let all = [[1; 4_000], [2; 4_000]].concat();
            assert_eq!(again.read_at(0, 9_000).await.as_ref(), Ok(&all));
            world.halt(&node);
            world.disk("a").lose_power();
            assert_eq!(again.len().await, Err(DiskError::PowerLost));
            assert_eq!(again.sync().await, Err(DiskError::PowerLost));
            let node = world.start("a");
            let last = node.disk().open("a").await.expect("it opens");
            let left = last.read_at(0, 9_000).await.expect("it reads");
            assert_eq!(left[..4_000], all[..4_000]);
            assert_eq!(
                world.start("b").disk().names().await,
                Ok(Vec::new()),
                "it has its own"
            );
            usize::from(left != all)
        });
        lost += run.expect("it ends").0;
    }
    assert!((5..25).contains(&lost), "{lost} of 30");
}

#[test]
fn a_slow_disk_takes_its_time_whether_somebody_waits_or_not() {
    let run = World::simulate(1, |world| async move {
        let node = world.start("a");
        let file = node.disk().open("a").await.expect("it opens");
        let second = Duration::from_secs(1);
        let speed = DiskSpeed {
            each: second,
            ..world.disk("a").speed()
        };
        world.disk("a").set_speed(speed);
        let begun = world.now();
        file.write_at(0, "x").await.expect("there is room");
        assert!(second <= world.now() - begun);
        {
            let given_up = pin!(file.write_at(1, "y"));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(given_up.poll(&mut cx).is_pending());
        }
        world.sleep(second).await;
        let content = world.disk("a").content("a");
        assert_eq!(
            content.as_deref(),
            Some(&b"xy"[..]),
            "what is given up is done all the same"
        );
    });
    run.expect("it ends");
}

#[test]
fn what_a_test_breaks_a_node_sees() {
    simulated_with(async |world, node| {
        let (disk, broken) = (node.disk(), world.disk("a"));
        let file = disk.open("a").await.expect("it opens");
        broken.set_capacity(10);
        assert_eq!(file.write_at(0, vec![0; 11]).await, Err(DiskError::Full));
        file.write_at(0, vec![0; 10]).await.expect("there is room");
        assert!(broken.flip("a", 8) && !broken.flip("a", 80) && !broken.flip("b", 0));
        assert_eq!(file.read_at(0, 3).await, Ok(vec![0, 1, 0]));
        broken.fail_syncs(1);
        assert!(matches!(file.sync().await, Err(DiskError::System(_))));
        assert_eq!(file.sync().await, Ok(()));
        broken.set_read_only(true);
        assert_eq!(file.write_at(0, "x").await, Err(DiskError::ReadOnly));
        assert_eq!(broken.names(), ["a".into()]);
    });
}

fn simulated_with<Fut: Future<Output = ()>>(body: impl FnOnce(World, Node) -> Fut) {
    let run = World::simulate(1, |world| body(world.clone(), world.start("a")));
    run.expect("it ends");
}

#[test]
fn equal_seeds_break_disks_alike() {
    let run = |seed| {
        let run = World::simulate(seed, |world| async move {
            let node = world.start("a");
            let file = node.disk().open("a").await.expect("it opens");
            node.disk().sync_names().await.expect("they sync");
            for at in 0..20 {
                file.write_at(at * 700, vec![at as u8 + 1; 1_000])
                    .await
                    .expect("there is room");
            }
            world.disk("a").lose_power();
            world.disk("a").content("a")
        });
        let (content, report) = run.expect("it ends");
        (content, report.trace_hash)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}
