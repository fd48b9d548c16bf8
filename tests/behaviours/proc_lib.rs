//! Does a plain process start as proc_lib starts one?
//!
//! Source     otp: proc_lib:start/5, start_link/5, init_ack/1, init_fail/2

use std::sync::{Arc, Mutex};

use foundation::prelude::*;
use foundation::{ChildState, InitAck, child_start_fn, promise};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom, children, inside, renewed, stop};

type Ended = Result<(), String>;

/// A start returns when the process says that it has started, with what it says and its address.
#[foundation::test]
async fn a_start_returns_when_the_process_says_so(node: Node) {
    let log = Log::default();
    let notes = log.clone();
    let serve = async move |mut me: Process<Word>, ack: InitAck<u16>| {
        me.node().sleep(ms(5)).await;
        notes.note("ready");
        ack.ok(8080);
        me.recv().await;
    };
    let (server, port) = node.start_fn(serve).name("server").await.expect("started");
    assert_eq!((port, log.take()), (8080, vec!["ready".to_owned()]));
    assert_eq!(node.whereis("server"), Some(server.pid()));
    let taken = node.start_fn(async |_: Process<Word>, ack: InitAck<()>| ack.ok(()));
    let taken = taken.name("server").await;
    assert_eq!(taken.err(), Some(StartError::AlreadyStarted(server.pid())));
    let death = Death::of(&node, &server).await;
    server.send(Word::Go).expect("local");
    assert_eq!(death.reason().await, Reason::Normal);
}

/// B178: a process that dies before it has said so is an error with its reason, however it dies, and
/// nothing of it is left when the starter learns of it.
#[foundation::test]
async fn b178_a_death_before_the_ack_is_an_error_with_the_reason(node: Node) {
    for way in 0..6 {
        let start = async move |me: Process<Word>, ack: InitAck<()>| -> Ended {
            let _ack = match way {
                0 => panic!("no start"),
                1 => return Err("returned".to_owned()),
                2 => return Ok(()),
                3 => foundation::exit(boom()),
                4 => {
                    ack.fail(Stop::new(boom()));
                    return Ok(());
                }
                _ => ack,
            };
            me.exit(me.pid(), boom());
            std::future::pending().await
        };
        let outcome = node.start_fn(start).name("server").await;
        assert_eq!(node.whereis("server"), None);
        let Err(StartError::Failed(reason)) = outcome else {
            panic!("{outcome:?}")
        };
        match way {
            0 => assert_crash(&reason, "no start"),
            1 => assert_eq!(reason, Reason::other("returned")),
            2 => assert_eq!(reason, Reason::Normal),
            _ => assert_eq!(reason, boom()),
        }
    }
    let ignored = async |_: Process<Word>, ack: InitAck<()>| ack.fail(Stop::Ignore);
    let ignored = node.start_fn(ignored).name("server").await;
    assert_eq!(ignored.err(), Some(StartError::Ignore));
    assert_eq!(node.whereis("server"), None);
    // The function itself may panic, before there is a future.
    let bad = |_: Process<Word>, _: InitAck<()>| -> std::future::Ready<()> { panic!("no body") };
    let Err(StartError::Failed(reason)) = node.start_fn(bad).await else {
        panic!("it started")
    };
    assert_crash(&reason, "no body");
}

/// B179: a linked start that takes too long leaves a dead process and no exit, whether its starter
/// traps exits or not.
#[foundation::test]
async fn b179_a_start_that_takes_too_long_leaves_nothing(node: Node) {
    for (traps, bound) in [(true, ms(5)), (false, ms(5)), (true, ms(0)), (false, ms(0))] {
        inside(&node, async move |me| {
            me.trap_exit(traps);
            let pid = Arc::new(Mutex::new(None));
            let own = Arc::clone(&pid);
            let slow = async move |me: Process<Word>, ack: InitAck<()>| {
                *own.lock().expect("short") = Some(me.pid());
                // One that forgets to say so is as slow as one that cannot.
                drop(ack);
                std::future::pending::<()>().await;
            };
            let node = me.node();
            let start = node.start_fn(slow).link().timeout(bound).name("slow");
            assert_eq!(start.await.err(), Some(StartError::Timeout));
            let pid = *pid.lock().expect("short");
            assert!(pid.is_none_or(|pid| !node.is_alive(pid)));
            assert_eq!(node.whereis("slow"), None);
            node.sleep(ms(5)).await;
            assert_eq!(me.info().message_queue_len, 0, "an exit is left");
            assert!(me.info().links.is_empty());
        })
        .await;
    }
}

/// A linked start that fails leaves no exit with who traps them; who does not falls with it, unless
/// it ended in order. One that succeeded is linked.
#[foundation::test]
async fn a_linked_start_shares_its_fate(node: Node) {
    inside(&node, async move |mut me| {
        me.trap_exit(true);
        let node = me.node();
        for _ in 0..5 {
            let fails = async |_: Process<Word>, _: InitAck<()>| boom();
            let failed = node.start_fn(fails).link().await;
            assert_eq!(failed.err(), Some(StartError::Failed(boom())));
            node.sleep(ms(1)).await;
            assert_eq!(me.info().message_queue_len, 0, "an exit is left");
        }
        // Another's exit stays.
        let other = async |_: Process<Word>, ack: InitAck<()>| ack.ok(());
        let (other, ()) = node.start_fn(other).link().await.expect("started");
        node.down(&other).await;
        let fails = async |_: Process<Word>, ack: InitAck<()>| ack.fail(Stop::Ignore);
        let failed = node.start_fn(fails).link().await;
        assert_eq!(failed.err(), Some(StartError::Ignore));
        let Mail::Exit(exit) = me.recv().await else {
            panic!("it is gone")
        };
        assert_eq!((exit.from, exit.reason), (other.pid(), Reason::Normal));
    })
    .await;
    for (reason, survives) in [(boom(), false), (Reason::Normal, true)] {
        let log = Log::default();
        let (notes, why) = (log.clone(), reason.clone());
        let starter = async move |mut me: Process<Word>| {
            me.recv().await;
            let fails = async move |_: Process<Word>, _: InitAck<()>| why;
            let failed = me.node().start_fn(fails).link().await;
            notes.note(format!("{:?}", failed.err()));
        };
        let starter = node.spawn_fn(starter).expect("spawned");
        let death = Death::of(&node, &starter).await;
        starter.send(Word::Go).expect("local");
        assert_eq!(death.reason().await, reason);
        assert_eq!(
            log.all().len(),
            usize::from(survives),
            "it saw the error first"
        );
    }
    let (reply, started) = promise(&node);
    let starter = async move |me: Process<Word>| {
        let child = async |mut me: Process<Word>, ack: InitAck<()>| {
            ack.ok(());
            drop(me.recv().await);
        };
        let (child, ()) = me.node().start_fn(child).link().await.expect("started");
        reply.send(child.pid());
        std::future::pending::<()>().await;
    };
    let starter = node.spawn_fn(starter).expect("spawned");
    let child = started.timeout(LONG).await.expect("started");
    let death = Death::of(&node, child).await;
    node.exit(&starter, boom());
    assert_eq!(death.reason().await, boom());
}

/// It is for the process itself to say that it has started.
#[foundation::test]
async fn only_the_process_itself_says_so(node: Node) {
    let (reply, stolen) = promise(&node);
    let gives = async move |_: Process<Word>, ack: InitAck<()>| {
        reply.send(ack);
        std::future::pending::<()>().await;
    };
    let start = node.start_fn(gives).timeout(ms(20)).into_future();
    let (start, stolen) = futures::join!(start, stolen.timeout(LONG));
    assert_eq!(start.err(), Some(StartError::Timeout));
    let stolen = stolen.expect("given");
    let thief = Task::spawn_nolink(&node, async move { stolen.ok(()) });
    let Err(TaskError::Exited(reason)) = thief.expect("spawned").await else {
        panic!("it said so")
    };
    assert_crash(&reason, "a process says itself that it has started");
}

/// Under a supervisor the next child starts when the one before says that it is ready; one that does
/// not fails the start, one that has nothing to run is kept as it is.
#[foundation::test]
async fn a_child_says_when_it_is_ready(w: World) {
    let node = w.node();
    let log = Log::default();
    let child = |id: &'static str, fails: &'static str| {
        let log = log.clone();
        child_start_fn(id, move |mut me: Process<Word>, ack: InitAck<()>| {
            let log = log.clone();
            async move {
                log.note(format!("start {id}"));
                me.node().sleep(ms(2)).await;
                match fails {
                    "fail" => return ack.fail(Stop::new(boom())),
                    "ignore" => return ack.fail(Stop::Ignore),
                    "hang" => std::future::pending().await,
                    _ => {}
                }
                log.note(format!("ready {id}"));
                ack.ok(());
                while let Mail::Msg(Word::Go) = me.recv().await {}
                panic!("told to");
            }
        })
    };
    let tree = Supervisor::one_for_one()
        .child(child("a", ""))
        .child(child("b", "ignore"))
        .child(child("c", ""))
        .start(&node)
        .await
        .expect("started");
    let lines = ["start a", "ready a", "start b", "start c", "ready c"];
    assert_eq!(log.take(), lines);
    let states = children(&tree).await;
    assert!(matches!(states[1].1, ChildState::Absent), "{states:?}");
    let ChildState::Running(before) = states[0].1 else {
        panic!("{states:?}")
    };
    node.send(before, Word::End(boom())).expect("local");
    renewed(&w, &tree, "a", before).await;
    assert_eq!(log.take(), ["start a", "ready a"]);
    stop(&tree).await;
    for (fails, bound) in [("fail", secs(5)), ("hang", ms(10))] {
        let tree = Supervisor::one_for_one()
            .child(child("a", ""))
            .child(child("b", fails).start_timeout(bound))
            .start(&node)
            .await;
        assert!(matches!(tree, Err(StartError::Failed(_))), "{tree:?}");
        assert_eq!(log.take(), ["start a", "ready a", "start b"]);
    }
    w.eventually(LONG, async || node.stats().processes == 0)
        .await;
}
