//! Does an observer see trouble that is really there?
//!
//! Role  A node with an agent in this program, and the `foundation` program that looks at it.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs, files and time"
)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use foundation::observe::frame::{ANSWER_MAX, ASK_MAX, Decoder, encode, greeting};
use foundation::observe::protocol::{AlarmKind, Answer, Request};
use foundation::prelude::*;
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(20);

fn socket(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("live-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    let folder = foundation::observe::private_directory(&path).expect("a folder");
    folder.join("node")
}

/// The alarms of one kind, as the program says them.
fn alarms(socket: &Path, kind: &str) -> Vec<(String, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
    command.arg("observe").arg(socket).arg("--json");
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let seen: Value = serde_json::from_slice(&output.stdout).expect("json");
    let alarms = seen["figures"]["alarms"].as_array().expect("a list");
    let text = |alarm: &Value, key: &str| alarm[key].as_str().unwrap_or("").to_owned();
    alarms
        .iter()
        .filter(|alarm| alarm["kind"] == kind)
        .map(|alarm| (text(alarm, "pid"), text(alarm, "text")))
        .collect()
}

fn eventually(mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < BOUND, "it did not come to pass");
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Link;

#[actor]
impl Link {
    /// Calls the first of them, who calls the next.
    #[call]
    async fn along(&mut self, mut way: Vec<Ref<Link>>, bound: u64) -> Result<u32, CallError> {
        if way.is_empty() {
            return Ok(0);
        }
        let next = way.remove(0);
        let further = next.along(way, bound).timeout(ms(bound)).await??;
        Ok(further + 1)
    }
}

#[test]
fn processes_that_wait_for_each_other_are_shown_while_they_do() {
    let node = Node::builder().start().expect("a node starts");
    let socket = socket("cycle");
    foundation::observe::serve(&node, &socket).expect("it serves");
    let [a, b, c] = std::array::from_fn(|_| node.spawn(Link).expect("spawned"));
    node.register("first", a.pid()).expect("free");
    assert_eq!(alarms(&socket, "deadlock"), []);
    let (first, way) = (a.clone(), vec![b.clone(), c.clone(), a.clone()]);
    let calls = async move { first.along(way, 6_000).timeout(BOUND).await };
    let mut calls = Task::spawn_nolink(&node, calls).expect("spawned");
    eventually(|| node.deadlocks().cycles.len() == 1);
    let shown = alarms(&socket, "deadlock");
    assert_eq!(shown.len(), 1, "{shown:?}");
    let (pid, text) = &shown[0];
    let pids = [a.pid(), b.pid(), c.pid()].map(|pid| pid.to_string());
    assert!(pids.contains(pid), "{shown:?}");
    assert!(pids.iter().all(|pid| text.contains(pid)), "{text}");
    assert!(text.contains("first") && text.contains(" → "), "{text}");
    // The calls are over by their bound, and so is the circle.
    node.block_on(calls.join(BOUND)).expect("in time").ok();
    assert_eq!(alarms(&socket, "deadlock"), []);
}

#[derive(Message)]
#[message(local)]
struct Never;

#[test]
fn who_crashed_is_said_by_name() {
    let node = Node::builder().start().expect("a node starts");
    let socket = socket("crash");
    foundation::observe::serve(&node, &socket).expect("it serves");
    // More is wrong than is told at once: a crash is told all the same.
    for _ in 0..50 {
        let mailbox = foundation::Mailbox::unbounded().high_water(1);
        let options = SpawnOptions::new().mailbox(mailbox);
        let idle = |_: Process<Never>| std::future::pending::<()>();
        let (idle, _) = node.spawn_fn_with(&options, idle).expect("there is room");
        for _ in 0..4 {
            idle.send(Never).expect("it is local");
        }
    }
    let mut stream = UnixStream::connect(&socket).expect("it serves");
    stream.set_read_timeout(Some(BOUND)).expect("a socket");
    let watch = Request::Watch(ms(100));
    let frame = encode(&watch, ASK_MAX).expect("a small frame");
    stream.write_all(&greeting()).expect("it listens");
    stream.write_all(&frame).expect("it listens");
    let options = SpawnOptions::new().name("pump");
    let (mut arrived, mut space) = (Decoder::new(ANSWER_MAX), [0; 4096]);
    let (begun, mut met) = (Instant::now(), false);
    let crashed = loop {
        assert!(begun.elapsed() < BOUND, "nobody says who crashed");
        let read = stream.read(&mut space).expect("figures come");
        arrived.push(&space[..read]);
        met = met || arrived.greeted().expect("a greeting");
        if !met {
            continue;
        }
        let mut named = None;
        while let Some(answer) = arrived.take().expect("frames") {
            if let Answer::Figures(figures) = answer {
                assert!(figures.alarms.len() <= 32);
                let mut alarms = figures.alarms.into_iter();
                named = alarms.find(|alarm| alarm.kind == AlarmKind::Crashes);
            }
        }
        if let Some(named) = named {
            break named;
        }
        // From the first figures on it is told.
        let crash = |_: Process<Never>| async { panic!("no fuel") };
        node.spawn_fn_with::<Never, _, _>(&options, crash).ok();
    };
    assert!(crashed.pid.is_some(), "{crashed:?}");
    assert!(crashed.text.contains("pump crashed"), "{crashed:?}");
    assert!(crashed.text.contains("no fuel"), "{crashed:?}");
}
