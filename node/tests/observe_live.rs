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
use foundation::observe::protocol::{AlarmKind, Answer, Figures, Request};
use foundation::prelude::*;
use foundation_node::observe::draw::draw;
use foundation_node::observe::keys::command;
use foundation_node::observe::view::View;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode};
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(60);

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

/// An observer that is told figures ten times a second.
struct Session {
    stream: UnixStream,
    arrived: Decoder,
    met: bool,
}

impl Session {
    fn watch(socket: &Path) -> Self {
        let mut stream = UnixStream::connect(socket).expect("it serves");
        stream.set_read_timeout(Some(BOUND)).expect("a socket");
        let frame = encode(&Request::Watch(ms(100)), ASK_MAX).expect("a small frame");
        stream.write_all(&greeting()).expect("it listens");
        stream.write_all(&frame).expect("it listens");
        let arrived = Decoder::new(ANSWER_MAX);
        let met = false;
        Self {
            stream,
            arrived,
            met,
        }
    }

    /// The first figures in which there is what is looked for.
    fn until<T>(&mut self, mut found: impl FnMut(&Figures) -> Option<T>) -> T {
        let (begun, mut space) = (Instant::now(), [0; 4096]);
        loop {
            assert!(begun.elapsed() < BOUND, "it is not in the figures");
            self.met = self.met || self.arrived.greeted().expect("a greeting");
            while let Some(answer) = self.next() {
                let Answer::Figures(figures) = answer else {
                    continue;
                };
                if let Some(found) = found(&figures) {
                    return found;
                }
            }
            let read = self.stream.read(&mut space).expect("figures come");
            self.arrived.push(&space[..read]);
        }
    }

    fn next(&mut self) -> Option<Answer> {
        let answer = self.met.then(|| self.arrived.take().expect("frames"));
        answer.flatten()
    }
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
    assert_eq!(text.matches("-(Link::along)->").count(), 3, "{text}");
    assert!(text.contains(&format!("first {}", a.pid())), "{text}");
    // The calls are over by their bound, and so is the circle.
    node.block_on(calls.join(BOUND)).expect("in time").ok();
    assert_eq!(alarms(&socket, "deadlock"), []);
}

struct Left;
struct Right;

#[actor]
impl Left {
    /// Asks the other, who asks back.
    #[call]
    async fn ping(&mut self, right: Ref<Right>, me: Ref<Left>) -> bool {
        right.pong(me).timeout(secs(8)).await.is_ok()
    }

    /// Nobody comes to ask this while it waits.
    #[call]
    fn quiet(&mut self) {}
}

#[actor]
impl Right {
    #[call]
    async fn pong(&mut self, left: Ref<Left>) -> bool {
        left.quiet().timeout(secs(8)).await.is_ok()
    }
}

/// What is on the terminal of an operator who was told this and pressed that.
fn screen(view: &mut View, key: char) -> String {
    let key = Event::Key(KeyCode::Char(key).into());
    assert!(view.obey(command(&key).expect("a key")).is_none());
    let mut terminal = Terminal::new(TestBackend::new(120, 20)).expect("a terminal");
    terminal.draw(|frame| draw(frame, view)).expect("a frame");
    terminal.backend().to_string()
}

#[test]
fn a_circle_is_shown_with_what_each_asked_the_next() {
    let node = Node::builder().start().expect("a node starts");
    let socket = socket("circle");
    foundation::observe::serve(&node, &socket).expect("it serves");
    let (left, right) = (
        node.spawn(Left).expect("spawned"),
        node.spawn(Right).expect("spawned"),
    );
    node.register("left", left.pid()).expect("free");
    let mut session = Session::watch(&socket);
    session.until(|figures| figures.circles.is_empty().then_some(()));
    let (l, r) = (left.pid(), right.pid());
    let asks = async move { left.ping(right, left.clone()).timeout(BOUND).await };
    let _asks = Task::spawn_nolink(&node, asks).expect("spawned");
    let figures = session.until(|figures| (!figures.circles.is_empty()).then(|| figures.clone()));
    let [circle] = &figures.circles[..] else {
        panic!("{:?}", figures.circles);
    };
    let name = node
        .facts(r)
        .and_then(|facts| facts.code)
        .expect("it has code");
    assert_eq!(
        circle.to_string(),
        format!("left {l} -(Right::pong)-> {name} {r} -(Left::quiet)-> left {l}")
    );
    // The one is handled, and the other lies in a mailbox whose owner waits.
    assert_eq!(circle.hops[0].pid, l);
    assert!(circle.hops[0].taken && !circle.hops[1].taken);
    assert!(
        figures
            .alarms
            .iter()
            .any(|alarm| alarm.kind == AlarmKind::Deadlock
                && alarm.text.contains(&circle.to_string()))
    );
    let mut view = View::new("node".to_owned());
    view.take(Answer::Figures(Box::new(figures)));
    let shown = screen(&mut view, 'c');
    for part in [
        "Circles of calls · 1".to_owned(),
        format!("╭ left {l} -(Right::pong)-> {name} {r}  · is handled"),
        format!("╰ {name} {r} -(Left::quiet)-> left {l}  · in the mailbox"),
        "c circles".to_owned(),
    ] {
        assert!(shown.contains(&part), "{part}:\n{shown}");
    }
    // A row is a process: the circle can be broken here.
    view.obey(command(&Event::Key(KeyCode::Down.into())).expect("a key"));
    assert_eq!(view.current(), Some(r));
    node.exit(r, Reason::Kill);
    let figures = session.until(|figures| figures.circles.is_empty().then(|| figures.clone()));
    view.take(Answer::Figures(Box::new(figures)));
    let shown = screen(&mut view, 'c');
    assert!(
        shown.contains("No processes wait for each other"),
        "{shown}"
    );
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
    let options = SpawnOptions::new().name("pump");
    let mut session = Session::watch(&socket);
    let crashed = session.until(|figures| {
        assert!(figures.alarms.len() <= 32);
        let mut alarms = figures.alarms.iter();
        let named = alarms.find(|alarm| alarm.kind == AlarmKind::Crashes);
        if named.is_none() {
            // From the first figures on it is told.
            let crash = |_: Process<Never>| async { panic!("no fuel") };
            node.spawn_fn_with::<Never, _, _>(&options, crash).ok();
        }
        named.cloned()
    });
    assert!(crashed.pid.is_some(), "{crashed:?}");
    assert!(crashed.text.contains("pump crashed"), "{crashed:?}");
    assert!(crashed.text.contains("no fuel"), "{crashed:?}");
}
