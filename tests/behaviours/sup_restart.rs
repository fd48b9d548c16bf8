//! Which child is started again, and after which end (B105-B109, B129)?
//!
//! Source     otp: supervisor, "Restart Strategies"

use foundation::prelude::*;
use foundation::{Child, ChildState, Term};

use crate::support::{
    Cfg, Death, Kid, Log, boom, children, kid, kid_of, pid_of, renewed, state_of, stop, until_state,
};

/// A tree that allows many restarts, with this one child.
async fn tree_of(node: &Node, child: Child<Kid>) -> Ref<Supervisor> {
    let tree = Supervisor::one_for_one()
        .intensity(20, secs(5))
        .child(child);
    tree.start(node).await.expect("started")
}

/// B105: a permanent child is restarted, however it ended.
#[foundation::test]
async fn b105_permanent_is_restarted_after_normal(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = tree_of(&node, kid(&log, "a")).await;
    let mut pid = pid_of(&tree, "a").await;
    for reason in [Reason::Normal, Reason::Shutdown, boom()] {
        kid_of(&tree, "a").await.end(reason).expect("portable");
        pid = renewed(&w, &tree, "a", pid).await;
    }
    assert_eq!(log.count("init a"), 4);
    assert_eq!(kid_of(&tree, "a").await.title().await, Ok("a".to_owned()));
    stop(&tree).await;
}

/// B106: a transient child that ended in order is not restarted; its recipe is kept.
#[foundation::test]
async fn b106_transient_stays_away_after_an_orderly_end(w: World) {
    let node = w.node();
    let orderly = [
        Reason::Normal,
        Reason::Shutdown,
        Reason::shutdown_with(Term::atom("x")),
    ];
    for reason in orderly {
        let log = Log::default();
        let tree = tree_of(&node, kid(&log, "a").transient()).await;
        kid_of(&tree, "a").await.end(reason).expect("portable");
        until_state(&w, &tree, "a", |state| state == Some(ChildState::Absent)).await;
        let counts = tree.count_children().await.expect("answers");
        assert_eq!((counts.specs, counts.active, counts.workers), (1, 0, 1));
        assert_eq!(log.count("init a"), 1);
        // The recipe is there: it can be started again by hand.
        let again = tree.restart_child("a").await.expect("answers");
        assert!(matches!(again, Ok(Some(_))), "{again:?}");
        assert_eq!(log.count("init a"), 2);
        stop(&tree).await;
    }
}

/// B107: a transient child that ended otherwise is restarted.
#[foundation::test]
async fn b107_transient_is_restarted_after_a_failure(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = tree_of(&node, kid(&log, "a").transient()).await;
    let pid = pid_of(&tree, "a").await;
    kid_of(&tree, "a").await.end(boom()).expect("portable");
    let pid = renewed(&w, &tree, "a", pid).await;
    kid_of(&tree, "a").await.crash().expect("portable");
    let pid = renewed(&w, &tree, "a", pid).await;
    node.exit(pid, Reason::Kill);
    renewed(&w, &tree, "a", pid).await;
    assert_eq!(log.count("init a"), 4);
    stop(&tree).await;
}

/// B108: a temporary child is never restarted, and its recipe goes with it.
#[foundation::test]
async fn b108_temporary_is_forgotten_after_any_end(w: World) {
    let node = w.node();
    for reason in [Reason::Normal, Reason::Shutdown, boom(), Reason::Kill] {
        let log = Log::default();
        let tree = tree_of(&node, kid(&log, "a").temporary()).await;
        match reason {
            Reason::Kill => node.exit(pid_of(&tree, "a").await, reason),
            reason => kid_of(&tree, "a").await.end(reason).expect("portable"),
        }
        until_state(&w, &tree, "a", |state| state.is_none()).await;
        let counts = tree.count_children().await.expect("answers");
        assert_eq!(counts, foundation::Counts::default());
        assert_eq!(log.count("init a"), 1);
        let again = tree.restart_child("a").await.expect("answers");
        assert!(again.is_err(), "{again:?}");
        stop(&tree).await;
    }
}

/// B109: under one_for_one only the child that died has a new pid.
#[foundation::test]
async fn b109_one_for_one_restarts_only_the_one_that_died(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(kid(&log, "b"))
        .child(kid(&log, "c"))
        .start(&node)
        .await
        .expect("started");
    let before = children(&tree).await;
    let b = pid_of(&tree, "b").await;
    kid_of(&tree, "b").await.crash().expect("portable");
    renewed(&w, &tree, "b", b).await;
    let after = children(&tree).await;
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    assert_ne!(after[1].1, before[1].1);
    for name in ["a", "c"] {
        assert_eq!(kid_of(&tree, name).await.title().await, Ok(name.to_owned()));
        assert_eq!(log.count(&format!("init {name}")), 1);
    }
    stop(&tree).await;
}

/// B129: a nested supervisor that gives up ends with `shutdown`: its parent starts it again when
/// it is permanent, and does not when it is transient.
#[foundation::test]
async fn b129_a_nested_supervisor_that_gives_up_is_a_child_like_others(w: World) {
    let node = w.node();
    for permanent in [true, false] {
        let log = Log::default();
        let inner = Supervisor::one_for_one()
            .intensity(0, secs(5))
            .child(kid(&log, "leaf"));
        let nested = nest(inner, permanent);
        let tree = Supervisor::one_for_one().child(nested);
        let tree = tree.start(&node).await.expect("started");
        let Some(ChildState::Running(pid)) = state_of(&tree, "inner").await else {
            panic!("inner does not run")
        };
        let death = Death::of(&node, pid).await;
        let inner: Ref<Supervisor> = node.reference(pid);
        kid_of(&inner, "leaf").await.crash().expect("portable");
        assert_eq!(death.reason().await, Reason::Shutdown);
        if permanent {
            let again = renewed(&w, &tree, "inner", pid).await;
            let inner: Ref<Supervisor> = node.reference(again);
            assert_eq!(
                kid_of(&inner, "leaf").await.title().await,
                Ok("leaf".into())
            );
            assert_eq!(log.count("init leaf"), 2);
        } else {
            let absent = |state| state == Some(ChildState::Absent);
            until_state(&w, &tree, "inner", absent).await;
            assert_eq!(log.count("init leaf"), 1);
        }
        assert!(tree.is_alive());
        stop(&tree).await;
    }
}

fn nest(inner: foundation::SupervisorBuilder, permanent: bool) -> Child<Supervisor> {
    let inner = inner.nested().id("inner");
    match permanent {
        true => inner.permanent(),
        false => inner.transient(),
    }
}

/// otp: a restart whose start fails is tried again, each time counted, until it works.
#[foundation::test]
async fn a_failed_restart_is_tried_again(w: World) {
    let (node, log) = (w.node(), Log::default());
    let shaky = Cfg::new(&log, "a").starts(|nth| match nth {
        2..=4 => Err(Stop::new(boom())),
        _ => Ok(()),
    });
    let tree = tree_of(&node, shaky.child()).await;
    let pid = pid_of(&tree, "a").await;
    kid_of(&tree, "a").await.crash().expect("portable");
    renewed(&w, &tree, "a", pid).await;
    assert_eq!(log.count("init a"), 5);
    stop(&tree).await;
}

/// otp: a restart that says ignore leaves the child without a process.
#[foundation::test]
async fn a_restart_that_is_ignored_leaves_the_recipe(w: World) {
    let (node, log) = (w.node(), Log::default());
    let once = Cfg::new(&log, "a").starts(|nth| match nth {
        1 => Ok(()),
        _ => Err(Stop::Ignore),
    });
    let tree = tree_of(&node, once.child()).await;
    kid_of(&tree, "a").await.crash().expect("portable");
    until_state(&w, &tree, "a", |state| state == Some(ChildState::Absent)).await;
    assert_eq!(log.count("init a"), 2);
    stop(&tree).await;
}
