//! Does an observer see into another program's node, and does neither suffer from the other?
//!
//! Role  Real programs and a real socket: what is shown, who is refused, kill -9 of either side,
//!       observers that stall, flood and talk nonsense.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs, files and time"
)]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::observed::{Bare, Job, busiest, eventually, folder, observe};
use common::screen::Screen;
use foundation::observe::frame::{ASK_MAX, encode, greeting};
use foundation::observe::protocol::{Answer, Request};
use serde_json::Value;

#[test]
fn one_look_as_json() {
    let socket = folder("json").join("s");
    let _job = Job::start(&socket);
    let output = observe(&socket, &["--json", "--rows", "20"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["node"]["node"], "foundation");
    let rows = seen["processes"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 20);
    let handled: Vec<u64> = rows
        .iter()
        .map(|row| row["reductions"].as_u64().unwrap())
        .collect();
    assert!(handled.is_sorted_by(|a, b| a >= b), "{handled:?}");
    assert!(rows.iter().any(|row| row["name"] == "router"), "{rows:#?}");
    assert!(seen["figures"]["processes"].as_u64().unwrap() > 10);
    let schedulers = seen["figures"]["schedulers"].as_array().unwrap();
    assert!(!schedulers.is_empty());
    for scheduler in schedulers {
        let share = scheduler["utilisation"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&share), "{scheduler}");
    }
    let branches = seen["tree"]["branches"].as_array().unwrap();
    let depth = |name: &str| {
        let found = branches.iter().find(|branch| branch["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}"))["depth"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(depth("counting"), 1);
    assert_eq!((depth("table"), depth("router")), (2, 1));
}

#[test]
fn nobody_but_the_owner_and_no_file_but_a_dead_socket() {
    let here = folder("files");
    let socket = here.join("s");
    let job = Job::start(&socket);
    let file = fs::symlink_metadata(&socket).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let second = |socket: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
        command.args(["run", "--json", "--observe"]).arg(socket);
        let output = command.stdin(Stdio::null()).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, errors) = second(&socket);
    assert!(
        code == Some(1) && errors.contains("in use by a live node"),
        "{errors}"
    );
    // Killed, it leaves its socket behind: the next replaces it, and takes it away when it ends.
    drop(job);
    assert!(socket.exists());
    assert_eq!(second(&socket), (Some(0), String::new()));
    assert!(!socket.exists());
    let plain = here.join("plain");
    fs::write(&plain, "mine").unwrap();
    let (code, errors) = second(&plain);
    assert!(
        code == Some(1) && errors.contains("is no socket"),
        "{errors}"
    );
    assert_eq!(fs::read_to_string(&plain).unwrap(), "mine");
    fs::set_permissions(&here, fs::Permissions::from_mode(0o777)).unwrap();
    let (code, errors) = second(&socket);
    assert!(
        code == Some(1) && errors.contains("others may write"),
        "{errors}"
    );
    assert!(!socket.exists());
    let output = observe(&here.join("nobody"), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no node answers"));
}

#[test]
fn nonsense_ends_the_session_that_said_it() {
    let socket = folder("nonsense").join("s");
    let mut job = Job::start(&socket);
    let mut good = Bare::greeted(&socket);
    let other = [&greeting()[..6], &99_u16.to_be_bytes()].concat();
    let long = [&greeting()[..], &u32::MAX.to_be_bytes()].concat();
    let bad = [&greeting()[..], &[0, 0, 0, 2, 0xc1, 0xc1]].concat();
    for (said, answer) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "no foundation observer"),
        (other, "version 99"),
        (long, "too long"),
        (bad, "makes no sense"),
    ] {
        let mut bare = Bare::silent(&socket);
        bare.stream.write_all(&said).unwrap();
        bare.hear_greeting();
        let mut last = None;
        while let Some(answer) = bare.next() {
            last = Some(answer);
        }
        let Some(Answer::Goodbye(why)) = last else {
            panic!("{said:?}: {last:?}");
        };
        assert!(why.contains(answer), "{said:?}: {why}");
    }
    good.say(&busiest(3));
    assert!(matches!(good.next(), Some(Answer::Page(page)) if page.rows.len() == 3));
    assert!(job.is_alive());
}

#[test]
fn so_many_and_no_more() {
    let socket = folder("limit").join("s");
    let _job = Job::start(&socket);
    let mut all: Vec<Bare> = (0..8).map(|_| Bare::greeted(&socket)).collect();
    let mut ninth = Bare::silent(&socket);
    ninth.hear_greeting();
    assert!(matches!(ninth.next(), Some(Answer::Goodbye(why)) if why.contains("limit")));
    all.pop();
    eventually(|| {
        let mut bare = Bare::silent(&socket);
        // It may be turned away before it has greeted.
        let _ = bare.stream.write_all(&greeting());
        bare.hear_greeting();
        matches!(bare.next(), Some(Answer::Welcome(_)))
    });
}

#[test]
fn who_floods_or_stalls_waits_alone() {
    let socket = folder("flood").join("s");
    let mut job = Job::start(&socket);
    let mut flooder = Bare::greeted(&socket);
    let begun = Instant::now();
    let frame = encode(&busiest(1), ASK_MAX).unwrap();
    // More than a burst: written as fast as the agent takes it.
    flooder.stream.write_all(&frame.repeat(60)).unwrap();
    let mut stalled = Bare::greeted(&socket);
    stalled.say(&Request::Watch(Duration::from_millis(100)));
    let mut good = Bare::greeted(&socket);
    good.say(&busiest(5));
    assert!(matches!(good.next(), Some(Answer::Page(_))));
    for _ in 0..60 {
        assert!(matches!(flooder.next(), Some(Answer::Page(_))));
    }
    // 40 at once, 20 more at 20 a second.
    assert!(
        Duration::from_millis(800) < begun.elapsed(),
        "{:?}",
        begun.elapsed()
    );
    good.say(&busiest(5));
    assert!(matches!(good.next(), Some(Answer::Page(_))));
    assert!(job.is_alive());
}

#[test]
fn a_killed_process_is_gone_and_comes_back() {
    let socket = folder("kill").join("s");
    let mut job = Job::start(&socket);
    let mut bare = Bare::greeted(&socket);
    let mut router = || {
        bare.say(&Request::Tree(2000));
        let Some(Answer::Tree(tree)) = bare.next() else {
            panic!("no tree")
        };
        let mut rows = tree.branches.into_iter().map(|branch| branch.row);
        rows.find(|row| row.name.as_deref() == Some("router"))
            .map(|row| row.pid)
    };
    let mut first = None;
    eventually(|| {
        first = router();
        first.is_some()
    });
    let first = first.unwrap();
    let mut other = Bare::greeted(&socket);
    other.say(&Request::Process(first));
    match other.next() {
        Some(Answer::Process(Some(detail))) => {
            assert_eq!(detail.row.name.as_deref(), Some("router"));
            assert!(detail.row.parent.is_some());
        }
        answer => panic!("{answer:?}"),
    }
    other.say(&Request::Kill(first));
    assert_eq!(other.next(), Some(Answer::Killed(true)));
    eventually(|| router().is_some_and(|pid| pid != first));
    other.say(&Request::Kill(first));
    assert_eq!(other.next(), Some(Answer::Killed(false)));
    other.say(&Request::Process(first));
    assert_eq!(other.next(), Some(Answer::Process(None)));
    assert!(job.is_alive());
}

#[test]
fn an_observer_that_is_killed_is_forgotten() {
    let socket = folder("killed").join("s");
    let mut job = Job::start(&socket);
    for _ in 0..20 {
        let mut bare = Bare::greeted(&socket);
        bare.say(&Request::Watch(Duration::from_millis(100)));
        bare.say(&Request::Tree(100));
        // Gone with answers under way.
    }
    let mut bare = None;
    eventually(|| {
        let mut next = Bare::silent(&socket);
        let _ = next.stream.write_all(&greeting());
        next.hear_greeting();
        let welcome = matches!(next.next(), Some(Answer::Welcome(_)));
        bare = Some(next);
        welcome
    });
    let mut bare = bare.unwrap();
    bare.say(&busiest(1));
    assert!(matches!(bare.next(), Some(Answer::Page(_))));
    assert!(job.is_alive());
}

/// The terminal, under `script`: the node is killed under it, comes back, and is seen again.
#[test]
fn the_terminal_outlives_the_node() {
    let socket = folder("outlive").join("s");
    let job = Job::start(&socket);
    let arguments = format!("observe {}", socket.display());
    let Some(mut screen) = Screen::open("", &arguments) else {
        return;
    };
    screen.until("router");
    screen.press("s");
    screen.until("Processes by");
    screen.press("t");
    screen.until("children");
    screen.press("p");
    screen.press("k");
    screen.until("Kill <");
    screen.press("n");
    screen.until("not killed");
    drop(job);
    screen.until("the node has gone, trying again");
    let _job = Job::start(&socket);
    screen.until("another");
    screen.press("q");
    let (status, text) = screen.end();
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.contains("\u{1b}[?1049l"), "the screen is as it was");
}

/// Whatever sits at the path, the observer says what is wrong with it.
#[test]
fn a_stranger_at_the_socket_is_told_apart() {
    let socket = folder("stranger").join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
    });
    let output = observe(&socket, &["--json"]);
    server.join().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("no foundation observer"), "{errors}");
}
