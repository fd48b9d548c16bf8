//! Does a supervisor keep its tasks as Elixir's does?
//!
//! Source     elixir: Task.Supervisor

use foundation::prelude::*;
use foundation::supervisor::TerminateError;
use foundation::{Shutdown, TaskError, TaskStartError, TaskSupervisor, promise, time};

use crate::support::{Death, LONG, Log, Word, boom, inside};

const TASKS: Name<TaskSupervisor> = Name::new("tasks");

async fn supervisor(node: &Node) -> Ref<TaskSupervisor> {
    let started = TaskSupervisor::builder().start(node).await;
    started.expect("started")
}

/// Tasks under a supervisor give their values, are its children, and are forgotten when they end.
#[foundation::test]
async fn a_task_is_a_child_of_its_supervisor(w: World) {
    let node = w.node();
    let tasks = supervisor(&node).await;
    let (reply, gate) = promise::<u32>(&node);
    let waits = tasks.spawn_nolink(async move { gate.timeout(LONG).await });
    let waits = waits.await.expect("started");
    assert_eq!(tasks.children().await, Ok(vec![waits.pid()]));
    let info = node.info(waits.pid(), LONG).await.expect("answers");
    assert_eq!(info.expect("alive").parent, Some(tasks.pid()));
    reply.send(7);
    assert_eq!(waits.await, Ok(Ok(7)));
    let linked = tasks.spawn(async { 8 }).await.expect("started");
    assert_eq!(linked.await, Ok(8));
    w.eventually(LONG, async || tasks.children().await == Ok(vec![]))
        .await;
}

/// A linked task falls with its owner and the owner with it; without a link neither does. The
/// supervisor and the other tasks live on.
#[foundation::test]
async fn links_are_with_the_owner(node: Node) {
    let tasks = supervisor(&node).await;
    let bystander = tasks.start_child(std::future::pending()).await;
    let bystander = bystander.expect("started");
    for linked in [true, false] {
        // The task crashes.
        let (log, of) = (Log::default(), tasks.clone());
        let notes = log.clone();
        let owner = async move |mut me: Process<Word>| {
            me.recv().await;
            let work = async { foundation::exit(boom()) };
            let task = match linked {
                true => of.spawn::<(), _>(work).await,
                false => of.spawn_nolink::<(), _>(work).await,
            };
            let outcome = task.expect("started").await;
            assert_eq!(outcome, Err(TaskError::Exited(boom())));
            notes.note("alive");
        };
        let owner = node.spawn_fn(owner).expect("spawned");
        let death = Death::of(&node, &owner).await;
        owner.send(Word::Go).expect("local");
        let ended = if linked { boom() } else { Reason::Normal };
        assert_eq!(death.reason().await, ended);
        assert_eq!(log.count("alive"), usize::from(!linked));

        // The owner crashes.
        let (reply, started) = promise(&node);
        let of = tasks.clone();
        let owner = async move |mut me: Process<Word>| {
            let task = match linked {
                true => of.spawn::<(), _>(std::future::pending()).await,
                false => of.spawn_nolink::<(), _>(std::future::pending()).await,
            };
            reply.send(task.expect("started").pid());
            me.recv().await;
        };
        let owner = node.spawn_fn(owner).expect("spawned");
        let task = started.timeout(LONG).await.expect("started");
        // What was sent to the task before is there: its owner is linked.
        let death = Death::of(&node, task).await;
        node.exit(&owner, boom());
        node.down(&owner).await;
        if linked {
            assert_eq!(death.reason().await, boom());
        } else {
            assert!(node.is_alive(task));
            assert_eq!(tasks.terminate_child(task).await, Ok(Ok(())));
            assert_eq!(death.reason().await, Reason::Shutdown);
        }
    }
    assert!(node.is_alive(bystander));
    assert!(tasks.is_alive());
}

/// As many tasks as it may have; refused ones leave nothing, and it works again afterwards.
#[foundation::test]
async fn there_are_never_more_than_max_children(w: World) {
    let node = w.node();
    let tasks = TaskSupervisor::builder().max_children(2).start(&node).await;
    let tasks = tasks.expect("started");
    let first = tasks.start_child(std::future::pending()).await;
    let first = first.expect("started");
    let second = tasks.spawn_nolink::<(), _>(std::future::pending()).await;
    assert!(second.is_ok());
    let log = Log::default();
    let (a, b, c) = (log.clone(), log.clone(), log.clone());
    let refused = tasks.start_child(async move { a.note("ran") }).await;
    assert_eq!(refused, Err(TaskStartError::MaxChildren));
    let refused = tasks.spawn(async move { b.note("ran") }).await;
    assert_eq!(refused.err(), Some(TaskStartError::MaxChildren));
    let refused = tasks.spawn_nolink(async move { c.note("ran") }).await;
    assert_eq!(refused.err(), Some(TaskStartError::MaxChildren));
    assert_eq!(tasks.terminate_child(first).await, Ok(Ok(())));
    let again = tasks.spawn(async { 1 }).await.expect("started");
    assert_eq!(again.await, Ok(1));
    assert!(log.all().is_empty());
    let none = TaskSupervisor::builder().max_children(0).start(&node).await;
    let refused = none.expect("started").start_child(async {}).await;
    assert_eq!(refused, Err(TaskStartError::MaxChildren));
    let unknown = tasks.terminate_child(first).await;
    assert_eq!(unknown, Ok(Err(TerminateError::NotFound)));
}

/// Stopped, it asks all its tasks at once to end, and kills those that do not in their time.
#[foundation::test]
async fn stopping_it_stops_all_tasks_at_once(w: World) {
    let node = w.node();
    for (shutdown, clean) in [
        (Shutdown::Timeout(secs(5)), true),
        (Shutdown::Timeout(ms(20)), false),
        (Shutdown::BrutalKill, false),
    ] {
        let tasks = TaskSupervisor::builder()
            .shutdown(shutdown)
            .start(&node)
            .await;
        let tasks = tasks.expect("started");
        let log = Log::default();
        for n in 0..3 {
            let log = log.clone();
            let work = async move {
                let me = foundation::me().expect("a process");
                me.trap_exit(true);
                log.note("ready");
                // One that traps exits has to look at its mail; these end by themselves or never.
                while clean && me.info().message_queue_len == 0 {
                    time::sleep(ms(1)).await;
                }
                log.note(format!("asked {n}"));
                match clean {
                    true => time::sleep(ms(10)).await,
                    false => std::future::pending().await,
                }
                log.note(format!("gone {n}"));
            };
            tasks.start_child(work).await.expect("started");
        }
        w.eventually(LONG, async || log.count("ready") == 3).await;
        let children = tasks.children().await.expect("answers");
        let begun = node.now();
        assert_eq!(node.stop(&tasks, Reason::Shutdown, LONG).await, Ok(()));
        assert!(children.iter().all(|child| !node.is_alive(*child)));
        let lines = log.take();
        if clean {
            let asked: Vec<usize> = (0..lines.len())
                .filter(|at| lines[*at].starts_with("asked"))
                .collect();
            assert_eq!(asked, [3, 4, 5], "{lines:?}");
            assert_eq!(lines.len(), 9);
        } else {
            assert_eq!(
                lines.iter().filter(|line| line.starts_with("gone")).count(),
                0
            );
        }
        if w.is_simulated() && !clean {
            assert!(node.now() - begun < secs(1));
        }
    }
}

/// A start that nobody waits for any more starts nothing, or ends what it started.
#[foundation::test]
async fn a_start_can_be_called_off(w: World) {
    let node = w.node();
    let tasks = supervisor(&node).await;
    for _ in 0..20 {
        let log = Log::default();
        let notes = log.clone();
        let work = async move {
            std::future::pending::<()>().await;
            notes.note("unreachable");
        };
        let start = tasks.spawn_nolink(work);
        let mut start = Box::pin(start);
        if let std::task::Poll::Ready(task) = futures::poll!(start.as_mut()) {
            // It came to that so quickly.
            let _ = task.expect("started").shutdown(LONG).await;
            continue;
        }
        if w.random().is_multiple_of(2) {
            time::yield_now().await;
            node.sleep(std::time::Duration::from_micros(w.random() % 50))
                .await;
        }
        drop(start);
    }
    w.eventually(LONG, async || tasks.children().await == Ok(vec![]))
        .await;
}

/// It has a name, is a child of a tree, and is found again after a restart. Without it starts fail.
#[foundation::test]
async fn it_lives_in_a_tree(w: World) {
    let node = w.node();
    let at = node.at(TASKS);
    let refused = at.start_child(async {}).await;
    assert_eq!(refused, Err(TaskStartError::Supervisor(CallError::NoProc)));
    let tree = Supervisor::one_for_one().child(TaskSupervisor::builder().name(TASKS));
    let tree = tree.start(&node).await.expect("started");
    let task = at
        .start_child(std::future::pending())
        .await
        .expect("started");
    let before = at.pid();
    node.exit(before, Reason::Kill);
    node.down(task).await;
    w.eventually(LONG, async || at.find().is_some_and(|pid| pid != before))
        .await;
    assert_eq!(at.spawn(async { 1 }).await.expect("started").await, Ok(1));
    crate::support::stop(&tree).await;
    assert_eq!(at.find(), None);
}

/// Tasks are closures, and stay on their node: a supervisor elsewhere refuses them at the sender.
#[foundation::test]
async fn a_supervisor_on_another_node_refuses_tasks(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _link = w.connect(&a, &b);
    let there = TaskSupervisor::builder().name(TASKS).start(&b).await;
    let there = there.expect("started");
    for tasks in [
        a.reference::<TaskSupervisor>(there.pid()),
        a.remote("b").at(TASKS),
    ] {
        let refused = tasks.start_child(async {}).await;
        let Err(TaskStartError::Supervisor(CallError::NotPortable(_))) = refused else {
            panic!("{refused:?}")
        };
    }
    assert_eq!(there.children().await, Ok(vec![]));
}

/// An owner that ends while its linked task is being started takes it along.
#[foundation::test]
async fn a_task_does_not_begin_without_its_owner(w: World) {
    let node = w.node();
    let tasks = supervisor(&node).await;
    for round in 0..10 {
        let log = Log::default();
        let (of, notes) = (tasks.clone(), log.clone());
        let in_time = inside(&node, async move |me| {
            let start = of.spawn(async move {
                notes.note("began");
                std::future::pending::<()>().await;
            });
            let mut start = Box::pin(start);
            if let std::task::Poll::Ready(task) = futures::poll!(start.as_mut()) {
                let _ = task.expect("started").shutdown(LONG).await;
                return true;
            }
            let pause = std::time::Duration::from_micros(round * 5);
            me.node().sleep(pause).await;
            std::mem::forget(start);
            false
        });
        if !in_time.await {
            w.eventually(LONG, async || tasks.children().await == Ok(vec![]))
                .await;
            assert!(log.all().is_empty(), "it began without its owner");
        }
    }
    w.eventually(LONG, async || tasks.children().await == Ok(vec![]))
        .await;
}
