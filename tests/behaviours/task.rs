//! What is one computation in a process of its own?
//!
//! Source     elixir: Task, "await", "yield", "shutdown"

use std::sync::Arc;

use foundation::prelude::*;
use foundation::{TaskError, promise, time};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom, inside};

/// A task gives its value once it has one; until then join times out and the task runs on.
#[foundation::test]
async fn join_waits_for_the_value(node: Node) {
    let (reply, gate) = promise::<u32>(&node);
    let task = Task::spawn_nolink(&node, async move { gate.timeout(LONG).await });
    let mut task = task.expect("spawned");
    assert_eq!(task.join(ms(10)).await, Err(TaskError::Timeout));
    assert_eq!(task.join(ms(0)).await, Err(TaskError::Timeout));
    assert!(node.is_alive(task.pid()));
    reply.send(7);
    assert_eq!(task.join(LONG).await, Ok(Ok(7)));
}

/// Awaited, a task gives its value however long it takes; awaited by reference it may be left and
/// awaited again.
#[foundation::test]
async fn a_task_is_a_future(w: World) {
    let node = w.node();
    let long = if w.is_simulated() { secs(1000) } else { ms(50) };
    let slow = Task::spawn(&node, async move {
        time::sleep(long).await;
        7
    });
    assert_eq!(slow.expect("spawned").await, Ok(7));
    let (reply, gate) = promise::<u32>(&node);
    let task = Task::spawn_nolink(&node, async move { gate.timeout(LONG).await });
    let mut task = task.expect("spawned");
    for _ in 0..2 {
        let mut waiting = (&mut task).into_future();
        assert!(futures::poll!(waiting.as_mut()).is_pending());
    }
    reply.send(8);
    assert_eq!((&mut task).await, Ok(Ok(8)));
    let fails = Task::<()>::spawn_nolink(&node, async { foundation::exit(boom()) });
    let error = fails.expect("spawned").await;
    assert_eq!(error, Err(TaskError::Exited(boom())));
    // By its owner only.
    let task = Task::spawn_nolink(&node, async { 1 }).expect("spawned");
    let stranger = Task::spawn_nolink(&node, async move { task.await.is_ok() });
    let Err(TaskError::Exited(reason)) = stranger.expect("spawned").await else {
        panic!("a stranger got it")
    };
    assert!(
        reason
            .to_string()
            .contains("by the process that started it"),
        "{reason}"
    );
}

/// A task that ends without a value says why.
#[foundation::test]
async fn a_task_that_fails_says_why(node: Node) {
    let panics = Task::<()>::spawn_nolink(&node, async { panic!("no luck") });
    let error = panics.expect("spawned").join(LONG).await;
    let Err(TaskError::Exited(reason)) = error else {
        panic!("{error:?}")
    };
    assert_crash(&reason, "no luck");
    let exits = Task::<()>::spawn_nolink(&node, async { foundation::exit(boom()) });
    let error = exits.expect("spawned").join(LONG).await;
    assert_eq!(error, Err(TaskError::Exited(boom())));
    let killed = Task::<()>::spawn_nolink(&node, std::future::pending());
    let mut killed = killed.expect("spawned");
    node.exit(killed.pid(), Reason::Kill);
    let error = killed.join(LONG).await;
    assert_eq!(error, Err(TaskError::Exited(Reason::Killed)));
}

/// A linked owner that does not trap dies with its task, and the task with its owner; one that
/// traps, or is not linked, does not.
#[foundation::test]
async fn a_linked_task_and_its_owner_share_their_fate(node: Node) {
    for (linked, traps) in [(true, false), (true, true), (false, false)] {
        let log = Log::default();
        let notes = log.clone();
        let owner = async move |mut me: Process<Word>| {
            me.trap_exit(traps);
            me.recv().await;
            let work = async { foundation::exit(boom()) };
            let task = match linked {
                true => Task::<()>::spawn(&me.node(), work),
                false => Task::<()>::spawn_nolink(&me.node(), work),
            };
            let error = task.expect("spawned").join(LONG).await;
            assert_eq!(error, Err(TaskError::Exited(boom())));
            notes.note("joined");
            if linked {
                assert!(matches!(me.recv().await, Mail::Exit(_)));
            }
        };
        let owner = node.spawn_fn(owner).expect("spawned");
        let death = Death::of(&node, &owner).await;
        owner.send(Word::Go).expect("local");
        let reason = death.reason().await;
        if linked && !traps {
            assert_eq!(reason, boom());
            assert_eq!(log.count("joined"), 0);
        } else {
            assert_eq!(reason, Reason::Normal);
            assert_eq!(log.count("joined"), 1);
        }
    }
    // The other way round.
    let (reply, started) = promise(&node);
    let owner = async move |me: Process<Word>| {
        let task = Task::<()>::spawn(&me.node(), std::future::pending());
        reply.send(task.expect("spawned").pid());
        std::future::pending::<()>().await;
    };
    let owner = node.spawn_fn(owner).expect("spawned");
    let task = started.timeout(LONG).await.expect("started");
    let death = Death::of(&node, task).await;
    node.exit(&owner, boom());
    assert_eq!(death.reason().await, boom());
}

/// Shutdown gives the value of a task that was done, ends one that is not, and kills one that does
/// not end; its owner is not hit.
#[foundation::test]
async fn shutdown_ends_the_task_in_any_case(w: World) {
    let node = w.node();
    for linked in [true, false] {
        let log = Log::default();
        let notes = log.clone();
        inside(&node, async move |me| {
            let start = |work: std::pin::Pin<Box<dyn Future<Output = u32> + Send>>| {
                let node = me.node();
                match linked {
                    true => Task::spawn(&node, work),
                    false => Task::spawn_nolink(&node, work),
                }
                .expect("spawned")
            };
            let done = start(Box::pin(async { 7 }));
            me.node().down(done.pid()).await;
            assert_eq!(done.shutdown(LONG).await, Ok(7));

            let idle = start(Box::pin(std::future::pending()));
            let pid = idle.pid();
            let ended = idle.shutdown(LONG).await;
            assert_eq!(ended, Err(TaskError::Exited(Reason::Shutdown)));
            assert!(!me.node().is_alive(pid));

            let deaf = start(Box::pin(async move {
                foundation::me().expect("a process").trap_exit(true);
                notes.note("deaf");
                std::future::pending().await
            }));
            while log.count("deaf") == 0 {
                me.node().sleep(ms(1)).await;
            }
            let pid = deaf.pid();
            let ended = deaf.shutdown(ms(20)).await;
            assert_eq!(ended, Err(TaskError::Exited(Reason::Killed)));
            assert!(!me.node().is_alive(pid));

            // One that ends in time with a value gives it.
            let held = Arc::new(());
            let inside = Arc::clone(&held);
            let slow = start(Box::pin(async move {
                foundation::me().expect("a process").trap_exit(true);
                let _held = inside;
                time::sleep(ms(30)).await;
                8
            }));
            while me
                .node()
                .info(slow.pid(), LONG)
                .await
                .expect("answers")
                .is_some_and(|info| !info.trap_exit)
            {
                me.node().sleep(ms(1)).await;
            }
            assert_eq!(slow.shutdown(LONG).await, Ok(8));
        })
        .await;
    }
}

/// A task is awaited by its owner; anybody else who tries is told so by a panic.
#[foundation::test]
async fn only_the_owner_joins(node: Node) {
    let task = Task::spawn_nolink(&node, async { 1 }).expect("spawned");
    let mut task = task;
    let other = Task::spawn_nolink(&node, async move {
        let _ = task.join(LONG).await;
    });
    let error = other.expect("spawned").join(LONG).await;
    let Err(TaskError::Exited(reason)) = error else {
        panic!("{error:?}")
    };
    let Reason::Crash(crash) = reason else {
        panic!("{reason}")
    };
    assert!(
        crash
            .message
            .contains("awaited by the process that started it")
    );
}
