//! Who is left when the other side stalls, or stops in the middle of what it says?
//!
//! Role  Real sockets: observers that do not read or do not finish, before a real job; agents that do
//!       not finish, before the `foundation` program.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs, sockets and time"
)]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use common::observed::{BOUND, Bare, Job, busiest, eventually, folder, observe};
use foundation::observe::frame::{ANSWER_MAX, ASK_MAX, encode, greeting};
use foundation::observe::protocol::{Answer, Request, Welcome};
use foundation::observe::session::{GREET, STALL, WHOLE};

/// How much later than its bound something may come on a busy machine.
const LATE: Duration = Duration::from_secs(60);

/// The node goes on, and serves others.
fn goes_on(job: &mut Job, socket: &Path) {
    let mut good = Bare::greeted(socket);
    good.say(&busiest(3));
    assert!(matches!(good.next(), Some(Answer::Page(page)) if page.rows.len() == 3));
    assert!(job.is_alive());
}

/// Half a request.
fn half() -> Vec<u8> {
    let mut frame = encode(&busiest(3), ASK_MAX).unwrap();
    frame.truncate(frame.len() / 2);
    frame
}

/// The reason that is told at the end.
fn goodbye(bare: &mut Bare) -> String {
    let mut last = None;
    while let Some(answer) = bare.next() {
        last = Some(answer);
    }
    match last {
        Some(Answer::Goodbye(why)) => why,
        last => panic!("no goodbye, but {last:?}"),
    }
}

fn within(took: Duration, bound: Duration) {
    let slack = Duration::from_millis(500);
    assert!(
        bound < took + slack && took < bound + LATE,
        "{took:?}, not {bound:?}"
    );
}

#[test]
fn who_stops_reading_is_left_after_a_while() {
    let socket = folder("stall").join("s");
    let mut job = Job::start(&socket);
    let mut stalled = Bare::greeted(&socket);
    stalled.say(&Request::Watch(Duration::from_millis(100)));
    // Answers until the socket is full, and nobody reads them.
    for _ in 0..30 {
        stalled.say(&busiest(500));
    }
    let begun = Instant::now();
    // Whether the other side has closed shows when one writes.
    stalled.stream.set_nonblocking(true).unwrap();
    let closed = loop {
        goes_on(&mut job, &socket);
        assert!(begun.elapsed() < STALL + LATE, "it is not closed");
        std::thread::sleep(Duration::from_millis(300));
        match stalled.stream.write(&[0]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            closed.kind(),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        ),
        "{closed}"
    );
    within(begun.elapsed(), STALL);
    goes_on(&mut job, &socket);
}

#[test]
fn half_a_greeting_is_waited_for_and_no_longer() {
    let socket = folder("half-greeting").join("s");
    let mut job = Job::start(&socket);
    let mut bare = Bare::silent(&socket);
    let begun = Instant::now();
    bare.stream.write_all(&greeting()[..3]).unwrap();
    bare.hear_greeting();
    let why = goodbye(&mut bare);
    assert!(why.contains("no greeting came in time"), "{why}");
    within(begun.elapsed(), GREET);
    goes_on(&mut job, &socket);
}

#[test]
fn half_a_request_is_waited_for_and_no_longer() {
    let socket = folder("half-request").join("s");
    let mut job = Job::start(&socket);
    let mut idle = Bare::greeted(&socket);
    let mut bare = Bare::greeted(&socket);
    // It reads all it is told: that is not what it is left for.
    bare.say(&Request::Watch(Duration::from_millis(100)));
    let begun = Instant::now();
    bare.stream.write_all(&half()).unwrap();
    let why = goodbye(&mut bare);
    assert!(why.contains("the rest of a request"), "{why}");
    within(begun.elapsed(), WHOLE);
    goes_on(&mut job, &socket);
    // Who says nothing at all may stay.
    idle.say(&busiest(3));
    assert!(matches!(idle.next(), Some(Answer::Page(_))));
}

#[test]
fn who_hangs_up_in_the_middle_is_forgotten_at_once() {
    let socket = folder("half-closed").join("s");
    let mut job = Job::start(&socket);
    let mut listens = Bare::greeted(&socket);
    listens.stream.write_all(&half()).unwrap();
    listens.stream.shutdown(Shutdown::Write).unwrap();
    let begun = Instant::now();
    let why = goodbye(&mut listens);
    assert!(why.contains("in the middle"), "{why}");
    assert!(begun.elapsed() < WHOLE, "{:?}", begun.elapsed());
    // More than may observe at once: none of them keeps a place.
    for _ in 0..20 {
        eventually(|| {
            let mut bare = Bare::silent(&socket);
            let _ = bare.stream.write_all(&greeting());
            bare.hear_greeting();
            let welcome = matches!(bare.next(), Some(Answer::Welcome(_)));
            let _ = bare.stream.write_all(&half());
            welcome
        });
    }
    assert!(begun.elapsed() < WHOLE, "{:?}", begun.elapsed());
    goes_on(&mut job, &socket);
}

/// An agent that says this and no more, and hangs up or waits; how the program that looks ends, and
/// after how long.
fn looked_at(name: &str, said: Vec<u8>, hangs_up: bool) -> (String, Duration) {
    let socket = folder(name).join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let agent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.write_all(&said).unwrap();
        // Its greeting is read: closing with that unread would be another error there.
        let mut asked = vec![0; greeting().len()];
        stream.read_exact(&mut asked).unwrap();
        if !hangs_up {
            stream.read_to_end(&mut asked).unwrap();
        }
    });
    let begun = Instant::now();
    let output = observe(&socket, &["--json"]);
    let took = begun.elapsed();
    agent.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    (String::from_utf8_lossy(&output.stderr).into_owned(), took)
}

#[test]
fn an_agent_that_does_not_finish_is_left_by_the_observer() {
    let welcome = Answer::Welcome(Welcome {
        node: "half".to_owned(),
        incarnation: 1,
        os_pid: 1,
        read_only: false,
    });
    let welcome = encode(&welcome, ANSWER_MAX).unwrap();
    let half = [&greeting()[..], &welcome[..welcome.len() / 2]].concat();
    let (errors, took) = looked_at("agent-waits", half.clone(), false);
    assert!(errors.contains("the node does not answer"), "{errors}");
    within(took, Duration::from_secs(5));
    let (errors, took) = looked_at("agent-hangs-up", half, true);
    assert!(errors.contains("the node has gone"), "{errors}");
    assert!(took < LATE, "{took:?}");
}
