//! What can a static supervisor be asked (B120-B123, B128)?
//!
//! Source     otp: supervisor, "Functions"

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundation::prelude::*;
use foundation::supervisor::{DeleteError, RestartError, StartChildError, TerminateError};
use foundation::{ChildState, time};

use crate::support::{
    Cfg, LONG, Log, boom, kid, kid_of, pid_of, renewed, state_of, stop, until_queued,
};

async fn tree_of(node: &Node, log: &Log) -> Ref<Supervisor> {
    let tree = Supervisor::one_for_one().intensity(50, secs(5));
    let tree = tree.child(kid(log, "a")).child(kid(log, "b"));
    tree.start(node).await.expect("started")
}

/// B120: a child that runs is neither restarted nor deleted.
#[foundation::test]
async fn b120_restart_and_delete_of_a_running_child_are_refused(node: Node) {
    let log = Log::default();
    let tree = tree_of(&node, &log).await;
    let pid = pid_of(&tree, "a").await;
    assert_eq!(
        tree.restart_child("a").await,
        Ok(Err(RestartError::Running))
    );
    assert_eq!(tree.delete_child("a").await, Ok(Err(DeleteError::Running)));
    assert_eq!(pid_of(&tree, "a").await, pid);
    assert_eq!(log.count("init a"), 1);
    stop(&tree).await;
}

/// B121: a child that was terminated is started again from the same recipe.
#[foundation::test]
async fn b121_a_terminated_child_can_be_restarted(node: Node) {
    let log = Log::default();
    let tree = tree_of(&node, &log).await;
    let before = pid_of(&tree, "a").await;
    assert_eq!(tree.terminate_child("a").await, Ok(Ok(())));
    // The answer comes when the child is dead.
    assert!(!node.is_alive(before));
    assert_eq!(log.count("gone a"), 1);
    assert_eq!(state_of(&tree, "a").await, Some(ChildState::Absent));
    // Terminating twice is no error.
    assert_eq!(tree.terminate_child("a").await, Ok(Ok(())));
    let Ok(Ok(Some(pid))) = tree.restart_child("a").await else {
        panic!("not restarted")
    };
    assert_eq!(pid_of(&tree, "a").await, pid);
    assert_eq!(kid_of(&tree, "a").await.title().await, Ok("a".to_owned()));
    assert_eq!(log.count("init a"), 2);
    // Its place in the order is what it was.
    log.take();
    stop(&tree).await;
    let order = ["stop b: shutdown", "gone b", "stop a: shutdown", "gone a"];
    assert_eq!(log.take(), order);
}

/// B122: an unknown id is not found.
#[foundation::test]
async fn b122_an_unknown_id_is_not_found(node: Node) {
    let log = Log::default();
    let tree = tree_of(&node, &log).await;
    let not_found = Ok(Err(TerminateError::NotFound));
    assert_eq!(tree.terminate_child("z").await, not_found);
    assert_eq!(
        tree.restart_child("z").await,
        Ok(Err(RestartError::NotFound))
    );
    assert_eq!(tree.delete_child("z").await, Ok(Err(DeleteError::NotFound)));
    assert_eq!(tree.terminate_child("a").await, Ok(Ok(())));
    assert_eq!(tree.delete_child("a").await, Ok(Ok(())));
    assert_eq!(state_of(&tree, "a").await, None);
    assert_eq!(tree.terminate_child("a").await, not_found);
    stop(&tree).await;
}

/// B123: a child with the id of another is refused: already started, or already present.
#[foundation::test]
async fn b123_an_existing_id_is_not_started_twice(node: Node) {
    let log = Log::default();
    let tree = tree_of(&node, &log).await;
    let pid = pid_of(&tree, "a").await;
    let started = Err(StartChildError::AlreadyStarted(pid));
    assert_eq!(tree.start_child(kid(&log, "a")).await, Ok(started));
    assert_eq!(tree.terminate_child("a").await, Ok(Ok(())));
    let present = Err(StartChildError::AlreadyPresent);
    assert_eq!(tree.start_child(kid(&log, "a")).await, Ok(present));
    assert_eq!(log.count("init a"), 1);
    stop(&tree).await;
}

/// otp: a child that is added runs behind all others; one that fails is not kept.
#[foundation::test]
async fn a_child_can_be_added_while_the_tree_runs(node: Node) {
    let log = Log::default();
    let tree = tree_of(&node, &log).await;
    let Ok(Ok(Some(pid))) = tree.start_child(kid(&log, "c")).await else {
        panic!("not started")
    };
    assert_eq!(pid_of(&tree, "c").await, pid);
    let failing = Cfg::new(&log, "d").starts(|_| Err(Stop::new(boom())));
    let failed = tree.start_child(failing.child()).await;
    assert_eq!(failed, Ok(Err(StartChildError::Failed(boom()))));
    assert_eq!(state_of(&tree, "d").await, None);
    let significant = kid(&log, "e").transient().significant();
    let invalid = tree.start_child(significant).await.expect("answers");
    assert!(
        matches!(invalid, Err(StartChildError::InvalidSpec(_))),
        "{invalid:?}"
    );
    assert_eq!(log.count("init e"), 0);
    log.take();
    stop(&tree).await;
    assert_eq!(log.take()[0], "stop c: shutdown");
}

/// Its restart fails, but only when the test lets it.
#[derive(Clone)]
struct Gate {
    log: Log,
    open: Arc<AtomicBool>,
}

struct Gated;

#[actor]
impl Gated {
    #[init]
    async fn init(gate: Gate) -> Result<Self, Stop> {
        gate.log.note("at the gate");
        if gate.log.count("at the gate") == 1 {
            return Ok(Self);
        }
        while !gate.open.load(Ordering::Acquire) {
            time::sleep(ms(1)).await;
        }
        match gate.log.count("at the gate") {
            2 => Err(Stop::new(boom())),
            _ => Ok(Self),
        }
    }

    #[cast]
    fn crash(&mut self) {
        panic!("crashed as told");
    }
}

/// B128: count_children while one child is restarting: it has a specification, and is not active.
/// B120 for it, too: it is neither restarted nor deleted by hand, and started is not present.
#[foundation::test]
async fn b128_a_restarting_child_is_counted_but_not_active(w: World) {
    let (node, log) = (w.node(), Log::default());
    let gate = Gate {
        log: log.clone(),
        open: Arc::default(),
    };
    let inner = Supervisor::one_for_one().id("inner");
    let tree = Supervisor::one_for_one()
        .intensity(5, secs(5))
        .child(kid(&log, "a"))
        .child(child_with::<Gated>(gate.clone()).id("gated"))
        .child(inner)
        .start(&node)
        .await
        .expect("started");
    let gated = pid_of(&tree, "gated").await;
    node.reference::<Gated>(gated).crash().expect("portable");
    w.eventually(LONG, async || log.count("at the gate") == 2)
        .await;
    // The supervisor waits for the start. What is asked meanwhile is served before the next try.
    let asking = {
        let tree = tree.clone();
        Task::spawn_nolink(&node, async move { tree.count_children().await })
    };
    let mut asking = asking.expect("spawned");
    until_queued(&w, &node, tree.pid(), 1).await;
    gate.open.store(true, Ordering::Release);
    let counts = asking.join(LONG).await.expect("done").expect("answered");
    assert_eq!((counts.specs, counts.active), (3, 2));
    assert_eq!((counts.supervisors, counts.workers), (1, 2));
    renewed(&w, &tree, "gated", gated).await;
    let counts = tree.count_children().await.expect("answered");
    assert_eq!((counts.specs, counts.active), (3, 3));
    stop(&tree).await;
}

/// otp: a restarting child is shown as such, and is neither restarted, deleted nor started
/// by hand; terminate_child ends the tries.
#[foundation::test]
async fn a_restarting_child_can_only_be_terminated(w: World) {
    let node = w.node();
    for verb in ["which", "restart", "delete", "start", "terminate"] {
        let log = Log::default();
        let gate = Gate {
            log: log.clone(),
            open: Arc::default(),
        };
        let gated = || child_with::<Gated>(gate.clone()).id("gated");
        let tree = Supervisor::one_for_one()
            .intensity(9, secs(5))
            .child(gated());
        let tree = tree.start(&node).await.expect("started");
        let pid = pid_of(&tree, "gated").await;
        node.reference::<Gated>(pid).crash().expect("portable");
        w.eventually(LONG, async || log.count("at the gate") == 2)
            .await;
        let (asked, other) = (tree.clone(), gated());
        let asking = Task::spawn_nolink(&node, async move {
            match verb {
                "which" => {
                    let state = state_of(&asked, "gated").await;
                    assert_eq!(state, Some(ChildState::Restarting));
                }
                "restart" => {
                    let answer = asked.restart_child("gated").await;
                    assert_eq!(answer, Ok(Err(RestartError::Restarting)));
                }
                "delete" => {
                    let answer = asked.delete_child("gated").await;
                    assert_eq!(answer, Ok(Err(DeleteError::Restarting)));
                }
                "start" => {
                    let answer = asked.start_child(other).await;
                    assert_eq!(answer, Ok(Err(StartChildError::AlreadyPresent)));
                }
                _ => {
                    assert_eq!(asked.terminate_child("gated").await, Ok(Ok(())));
                    let state = state_of(&asked, "gated").await;
                    assert_eq!(state, Some(ChildState::Absent));
                }
            }
        });
        until_queued(&w, &node, tree.pid(), 1).await;
        gate.open.store(true, Ordering::Release);
        let mut asking = asking.expect("spawned");
        assert_eq!(asking.join(LONG).await, Ok(()), "{verb}");
        if verb == "terminate" {
            assert_eq!(log.count("at the gate"), 2);
        } else {
            renewed(&w, &tree, "gated", pid).await;
        }
        stop(&tree).await;
    }
}
