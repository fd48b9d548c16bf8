//! Are crashes collected, and those that nobody expected?

use foundation::prelude::*;
use foundation::testkit::{CrashReport, Test, assert_crash, refute_crash};

use super::{Word, failure_of};

fn crash(node: &Node, text: &'static str) -> Pid {
    let body = move |_: Process<Word>| async move { panic!("{text}") };
    node.spawn_fn(body).expect("spawned").pid()
}

#[foundation::test(strict_crashes)]
async fn a_crash_is_expected(w: World) {
    let (node, crashes) = (w.node(), w.capture_crashes());
    let (a, b) = (crash(&node, "no fuel"), crash(&node, "no oil"));
    let report = assert_crash!(node, crashes, "no oil", within: secs(9));
    assert_eq!(report.pid, b);
    let of_a = |report: &CrashReport| report.pid == a;
    let report = assert_crash!(node, crashes, of_a, within: secs(9));
    assert!(matches!(report.reason, Reason::Crash(_)));
    assert!(report.text.contains("crashed: panic: no fuel"), "{report}");
    // Each is taken once, and an orderly end or a kill is none.
    let quiet = node.spawn_fn(|mut me: Process<Word>| async move {
        me.recv().await;
    });
    node.exit(quiet.expect("spawned"), Reason::Kill);
    refute_crash!(node, crashes, |_: &CrashReport| true);
    assert_eq!(crashes.take_all(), []);
}

/// Nodes that are started later report too.
#[foundation::test]
async fn all_nodes_of_a_world_report(w: World) {
    let crashes = w.capture_crashes();
    let (a, b) = (w.start("a"), w.start("b"));
    crash(&a, "on a");
    crash(&b, "on b");
    assert_crash!(a, crashes, "on b", within: secs(9));
    assert_crash!(a, crashes, "on a", within: secs(9));
}

#[test]
fn a_crash_that_does_not_come_fails() {
    let failure = failure_of(|world| async move {
        let (node, crashes) = (world.node(), world.capture_crashes());
        crash(&node, "no fuel");
        assert_crash!(node, crashes, "no oil");
    });
    let failure = failure.expect("there is no such crash");
    assert!(
        failure.contains("no crash that fits `\"no oil\"` within 1s; these crashed:\nprocess"),
        "{failure}"
    );
    let failure = failure_of(|world| async move {
        let (node, crashes) = (world.node(), world.capture_crashes());
        crash(&node, "no fuel");
        refute_crash!(node, crashes, "fuel");
    });
    assert!(failure.is_some());
}

#[test]
fn a_strict_test_fails_by_a_crash_it_did_not_expect() {
    let run = |text: &'static str| {
        failure_of(move |world| async move {
            let t = <Test as foundation::TestInput>::from_world(&world);
            let crashes = t.strict_crashes();
            crash(t.node(), text);
            world.settle().await;
            let _ = crashes.take_if(|report| report.text.contains("no fuel"));
            t.finish().await;
        })
    };
    assert_eq!(run("no fuel"), None);
    let failure = run("no oil").expect("it was not expected");
    assert!(failure.contains("did not expect"), "{failure}");
    assert!(failure.contains("panic: no oil"), "{failure}");
}

/// The word of the attribute does the same.
#[test]
fn a_strict_word_fails_the_test() {
    let options = foundation::TestOptions {
        seeds: 1,
        strict_crashes: true,
        ..foundation::TestOptions::default()
    };
    let run = || {
        foundation::test_simulated("strict", options, |world| {
            Box::pin(async move {
                crash(&world.node(), "no fuel");
                world.settle().await;
            })
        });
    };
    assert!(std::panic::catch_unwind(run).is_err());
}
