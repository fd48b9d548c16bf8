//! How does a supervisor start, and what is left when it cannot (B096-B100, B135, B136)?
//!
//! Source     otp: supervisor, "start_link", "Child specification"

use foundation::prelude::*;
use foundation::{AutoShutdown, ChildState, Shutdown, Term, time};

use crate::support::{
    Cfg, Death, Kid, LONG, Log, boom, children, inside, kid, kid_of, state_of, stop,
};

const TREE: Name<Supervisor> = Name::new("tree");

/// B096: children are started in order, each after the init of the one before.
#[foundation::test]
async fn b096_children_start_in_order_and_wait_for_each_init(node: Node) {
    let log = Log::default();
    let mut tree = Supervisor::one_for_one();
    for name in ["a", "b", "c"] {
        tree = tree.child(kid(&log, name));
    }
    let tree = tree.start(&node).await.expect("started");
    let order = [
        "init a", "ready a", "init b", "ready b", "init c", "ready c",
    ];
    assert_eq!(log.take(), order);
    stop(&tree).await;
}

/// The reason of a supervisor whose child `id` did not start.
fn failed_to_start(id: &str, why: Term) -> Reason {
    Reason::shutdown_with(Term::tuple([
        Term::atom("failed_to_start_child"),
        Term::from(id),
        why,
    ]))
}

/// B097: when a child cannot start, those before it are stopped in reverse order, those behind it
/// are not started, and the start says which child it was.
#[foundation::test]
async fn b097_a_failed_init_stops_the_others_in_reverse(node: Node) {
    let log = Log::default();
    let failing = Cfg::new(&log, "c").starts(|_| Err(Stop::new(boom())));
    let error = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(kid(&log, "b"))
        .child(failing.child())
        .child(kid(&log, "d"))
        .name(TREE)
        .start(&node)
        .await
        .expect_err("c fails");
    // What the error promises holds now: the name is free, and nobody lives.
    assert_eq!(node.whereis("tree"), None);
    assert_eq!(node.processes(), []);
    let reason = failed_to_start("c", Term::atom("boom"));
    assert_eq!(error, StartError::Failed(reason));
    let order = [
        "init a",
        "ready a",
        "init b",
        "ready b",
        "init c",
        "stop b: shutdown",
        "gone b",
        "stop a: shutdown",
        "gone a",
    ];
    assert_eq!(log.take(), order);
}

/// B097, where it can go wrong by a hair: who learns of the failure the moment it is told finds the
/// name free. The starter looks without pause, on a thread of its own.
#[foundation::test(real)]
async fn the_name_is_free_before_the_error_is_told(node: Node) {
    let log = Log::default();
    let failing = Cfg::new(&log, "a")
        .starts(|_| Err(Stop::new(boom())))
        .child();
    for _ in 0..2000 {
        let tree = Supervisor::one_for_one().child(failing.clone()).name(TREE);
        let mut start = std::pin::pin!(tree.start(&node).into_future());
        let error = std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            start.as_mut().poll(cx)
        });
        error.await.expect_err("a fails");
        log.take();
        assert_eq!(node.whereis("tree"), None);
    }
}

/// B097, for a starter that is linked and traps exits: it is told twice, and dies of neither.
#[foundation::test]
async fn a_linked_starter_that_traps_gets_the_exit_of_a_failed_tree(node: Node) {
    inside(&node, async |mut me| {
        me.trap_exit(true);
        let log = Log::default();
        let failing = Cfg::new(&log, "a").starts(|_| Err(Stop::new(boom())));
        let tree = Supervisor::one_for_one().child(failing.child());
        let error = tree.start(&me.node()).link().await.expect_err("a fails");
        let reason = failed_to_start("a", Term::atom("boom"));
        assert_eq!(error, StartError::Failed(reason.clone()));
        match me.recv().await {
            Mail::Exit(exit) => assert_eq!(exit.reason, reason),
            other => panic!("no exit: {other:?}"),
        }
    })
    .await;
}

/// B100: two children of one id are refused before anything runs.
#[foundation::test]
async fn b100_a_duplicate_id_is_refused(node: Node) {
    let log = Log::default();
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(kid(&log, "b"))
        .child(kid(&log, "a"))
        .name(TREE);
    refused(&node, tree, "two children are called \"a\"").await;
    assert_eq!(log.take(), [""; 0]);
}

/// A specification that is wrong in itself: the start fails with this text.
async fn refused(node: &Node, tree: foundation::SupervisorBuilder, text: &str) {
    let error = tree.start(node).await.expect_err("refused");
    assert_eq!(node.whereis("tree"), None);
    assert_eq!(node.processes(), []);
    assert_eq!(error, StartError::Failed(Reason::other(text)));
}

/// B135: a significant child under a supervisor that never shuts itself down is refused.
#[foundation::test]
async fn b135_significant_without_auto_shutdown_is_refused(node: Node) {
    let log = Log::default();
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a").transient().significant())
        .name(TREE);
    let text = "child \"a\" is significant but the supervisor never shuts itself down";
    refused(&node, tree, text).await;
    assert_eq!(log.take(), [""; 0]);
}

/// B136: a significant child that is permanent is refused; transient and temporary are not.
#[foundation::test]
async fn b136_significant_and_permanent_is_refused(node: Node) {
    let log = Log::default();
    let tree = || Supervisor::one_for_one().auto_shutdown(AutoShutdown::AnySignificant);
    let permanent = tree().child(kid(&log, "a").significant()).name(TREE);
    refused(&node, permanent, "child \"a\" is significant but permanent").await;
    assert_eq!(log.take(), [""; 0]);
    let fine = tree()
        .child(kid(&log, "b").significant().transient())
        .child(kid(&log, "c").significant().temporary());
    stop(&fine.start(&node).await.expect("started")).await;
}

/// otp: an ignored child is kept without a process, a temporary one is not kept.
#[foundation::test]
async fn an_ignored_child_is_kept_unless_it_is_temporary(node: Node) {
    let log = Log::default();
    let ignored = |name| Cfg::new(&log, name).starts(|_| Err(Stop::Ignore)).child();
    let tree = Supervisor::one_for_one()
        .child(ignored("a"))
        .child(ignored("b").temporary())
        .child(kid(&log, "c"))
        .start(&node)
        .await
        .expect("started");
    assert_eq!(state_of(&tree, "a").await, Some(ChildState::Absent));
    assert_eq!(state_of(&tree, "b").await, None);
    assert_eq!(kid_of(&tree, "c").await.title().await, Ok("c".to_owned()));
    assert_eq!(tree.restart_child("a").await, Ok(Ok(None)));
    assert_eq!(tree.start_child(ignored("d")).await, Ok(Ok(None)));
    let ids: Vec<_> = children(&tree).await.into_iter().map(|c| c.0).collect();
    assert_eq!(ids, ["a", "c", "d"]);
    stop(&tree).await;
}

/// otp: a child whose init panics, or takes too long, fails the start like any other.
#[foundation::test]
async fn a_panic_or_a_slow_init_fails_the_start(node: Node) {
    let log = Log::default();
    let panics = Cfg::new(&log, "a").starts(|_| panic!("no file"));
    let tree = Supervisor::one_for_one().child(panics.child());
    let error = tree.start(&node).await.expect_err("a panics");
    assert!(error.to_string().contains("panic: no file"), "{error}");
    let slow = child_with::<Slow>(log.clone()).start_timeout(ms(20));
    let tree = Supervisor::one_for_one().child(kid(&log, "b")).child(slow);
    let error = tree.start(&node).await.expect_err("it is slow");
    assert!(error.to_string().contains("took too long"), "{error}");
    assert_eq!(log.count("gone b"), 1);
    assert_eq!(node.processes(), []);
}

/// Its init never ends.
struct Slow;

#[actor]
impl Slow {
    #[init]
    async fn init(log: Log) -> Self {
        log.note("slow");
        std::future::pending().await
    }
}

/// otp, start timeout, for a tree: it is killed with everything it has started.
#[foundation::test]
async fn a_tree_that_starts_too_slowly_is_killed(node: Node) {
    let log = Log::default();
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(child_with::<Slow>(log.clone()))
        .name(TREE);
    let error = tree.start(&node).timeout(ms(50)).await;
    assert_eq!(error.expect_err("too slow"), StartError::Timeout);
    assert_eq!(node.whereis("tree"), None);
    let until = node.now() + LONG;
    while !node.processes().is_empty() && node.now() < until {
        time::timeout_on(&node, ms(1), std::future::pending::<()>()).await;
    }
    // It traps exits, so it had its last word.
    assert_eq!(log.count("stop a: killed"), 1);
    assert_eq!(node.processes(), []);
}

/// otp: the name of a child leads to it, and dies with it.
#[foundation::test]
async fn children_have_names_of_their_own(w: World) {
    const A: Name<Kid> = Name::new("kid a");
    let (node, log) = (w.node(), Log::default());
    let named = || child_with::<Kid>(Cfg::new(&log, "a")).name(A);
    let tree = Supervisor::one_for_one()
        .intensity(3, secs(5))
        .child(named());
    let tree = tree.start(&node).await.expect("started");
    let before = node.at(A).pid();
    node.at(A).crash().expect("portable");
    w.eventually(LONG, async || {
        node.at(A).find().is_some_and(|pid| pid != before)
    })
    .await;
    assert_eq!(node.at(A).title().await, Ok("a".to_owned()));
    // Somebody else has the name: the child cannot start.
    let rival = Supervisor::one_for_one().child(named()).start(&node).await;
    let text = rival.expect_err("the name is taken").to_string();
    assert!(text.contains("the name is taken"), "{text}");
    stop(&tree).await;
    assert_eq!(node.whereis("kid a"), None);
}

/// otp: a nested supervisor is started, counted and stopped as a child, deepest first.
#[foundation::test]
async fn nested_supervisors_start_and_stop_in_order(node: Node) {
    let log = Log::default();
    let inner = Supervisor::one_for_all()
        .child(kid(&log, "b"))
        .child(kid(&log, "c"))
        .id("inner");
    let tree = Supervisor::rest_for_one()
        .child(kid(&log, "a"))
        .child(inner)
        .child(kid(&log, "d").shutdown(secs(1)))
        .start(&node)
        .await
        .expect("started");
    let counts = tree.count_children().await.expect("answers");
    assert_eq!((counts.specs, counts.active), (3, 3));
    assert_eq!((counts.supervisors, counts.workers), (1, 2));
    let Some(ChildState::Running(inner)) = state_of(&tree, "inner").await else {
        panic!("inner does not run")
    };
    let death = Death::of(&node, inner).await;
    log.take();
    stop(&tree).await;
    assert_eq!(death.reason().await, Reason::Shutdown);
    let stops = |name: &str| [format!("stop {name}: shutdown"), format!("gone {name}")];
    assert_eq!(log.take(), ["d", "c", "b", "a"].map(stops).concat());
}

/// otp: a supervisor is given all the time it needs unless told otherwise.
#[test]
fn what_shutdown_a_child_gets_by_default() {
    use foundation::IntoChild;
    let log = Log::default();
    let five = Shutdown::Timeout(secs(5));
    assert_eq!(kid(&log, "a").into_child().shutdown, five);
    let tree = Supervisor::one_for_one().into_child();
    assert_eq!(tree.shutdown, Shutdown::Infinity);
    let dynamic = Supervisor::dynamic::<Kid>().into_child();
    assert_eq!(dynamic.shutdown, Shutdown::Infinity);
}
