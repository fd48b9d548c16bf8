//! When does a supervisor end with its significant children (B132-B134)?
//!
//! Source     otp: supervisor, "Automatic Shutdown"

use foundation::prelude::*;
use foundation::{AutoShutdown, ChildState};

use crate::support::{Death, Log, kid, kid_of, pid_of, renewed, state_of, stop, until_state};

async fn tree_of(node: &Node, when: AutoShutdown, log: &Log) -> Ref<Supervisor> {
    Supervisor::one_for_one()
        .auto_shutdown(when)
        .child(kid(log, "other"))
        .child(kid(log, "a").transient().significant())
        .child(kid(log, "b").temporary().significant())
        .start(node)
        .await
        .expect("started")
}

/// B132: any_significant, and a significant transient child crashes: it is restarted, and the
/// supervisor lives.
#[foundation::test]
async fn b132_a_significant_child_that_is_restarted_ends_nobody(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = tree_of(&node, AutoShutdown::AnySignificant, &log).await;
    let pid = pid_of(&tree, "a").await;
    kid_of(&tree, "a").await.crash().expect("portable");
    renewed(&w, &tree, "a", pid).await;
    assert!(tree.is_alive());
    stop(&tree).await;
}

/// otp: any_significant ends the supervisor with the first of them that ends for good; a
/// temporary one ends for good in any way.
#[foundation::test]
async fn the_first_significant_end_shuts_down(node: Node) {
    for (name, reason) in [("a", Reason::Normal), ("b", Reason::Kill)] {
        let log = Log::default();
        let tree = tree_of(&node, AutoShutdown::AnySignificant, &log).await;
        let death = Death::of(&node, &tree).await;
        let kid = pid_of(&tree, name).await;
        match reason {
            Reason::Kill => node.exit(kid, reason),
            reason => node
                .reference::<crate::support::Kid>(kid)
                .end(reason)
                .expect("sent"),
        }
        assert_eq!(death.reason().await, Reason::Shutdown);
        assert_eq!(log.count("stop other: shutdown"), 1);
    }
}

/// B133: all_significant: with the first that ends the supervisor lives, with the last it ends.
#[foundation::test]
async fn b133_the_last_significant_end_shuts_down(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = tree_of(&node, AutoShutdown::AllSignificant, &log).await;
    let death = Death::of(&node, &tree).await;
    let a = kid_of(&tree, "a").await;
    a.end(Reason::Normal).expect("portable");
    until_state(&w, &tree, "a", |state| state == Some(ChildState::Absent)).await;
    assert!(tree.is_alive());
    assert!(matches!(
        state_of(&tree, "b").await,
        Some(ChildState::Running(_))
    ));
    kid_of(&tree, "b").await.crash().expect("portable");
    assert_eq!(death.reason().await, Reason::Shutdown);
    assert_eq!(log.count("stop other: shutdown"), 1);
}

/// B134: a significant child that is stopped by request ends nobody.
#[foundation::test]
async fn b134_terminate_child_is_no_end_of_its_own(node: Node) {
    for when in [AutoShutdown::AnySignificant, AutoShutdown::AllSignificant] {
        let log = Log::default();
        let tree = tree_of(&node, when, &log).await;
        assert_eq!(tree.terminate_child("a").await, Ok(Ok(())));
        assert_eq!(tree.terminate_child("b").await, Ok(Ok(())));
        assert_eq!(state_of(&tree, "a").await, Some(ChildState::Absent));
        assert_eq!(state_of(&tree, "b").await, None);
        assert!(tree.is_alive());
        assert_eq!(log.count("stop other: shutdown"), 0);
        stop(&tree).await;
    }
}

/// otp: nor does one that is stopped by the restart of a sibling.
#[foundation::test]
async fn an_end_caused_by_a_sibling_is_no_end_of_its_own(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_all()
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(kid(&log, "t").temporary().significant())
        .child(kid(&log, "a"))
        .start(&node)
        .await
        .expect("started");
    let a = pid_of(&tree, "a").await;
    kid_of(&tree, "a").await.crash().expect("portable");
    renewed(&w, &tree, "a", a).await;
    assert_eq!(state_of(&tree, "t").await, None);
    stop(&tree).await;
}
