//! Are tasks started, awaited and ended as Elixir's are?
//!
//! Source     elixir: Task, "async and await", "await_many", "yield", "shutdown", "ignore"

use foundation::prelude::*;
use foundation::{TaskError, child_task, promise, time};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom, inside, stop};

/// B203: a task that crashes takes its linked owner along, and the owner does not even see the
/// task's error first.
#[foundation::test]
async fn b203_a_crash_of_a_task_ends_its_linked_owner(node: Node) {
    let log = Log::default();
    let notes = log.clone();
    let owner = async move |mut me: Process<Word>| {
        me.recv().await;
        let task = Task::<()>::spawn(&me.node(), async { panic!("no luck") });
        notes.note("awaits");
        let seen = task.expect("spawned").await;
        notes.note(format!("saw {seen:?}"));
    };
    let owner = node.spawn_fn(owner).expect("spawned");
    let death = Death::of(&node, &owner).await;
    owner.send(Word::Go).expect("local");
    assert_crash(&death.reason().await, "no luck");
    assert_eq!(log.all(), ["awaits"]);
}

/// B204: a task without a link concerns its owner when it is awaited, not before. It may
/// then die of the same reason.
#[foundation::test]
async fn b204_a_crash_without_a_link_comes_at_the_await(node: Node) {
    let (reply, alive) = promise(&node);
    let owner = async move |mut me: Process<Word>| {
        me.recv().await;
        let task = Task::<()>::spawn_nolink(&me.node(), async { foundation::exit(boom()) });
        let task = task.expect("spawned");
        me.node().down(task.pid()).await;
        reply.send(());
        match task.await {
            Err(TaskError::Exited(reason)) => foundation::exit(reason),
            other => panic!("{other:?}"),
        }
    };
    let owner = node.spawn_fn(owner).expect("spawned");
    let death = Death::of(&node, &owner).await;
    owner.send(Word::Go).expect("local");
    assert_eq!(alive.timeout(LONG).await, Ok(()));
    assert_eq!(death.reason().await, boom());
}

/// B206: who is not the owner cannot await a task, in whichever way.
#[foundation::test]
async fn b206_a_stranger_cannot_await(node: Node) {
    type Way = fn(Task<u32>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    let ways: [Way; 6] = [
        |task| Box::pin(async { drop(task.await) }),
        |mut task| Box::pin(async move { drop(task.join(LONG).await) }),
        |task| Box::pin(async { drop(Task::await_many([task], LONG).await) }),
        |task| Box::pin(async { drop(Task::yield_many(&mut [task], LONG).await) }),
        |task| Box::pin(async { drop(task.shutdown(LONG).await) }),
        |task| Box::pin(async { drop(task.ignore()) }),
    ];
    for way in ways {
        let task = Task::spawn_nolink(&node, async { 1 }).expect("spawned");
        let stranger = Task::spawn_nolink(&node, async move { way(task).await });
        let Err(TaskError::Exited(Reason::Crash(crash))) = stranger.expect("spawned").await else {
            panic!("a stranger got it")
        };
        let text = "awaited by the process that started it";
        assert!(crash.message.contains(text), "{}", crash.message);
    }
}

/// B207: a join that times out leaves the task running, and it can be joined again. A value is
/// given once; asked for again, that is said.
#[foundation::test]
async fn b207_a_join_can_be_repeated(node: Node) {
    let (reply, gate) = promise::<u32>(&node);
    let task = Task::spawn_nolink(&node, async move { gate.timeout(LONG).await });
    let mut task = task.expect("spawned");
    for bound in [ms(0), ms(5), ms(20)] {
        assert_eq!(task.join(bound).await, Err(TaskError::Timeout));
        assert!(node.is_alive(task.pid()));
    }
    reply.send(7);
    assert_eq!(task.join(std::time::Duration::MAX).await, Ok(Ok(7)));
    assert_eq!(task.join(LONG).await, Err(TaskError::Taken));
    assert_eq!((&mut task).await, Err(TaskError::Taken));
    assert_eq!(task.shutdown(LONG).await, Err(TaskError::Taken));
}

/// B208: of many tasks that are awaited the first failure ends the wait at once, and the others.
#[foundation::test]
async fn b208_await_many_ends_with_the_first_failure(w: World) {
    let node = w.node();
    let forever = || Task::<u32>::spawn_nolink(&node, std::future::pending()).expect("spawned");
    let fails = Task::<u32>::spawn_nolink(&node, async {
        time::sleep(ms(5)).await;
        foundation::exit(boom())
    });
    let tasks = [forever(), fails.expect("spawned"), forever()];
    let pids = [tasks[0].pid(), tasks[2].pid()];
    let outcome = Task::await_many(tasks, std::time::Duration::MAX).await;
    assert_eq!(outcome, Err(TaskError::Exited(boom())));
    for pid in pids {
        let reason = node.down(pid).await.reason;
        assert!(
            matches!(reason, Reason::Shutdown | Reason::NoProc),
            "{reason}"
        );
    }
    // In the order of the tasks, whatever the order in which they are done.
    let each = [20, 1, 10].map(|n| {
        let work = async move {
            time::sleep(ms(n)).await;
            n
        };
        Task::spawn(&node, work).expect("spawned")
    });
    assert_eq!(Task::await_many(each, LONG).await, Ok(vec![20, 1, 10]));
    assert_eq!(Task::<u32>::await_many([], ms(0)).await, Ok(vec![]));
    // Time is up: nobody is left.
    let slow = [forever()];
    let pid = slow[0].pid();
    assert_eq!(Task::await_many(slow, ms(5)).await, Err(TaskError::Timeout));
    node.down(pid).await;
}

/// B209: a value that lies there is the outcome of a shutdown.
#[foundation::test]
async fn b209_a_shutdown_gives_the_value_that_is_there(node: Node) {
    for linked in [true, false] {
        inside(&node, async move |me| {
            let work = async { 7 };
            let task = match linked {
                true => Task::spawn(&me.node(), work),
                false => Task::spawn_nolink(&me.node(), work),
            };
            let task = task.expect("spawned");
            me.node().down(task.pid()).await;
            assert_eq!(task.shutdown(ms(0)).await, Ok(7));
        })
        .await;
    }
}

/// Of many tasks each says what it has; those that have nothing run on.
#[foundation::test]
async fn yield_many_says_what_each_has(node: Node) {
    let (reply, gate) = promise::<u32>(&node);
    let quick = Task::spawn_nolink(&node, async { 1 });
    let slow = Task::spawn_nolink(
        &node,
        async move { gate.timeout(LONG).await.expect("open") },
    );
    let fails = Task::<u32>::spawn_nolink(&node, async { foundation::exit(boom()) });
    let mut tasks = [quick, slow, fails].map(|task| task.expect("spawned"));
    node.down(tasks[0].pid()).await;
    node.down(tasks[2].pid()).await;
    let failed = Some(Err(TaskError::Exited(boom())));
    let outcomes = Task::yield_many(&mut tasks, ms(5)).await;
    assert_eq!(outcomes, [Some(Ok(1)), None, failed]);
    // One is enough: those that were taken say so.
    let outcomes = Task::yield_some(&mut tasks, 1, LONG).await;
    let taken = Some(Err(TaskError::Taken));
    assert_eq!(outcomes, [taken.clone(), None, taken.clone()]);
    reply.send(2);
    let outcomes = Task::yield_many(&mut tasks, LONG).await;
    assert_eq!(outcomes, [taken.clone(), Some(Ok(2)), taken]);
    assert_eq!(Task::<u32>::yield_many(&mut [], ms(0)).await, []);
    assert_eq!(Task::yield_some(&mut tasks, 0, LONG).await.len(), 3);
}

/// A task that is ignored runs on without a link; what it had is returned.
#[foundation::test]
async fn an_ignored_task_runs_on(node: Node) {
    let (reply, answer) = promise(&node);
    inside(&node, async move |me| {
        let done = Task::spawn(&me.node(), async { 7 }).expect("spawned");
        me.node().down(done.pid()).await;
        assert_eq!(done.ignore(), Some(Ok(7)));
        // Its crash does not come back, nor does this process's end go there.
        let crashes = Task::<()>::spawn(&me.node(), async {
            time::sleep(ms(5)).await;
            foundation::exit(boom())
        });
        let crashes = crashes.expect("spawned");
        let pid = crashes.pid();
        assert_eq!(crashes.ignore(), None);
        me.node().down(pid).await;
        let work = async move {
            time::sleep(ms(20)).await;
            reply.send("done");
        };
        assert_eq!(
            Task::spawn(&me.node(), work).expect("spawned").ignore(),
            None
        );
    })
    .await;
    assert_eq!(answer.timeout(LONG).await, Ok("done"));
}

/// A linked owner that traps exits learns of a crash in both ways, and lives.
#[foundation::test]
async fn an_owner_that_traps_exits_gets_both(node: Node) {
    inside(&node, async move |mut me| {
        me.trap_exit(true);
        let task = Task::<()>::spawn(&me.node(), async { foundation::exit(boom()) });
        let task = task.expect("spawned");
        let pid = task.pid();
        assert_eq!(task.await, Err(TaskError::Exited(boom())));
        let Mail::Exit(exit) = me.recv().await else {
            panic!("no exit")
        };
        assert_eq!((exit.from, exit.reason), (pid, boom()));
    })
    .await;
}

/// A task may be a child: it does its work once and is forgotten, or as its restart says.
#[foundation::test]
async fn a_task_may_be_a_child(w: World) {
    let node = w.node();
    let log = Log::default();
    let (once, again) = (log.clone(), log.clone());
    let work = move || {
        let log = once.clone();
        async move { log.note("once") }
    };
    let flaky = move || {
        let log = again.clone();
        async move {
            log.note("again");
            assert!(1 < log.count("again"), "the first time it fails");
        }
    };
    let tree = Supervisor::one_for_one()
        .child(child_task("once", work))
        .child(child_task("flaky", flaky).transient())
        .start(&node);
    let tree = tree.await.expect("started");
    w.eventually(LONG, async || log.count("again") == 2).await;
    w.eventually(LONG, async || {
        let counts = tree.count_children().await.expect("answers");
        (counts.specs, counts.active) == (1, 0)
    })
    .await;
    assert_eq!(log.count("once"), 1);
    stop(&tree).await;
}

/// A task that is completed has no process and has its value.
#[foundation::test]
async fn a_completed_task_has_its_value(node: Node) {
    let mut task = Task::completed(&node, 7);
    assert!(!node.is_alive(task.pid()));
    assert_eq!(task.join(ms(0)).await, Ok(7));
    assert_eq!(Task::completed(&node, 8).shutdown(ms(0)).await, Ok(8));
    assert_eq!(Task::completed(&node, 9).ignore(), Some(Ok(9)));
}

/// The exit of a linked task that its owner traps goes with the task.
#[foundation::test]
async fn a_shutdown_leaves_no_exit_behind(node: Node) {
    let (reply, left) = promise(&node);
    let owner = async move |me: Process<Word>| {
        me.trap_exit(true);
        let task = Task::<()>::spawn(&me.node(), async { foundation::exit(boom()) });
        let task = task.expect("spawned");
        while me.info().message_queue_len == 0 {
            time::sleep(ms(1)).await;
        }
        let outcome = task.shutdown(LONG).await;
        reply.send((outcome, me.info().message_queue_len));
    };
    node.spawn_fn(owner).expect("spawned");
    let (outcome, waiting) = left.timeout(LONG).await.expect("it says so");
    assert_eq!(outcome, Err(TaskError::Exited(boom())));
    assert_eq!(waiting, 0);
}
