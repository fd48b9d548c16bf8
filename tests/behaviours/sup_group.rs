//! What do one_for_all and rest_for_one do to siblings (B110, B111, B119, B215, B217)?
//!
//! Source     otp: supervisor, "Restart Strategies"

use foundation::prelude::*;
use foundation::{ChildState, SupervisorBuilder};

use crate::support::{
    Cfg, Log, boom, children, kid, kid_of, pid_of, renewed, state_of, stop, until_state,
};

async fn abc(node: &Node, tree: SupervisorBuilder, log: &Log) -> Ref<Supervisor> {
    let tree = ["a", "b", "c"]
        .into_iter()
        .fold(tree, |tree, name| tree.child(kid(log, name)));
    tree.start(node).await.expect("started")
}

/// B110: one_for_all stops all others in reverse order, then starts all in order.
#[foundation::test]
async fn b110_one_for_all_restarts_all_in_order(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = abc(&node, Supervisor::one_for_all(), &log).await;
    let before = children(&tree).await;
    log.take();
    let c = pid_of(&tree, "c").await;
    kid_of(&tree, "b").await.end(boom()).expect("portable");
    renewed(&w, &tree, "c", c).await;
    let after = children(&tree).await;
    for (old, new) in before.iter().zip(&after) {
        assert!(old.0 == new.0 && old.1 != new.1, "{old:?} {new:?}");
    }
    let order = [
        "stop b: boom",
        "gone b",
        "stop c: shutdown",
        "gone c",
        "stop a: shutdown",
        "gone a",
        "init a",
        "ready a",
        "init b",
        "ready b",
        "init c",
        "ready c",
    ];
    assert_eq!(log.take(), order);
    stop(&tree).await;
}

/// B111: rest_for_one restarts the one that died and those started after it, and no others.
#[foundation::test]
async fn b111_rest_for_one_restarts_those_behind(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = abc(&node, Supervisor::rest_for_one(), &log).await;
    let before = children(&tree).await;
    log.take();
    let c = pid_of(&tree, "c").await;
    kid_of(&tree, "b").await.end(boom()).expect("portable");
    renewed(&w, &tree, "c", c).await;
    let after = children(&tree).await;
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1].1, before[1].1);
    assert_ne!(after[2].1, before[2].1);
    let order = [
        "stop b: boom",
        "gone b",
        "stop c: shutdown",
        "gone c",
        "init b",
        "ready b",
        "init c",
        "ready c",
    ];
    assert_eq!(log.take(), order);
    stop(&tree).await;
}

/// B119: a temporary sibling is stopped by the restart of another, and forgotten.
#[foundation::test]
async fn b119_a_temporary_sibling_is_stopped_and_removed(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_all()
        .child(kid(&log, "a"))
        .child(kid(&log, "t").temporary())
        .child(kid(&log, "b"))
        .start(&node)
        .await
        .expect("started");
    let (a, b) = (pid_of(&tree, "a").await, pid_of(&tree, "b").await);
    kid_of(&tree, "a").await.crash().expect("portable");
    renewed(&w, &tree, "b", b).await;
    assert_ne!(pid_of(&tree, "a").await, a);
    let ids: Vec<_> = children(&tree).await.into_iter().map(|c| c.0).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(log.count("stop t: shutdown"), 1);
    assert_eq!(log.count("init t"), 1);
    stop(&tree).await;
}

/// B215: a child that was stopped by request, or a transient one that had ended in order, is
/// started again by the group restart of a sibling.
#[foundation::test]
async fn b215_a_group_restart_starts_who_was_away(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_all()
        .child(kid(&log, "a"))
        .child(kid(&log, "b"))
        .child(kid(&log, "c").transient())
        .start(&node)
        .await
        .expect("started");
    assert_eq!(tree.terminate_child("b").await, Ok(Ok(())));
    let orderly = kid_of(&tree, "c").await.end(Reason::Normal);
    orderly.expect("portable");
    until_state(&w, &tree, "c", |state| state == Some(ChildState::Absent)).await;
    assert_eq!(state_of(&tree, "b").await, Some(ChildState::Absent));
    kid_of(&tree, "a").await.crash().expect("portable");
    let runs = |state| matches!(state, Some(ChildState::Running(_)));
    until_state(&w, &tree, "c", runs).await;
    for name in ["a", "b", "c"] {
        assert!(runs(state_of(&tree, name).await), "{name}");
        assert_eq!(log.count(&format!("init {name}")), 2);
    }
    stop(&tree).await;
}

/// B217: a child that need not be restarted leaves its siblings alone, and is not counted: with an
/// intensity of zero the supervisor lives on.
#[foundation::test]
async fn b217_an_end_without_restart_touches_nobody(w: World) {
    let node = w.node();
    for tree in [Supervisor::one_for_all(), Supervisor::rest_for_one()] {
        let log = Log::default();
        let tree = tree
            .intensity(0, secs(5))
            .child(kid(&log, "transient").transient())
            .child(kid(&log, "temporary").temporary())
            .child(kid(&log, "b"))
            .start(&node)
            .await
            .expect("started");
        let b = pid_of(&tree, "b").await;
        let transient = kid_of(&tree, "transient").await;
        transient.end(Reason::Normal).expect("portable");
        let absent = |state| state == Some(ChildState::Absent);
        until_state(&w, &tree, "transient", absent).await;
        kid_of(&tree, "temporary").await.crash().expect("portable");
        until_state(&w, &tree, "temporary", |state| state.is_none()).await;
        assert_eq!(pid_of(&tree, "b").await, b);
        assert_eq!(kid_of(&tree, "b").await.title().await, Ok("b".to_owned()));
        assert_eq!(log.count("init b"), 1);
        stop(&tree).await;
    }
}

/// otp: when a group restart fails at one child, it is tried again from that child on.
#[foundation::test]
async fn a_failed_group_restart_goes_on_at_the_child_that_failed(w: World) {
    let (node, log) = (w.node(), Log::default());
    let shaky = Cfg::new(&log, "b").starts(|nth| match nth {
        2 => Err(Stop::new(boom())),
        _ => Ok(()),
    });
    let tree = Supervisor::rest_for_one()
        .intensity(5, secs(5))
        .child(kid(&log, "a"))
        .child(shaky.child())
        .child(kid(&log, "c"))
        .start(&node)
        .await
        .expect("started");
    let c = pid_of(&tree, "c").await;
    kid_of(&tree, "a").await.crash().expect("portable");
    renewed(&w, &tree, "c", c).await;
    // Keyed to `b`, the retry of rest_for_one leaves `a` alone.
    assert_eq!(log.count("init a"), 2);
    assert_eq!(log.count("init b"), 3);
    assert_eq!(log.count("init c"), 2);
    stop(&tree).await;
}
