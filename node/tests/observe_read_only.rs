//! Can a node be looked at and not touched?
//!
//! Role  An agent that only shows: over a real socket nobody kills or traces through it, and
//!       another that may.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs, files and time"
)]

mod common;

use std::path::PathBuf;

use common::observed::Bare;
use foundation::observe::protocol::{Answer, Request};
use foundation::observe::{Options, serve_with};
use foundation::prelude::*;

#[derive(Message)]
#[message(local)]
struct Never;

fn node(name: &str, options: &Options) -> (Node, PathBuf, Pid) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("only-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    let folder = foundation::observe::private_directory(&path).expect("a folder");
    let node = Node::builder().name(name).start().expect("it starts");
    serve_with(&node, folder.join("s"), options).expect("nobody else serves there");
    let target = node.spawn_fn(async |mut me: Process<Never>| {
        me.recv().await;
    });
    let target = target.expect("there is room").pid();
    (node, folder.join("s"), target)
}

#[test]
fn who_may_only_look_neither_kills_nor_traces() {
    let (node, socket, target) = node("shown", &Options::new().read_only());
    let mut observer = Bare::greeted(&socket);
    for request in [Request::Kill(target), Request::Trace(Some(target))] {
        observer.say(&request);
        let refused = "this node may only be looked at".to_owned();
        assert_eq!(observer.next(), Some(Answer::Refused(refused)));
    }
    assert!(node.is_alive(target));
    node.shutdown_blocking(secs(10))
        .expect("every process yields");
}

#[test]
fn who_may_do_more_kills() {
    let (node, socket, target) = node("touched", &Options::new());
    let mut observer = Bare::greeted(&socket);
    observer.say(&Request::Kill(target));
    assert_eq!(observer.next(), Some(Answer::Killed(true)));
    // The answer says that the signal was sent.
    let down = node.block_on(node.down(target));
    assert!(
        matches!(down.reason, Reason::Killed | Reason::NoProc),
        "{down:?}"
    );
    node.shutdown_blocking(secs(10))
        .expect("every process yields");
}
