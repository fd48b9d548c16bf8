//! How does a supervisor stop, and who can hang it (B101-B103, B130, B216)?
//!
//! Source     otp: supervisor, "Child specification", shutdown

use foundation::prelude::*;
use foundation::{Child, ChildState, child_fn, promise};

use crate::support::{
    Cfg, Death, Kid, LONG, Log, Word, boom, inside, kid, kid_of, pid_of, stop, until_state,
};

/// B101: children are stopped in the reverse order of their start, one at a time.
#[foundation::test]
async fn b101_children_stop_in_reverse_order(node: Node) {
    let log = Log::default();
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(kid(&log, "b"))
        .child(kid(&log, "c"))
        .start(&node)
        .await
        .expect("started");
    log.take();
    stop(&tree).await;
    let stops = |name: &str| [format!("stop {name}: shutdown"), format!("gone {name}")];
    assert_eq!(log.take(), ["c", "b", "a"].map(stops).concat());
}

/// A plain process that traps exits, notes them, and takes no notice otherwise.
fn deaf(log: &Log, name: &'static str) -> Child<Word> {
    let log = log.clone();
    child_fn(name, move |mut me: Process<Word>| {
        let log = log.clone();
        async move {
            me.trap_exit(true);
            log.note(format!("up {name}"));
            loop {
                if let Mail::Exit(exit) = me.recv().await {
                    log.note(format!("told {name}: {}", exit.reason));
                }
            }
        }
    })
}

/// B102: a child that ignores shutdown is killed when its time is over, not before, and the others
/// are stopped all the same.
#[foundation::test]
async fn b102_who_ignores_shutdown_is_killed_in_the_end(w: World) {
    let (node, log) = (w.node(), Log::default());
    let stubborn = Cfg {
        stubborn: true,
        ..Cfg::new(&log, "c")
    };
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(deaf(&log, "b").shutdown(ms(100)))
        .child(stubborn.child().shutdown(ms(100)))
        .start(&node)
        .await
        .expect("started");
    log.until(&w, "up b").await;
    let b = Death::of(&node, pid_of(&tree, "b").await).await;
    let c = Death::of(&node, pid_of(&tree, "c").await).await;
    log.take();
    let begun = node.now();
    stop(&tree).await;
    if w.is_simulated() {
        let took = node.now() - begun;
        assert!(ms(200) <= took && took < ms(300), "{took:?}");
    }
    assert_eq!(b.reason().await, Reason::Killed);
    assert_eq!(c.reason().await, Reason::Killed);
    let order = [
        "stop c: shutdown",
        "told b: shutdown",
        "stop a: shutdown",
        "gone a",
    ];
    assert_eq!(log.take(), order);
}

/// B103: a brutal_kill child is killed at once, and its terminate does not run.
#[foundation::test]
async fn b103_brutal_kill_runs_no_terminate(node: Node) {
    let log = Log::default();
    let tree = Supervisor::one_for_one().child(kid(&log, "a").brutal_kill());
    let tree = tree.start(&node).await.expect("started");
    let death = Death::of(&node, pid_of(&tree, "a").await).await;
    log.take();
    stop(&tree).await;
    assert_eq!(death.reason().await, Reason::Killed);
    assert_eq!(log.take(), [""; 0]);
}

/// otp: infinity waits for as long as it takes.
#[foundation::test]
async fn infinity_waits_for_the_child(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one().child(deaf(&log, "a").shutdown_infinity());
    let tree = tree.start(&node).await.expect("started");
    log.until(&w, "up a").await;
    let pid = pid_of(&tree, "a").await;
    let bound = if w.is_simulated() { secs(3600) } else { ms(50) };
    let early = node.stop(&tree, Reason::Shutdown, bound).await;
    assert_eq!(early, Err(foundation::StopError::Timeout));
    assert!(node.is_alive(pid) && tree.is_alive());
    let death = Death::of(&node, &tree).await;
    node.exit(pid, Reason::Kill);
    assert_eq!(death.reason().await, Reason::Shutdown);
}

/// B130: when the parent of a supervisor dies, it stops its children and exits with that reason.
#[foundation::test]
async fn b130_the_end_of_the_parent_ends_the_tree(node: Node) {
    let log = Log::default();
    let children = [kid(&log, "a"), kid(&log, "b")];
    let (reply, started) = promise(&node);
    let parent = async move |mut me: Process<Word>| {
        let tree = Supervisor::one_for_one();
        let tree = children.into_iter().fold(tree, |tree, kid| tree.child(kid));
        let tree = tree.start(&me.node()).link().await.expect("started");
        reply.send(tree);
        match me.recv().await {
            Mail::Msg(Word::End(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    let parent = node.spawn_fn(parent).expect("spawned");
    let tree: Ref<Supervisor> = started.timeout(LONG).await.expect("started");
    let death = Death::of(&node, &tree).await;
    log.take();
    parent.send(Word::End(boom())).expect("local");
    assert_eq!(death.reason().await, boom());
    let order = ["stop b: shutdown", "gone b", "stop a: shutdown", "gone a"];
    assert_eq!(log.take(), order);
}

/// B216: the exit of a stranger is ignored; the parent's ends the supervisor with that reason,
/// even with `normal`.
#[foundation::test]
async fn b216_a_stranger_is_ignored_and_the_parent_obeyed(node: Node) {
    for reason in [boom(), Reason::Normal, Reason::Shutdown] {
        let log = Log::default();
        let kids = kid(&log, "a");
        let (expected, notes) = (reason.clone(), log.clone());
        inside(&node, async move |mut me| {
            me.trap_exit(true);
            let tree = Supervisor::one_for_one().child(kids);
            let tree = tree.start(&me.node()).link().await.expect("started");
            let (before, address) = (pid_of(&tree, "a").await, tree.clone());
            inside(&me.node(), async move |me| {
                for reason in [boom(), Reason::Normal, Reason::Shutdown] {
                    me.exit(&address, reason);
                }
                assert_eq!(pid_of(&address, "a").await, before);
            })
            .await;
            assert_eq!(notes.count("init a"), 1);
            assert!(tree.is_alive());
            me.exit(&tree, reason.clone());
            match me.recv().await {
                Mail::Exit(exit) => assert_eq!((exit.from, exit.reason), (tree.pid(), reason)),
                other => panic!("{other:?}"),
            }
        })
        .await;
        assert_eq!(log.count("stop a: shutdown"), 1, "{expected}");
    }
}

/// otp: a child that took its link away is watched by a monitor, and cannot hang the stop.
#[foundation::test]
async fn a_naughty_child_without_link_does_not_hang_the_stop(w: World) {
    let node = w.node();
    for way in ["timeout", "brutal", "infinity"] {
        let log = Log::default();
        let naughty = match way {
            "timeout" => kid(&log, "a"),
            "brutal" => kid(&log, "a").brutal_kill(),
            _ => kid(&log, "a").shutdown_infinity(),
        };
        let tree = Supervisor::one_for_one().child(naughty);
        let tree = tree.start(&node).await.expect("started");
        let naughty = kid_of(&tree, "a").await;
        let boss = tree.pid();
        let unlink = move |cx: &mut Cx<Kid>| cx.unlink(boss);
        naughty.perform(Box::new(unlink)).await.expect("alive");
        let death = Death::of(&node, &naughty).await;
        stop(&tree).await;
        let expected = match way {
            "brutal" => Reason::Killed,
            _ => Reason::Shutdown,
        };
        assert_eq!(death.reason().await, expected, "{way}");
    }
}

/// otp: so does one that takes its link away while it is being stopped.
#[foundation::test]
async fn a_child_that_unlinks_while_it_is_stopped_does_not_hang_the_stop(w: World) {
    let (node, log) = (w.node(), Log::default());
    let notes = log.clone();
    let sly = move |mut me: Process<Word>| {
        let notes = notes.clone();
        async move {
            me.trap_exit(true);
            let boss = me.parent().expect("a supervisor");
            notes.note("up");
            loop {
                if let Mail::Exit(_) = me.recv().await {
                    me.unlink(boss);
                    foundation::exit(Reason::Shutdown);
                }
            }
        }
    };
    let tree = Supervisor::one_for_one().child(child_fn("sly", sly).shutdown_infinity());
    let tree = tree.start(&node).await.expect("started");
    log.until(&w, "up").await;
    stop(&tree).await;
}

/// otp: a child that dies of something else while it is stopped is reported, not fatal.
#[foundation::test]
async fn a_child_that_crashes_while_it_is_stopped_is_not_fatal(node: Node) {
    struct Clumsy;

    #[actor]
    impl Clumsy {
        #[init]
        fn init(cx: &mut Cx<Self>) -> Self {
            cx.trap_exit(true);
            Self
        }

        #[terminate]
        fn bye(&mut self) {
            panic!("fell over");
        }
    }

    let log = Log::default();
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(child_with::<Clumsy>(()))
        .start(&node)
        .await
        .expect("started");
    stop(&tree).await;
    assert_eq!(log.count("gone a"), 1);
}

/// otp: terminate_child waits for the child, and a request that comes meanwhile is served
/// afterwards.
#[foundation::test]
async fn requests_wait_while_a_child_is_stopped(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one().child(deaf(&log, "a").shutdown_infinity());
    let tree = tree.start(&node).await.expect("started");
    log.until(&w, "up a").await;
    let pid = pid_of(&tree, "a").await;
    let (told, first, second) = (log.clone(), tree.clone(), tree.clone());
    let ending = Task::spawn_nolink(&node, async move { first.terminate_child("a").await });
    let ending = ending.expect("spawned");
    told.until(&w, "told a: shutdown").await;
    let counting = Task::spawn_nolink(&node, async move { second.count_children().await });
    let mut counting = counting.expect("spawned");
    let early = counting.join(ms(20)).await;
    assert_eq!(early.expect_err("it waits"), foundation::TaskError::Timeout);
    node.exit(pid, Reason::Kill);
    let mut ending = ending;
    assert_eq!(ending.join(LONG).await, Ok(Ok(Ok(()))));
    let counts = counting.join(LONG).await.expect("done").expect("answered");
    assert_eq!((counts.specs, counts.active), (1, 0));
    stop(&tree).await;
}

/// otp: requests that lie before a supervisor when it stops are answered: it is down.
#[foundation::test]
async fn callers_of_a_supervisor_that_stops_learn_it(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one().child(deaf(&log, "a").shutdown_infinity());
    let tree = tree.start(&node).await.expect("started");
    log.until(&w, "up a").await;
    let (pid, death) = (pid_of(&tree, "a").await, Death::of(&node, &tree).await);
    node.exit(&tree, Reason::Shutdown);
    log.until(&w, "told a: shutdown").await;
    let down = Err(CallError::Down(Reason::Shutdown));
    assert_eq!(tree.count_children().await, down);
    node.exit(pid, Reason::Kill);
    assert_eq!(death.reason().await, Reason::Shutdown);
    assert_eq!(tree.count_children().await, Err(CallError::NoProc));
}

/// otp: a supervisor that is killed takes its children with it.
#[foundation::test]
async fn a_killed_supervisor_takes_its_children_along(w: World) {
    let (node, log) = (w.node(), Log::default());
    let plain = Cfg {
        traps: false,
        ..Cfg::new(&log, "a")
    };
    let tree = Supervisor::one_for_one()
        .child(plain.child())
        .child(kid(&log, "b"))
        .start(&node)
        .await
        .expect("started");
    let a = Death::of(&node, pid_of(&tree, "a").await).await;
    let b = Death::of(&node, pid_of(&tree, "b").await).await;
    until_state(&w, &tree, "b", |state| {
        matches!(state, Some(ChildState::Running(_)))
    })
    .await;
    node.exit(&tree, Reason::Kill);
    assert_eq!(a.reason().await, Reason::Killed);
    assert_eq!(b.reason().await, Reason::Killed);
    // The one that traps had its last word; the other had none.
    assert_eq!(log.count("stop b: killed"), 1);
    assert_eq!(log.count("stop a: killed"), 0);
}
