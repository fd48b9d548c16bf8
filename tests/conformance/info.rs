//! Questions to a process, suspending it, and its sleep (B068-B072).
//!
//! Source     otp: erlang:process_info/2, suspend_process/1, hibernate/3

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{Status, SuspendError};

use crate::memory;
use crate::scene::Scene;
use crate::support::{Death, Got, LONG, Note, Puppet, boom, run};

/// B068: nothing is known of a dead process, in a process and outside.
#[foundation::test]
pub(crate) async fn b068_nothing_is_known_of_the_dead(s: Scene) {
    let (here, there) = s.nodes();
    let dead = Puppet::dead(&there).await.pid();
    assert_eq!(here.info(dead, LONG).await, Ok(None));
    let p = Puppet::start(&here);
    let answer = p.wait(move |me| async move { me.node().info(dead, LONG).await });
    assert_eq!(answer.await, Ok(None));
}

/// B069: a process without a name has no registered name.
#[foundation::test]
async fn b069_an_unnamed_process_has_no_name(node: Node) {
    let p = Puppet::start(&node);
    assert_eq!(p.ask(|me| me.info().registered_name).await, None);
    node.register("n", &p).expect("free");
    let name = p.ask(|me| me.info().registered_name).await;
    assert_eq!(name.as_deref(), Some("n"));
}

/// A puppet that was asked is about to wait, or waits.
fn awake(status: Status) -> bool {
    matches!(status, Status::Running | Status::Waiting)
}

async fn suspend(by: &Puppet, target: &Puppet) -> Result<(), SuspendError> {
    let target = target.pid();
    by.wait(move |me| me.suspend(target, LONG)).await
}

async fn resume(by: &Puppet, target: &Puppet) -> Result<(), SuspendError> {
    let target = target.pid();
    by.wait(move |me| me.resume(target, LONG)).await
}

/// B070: a suspended process says so and handles nothing, until it was resumed as often.
#[foundation::test]
async fn b070_resumes_balance_suspends(node: Node) {
    let (p, s, other) = (
        Puppet::start(&node),
        Puppet::start(&node),
        Puppet::start(&node),
    );
    assert!(awake(p.info().await.status));
    assert_eq!(resume(&s, &p).await, Err(SuspendError::NotSuspended));
    for _ in 0..2 {
        assert_eq!(suspend(&s, &p).await, Ok(()));
    }
    s.note(&p, 1).await;
    let info = p.info().await;
    assert_eq!(
        (info.status, info.message_queue_len),
        (Status::Suspended, 1)
    );
    assert_eq!(info.suspended_by, [s.pid()]);
    assert_eq!(resume(&other, &p).await, Err(SuspendError::NotSuspended));
    assert_eq!(resume(&s, &p).await, Ok(()));
    assert_eq!(p.info().await.status, Status::Suspended);
    assert_eq!(resume(&s, &p).await, Ok(()));
    assert_eq!(p.log().await, [Got::Note(1)]);
    assert_eq!(resume(&s, &p).await, Err(SuspendError::NotSuspended));
    let watched = s.info().await.monitored_by;
    assert!(watched.is_empty(), "{watched:?} of a suspend stay behind");
    assert_eq!(suspend(&s, &s).await, Err(SuspendError::NoProc));
    let dead = Puppet::dead(&node).await;
    assert_eq!(suspend(&s, &dead).await, Err(SuspendError::NoProc));
}

/// B070: signals act on a suspended process: an exit ends it at once.
#[foundation::test]
async fn an_exit_ends_a_suspended_process(node: Node) {
    let (p, s) = (Puppet::start(&node), Puppet::start(&node));
    assert_eq!(suspend(&s, &p).await, Ok(()));
    let death = Death::of(&node, &p).await;
    s.exit(&p, boom()).await;
    assert_eq!(death.reason().await, boom());
}

/// A suspender that ends resumes whom it suspended; others' suspends stay.
#[foundation::test]
async fn the_end_of_a_suspender_resumes(node: Node) {
    let (p, s, t) = (
        Puppet::start(&node),
        Puppet::start(&node),
        Puppet::start(&node),
    );
    assert_eq!(suspend(&s, &p).await, Ok(()));
    assert_eq!(suspend(&t, &p).await, Ok(()));
    for (suspender, runs) in [(&s, false), (&t, true)] {
        node.exit(suspender, Reason::Kill);
        let until = node.now() + LONG;
        while p.info().await.suspended_by.contains(&suspender.pid()) {
            assert!(node.now() < until, "it stays suspended");
            node.sleep(Duration::from_millis(1)).await;
        }
        let status = p.info().await.status;
        assert_eq!(awake(status), runs, "{status:?}");
    }
    assert_eq!(p.log().await, []);
}

/// A busy process does not run any more once a suspend has returned.
#[foundation::test]
async fn a_suspended_process_does_not_run(node: Node) {
    let turns = Arc::new(AtomicU64::new(0));
    let own = Arc::clone(&turns);
    let busy = node
        .spawn_fn(move |mut me: Process<Note>| async move {
            loop {
                me.send(me.pid(), Note(0)).expect("local");
                me.recv().await;
                own.fetch_add(1, Ordering::SeqCst);
                // Its turns are long, so that a suspend finds it in the middle of one.
                (0..5000).for_each(|_| std::hint::spin_loop());
            }
        })
        .expect("spawned");
    let (s, target) = (Puppet::start(&node), busy.pid());
    for _ in 0..5 {
        let during = Arc::clone(&turns);
        s.wait(move |me| async move {
            me.suspend(target, LONG).await.expect("it yields");
            let before = during.load(Ordering::SeqCst);
            me.node().sleep(Duration::from_millis(2)).await;
            assert_eq!(during.load(Ordering::SeqCst), before, "it ran on");
            me.resume(target, LONG).await.expect("it was suspended");
        })
        .await;
    }
    // It never waits, so time would stand still for ever.
    node.exit(&busy, Reason::Kill);
}

/// B071: the parent of P, a child of Q, is Q; one started from outside has none.
#[foundation::test]
async fn b071_the_parent_is_who_spawned(node: Node) {
    let q = Puppet::start(&node);
    assert_eq!(q.info().await.parent, None);
    assert_eq!(q.ask(|me| me.parent()).await, None);
    let p = q.ask(|me| Puppet::start(&me.node())).await;
    assert_eq!(p.info().await.parent, Some(q.pid()));
    assert_eq!(p.ask(|me| me.parent()).await, Some(q.pid()));
    let death = Death::of(&node, &q).await;
    q.end(boom());
    death.reason().await;
    assert_eq!(
        p.info().await.parent,
        Some(q.pid()),
        "the dead stay parents"
    );
}

/// Waits until a process that is on its way to sleep does.
async fn sleeps(node: &Node, pid: Pid, how: Status) {
    let until = node.now() + LONG;
    loop {
        let info = node.info(pid, LONG).await.expect("answered");
        let status = info.expect("alive").status;
        if status == how {
            return;
        }
        assert_eq!(status, Status::Running, "it should be {how:?} at last");
        assert!(node.now() < until, "it runs for ever");
        node.sleep(Duration::from_millis(1)).await;
    }
}

/// B072: a hibernating process gives memory back, keeps its state, and wakes with any message.
#[foundation::test]
async fn b072_hibernation_keeps_the_state_and_gives_memory_back(node: Node) {
    let (told, report) = foundation::promise::<(isize, isize)>(&node);
    let sleeper = node
        .spawn_fn(move |mut me: Process<Note>| async move {
            let mut state = vec![41];
            for key in 0..1000 {
                me.put(&key.to_string(), key);
            }
            for key in 0..1000 {
                me.erase::<i32>(&key.to_string());
            }
            let before = memory::live();
            me.hibernate();
            told.send((before, memory::live()));
            let Mail::Msg(Note(n)) = me.recv().await else {
                panic!("something else came");
            };
            state.push(n);
            assert_eq!(me.info().status, Status::Running);
            let Mail::Down(down) = me.recv().await else {
                panic!("something else came");
            };
            assert_eq!((down.reason, &state[..]), (Reason::NoProc, &[41, 42][..]));
        })
        .expect("spawned");
    let (before, after) = report.await.expect("it tells");
    assert!(after < before - 1000, "{before} bytes, then {after}");
    sleeps(&node, sleeper.pid(), Status::Hibernating).await;
    let death = Death::of(&node, &sleeper).await;
    sleeper.send(Note(42)).expect("local");
    sleeps(&node, sleeper.pid(), Status::Waiting).await;
    node.exit(&sleeper, boom());
    assert_eq!(death.reason().await, boom());
}

/// otp: with a message in the queue, hibernation is over before it begins; a trapped exit
/// and a DOWN wake as a message does.
#[foundation::test]
async fn everything_in_the_queue_wakes_from_hibernation(node: Node) {
    run(&node, |mut me: Process<Note>| async move {
        me.trap_exit(true);
        let dead = me
            .node()
            .spawn_fn(|_: Process<Note>| async {})
            .expect("spawned");
        me.node().down(&dead).await;
        for round in 0..4 {
            me.hibernate();
            let alias = me.alias(foundation::AliasMode::ExplicitUnalias);
            match round {
                0 => me.send(me.pid(), Note(0)).expect("local"),
                1 => me.exit(me.pid(), boom()),
                2 => drop(me.monitor(&dead)),
                _ => me.send_alias(alias, Note(0)),
            }
            let waits = me.receive(|mail: Mail<Note>| Err::<(), _>(mail));
            assert!(waits.timeout(Duration::from_millis(1)).await.is_err());
            let asker = me.node();
            let (own, (told, status)) = (me.pid(), foundation::promise(&asker));
            let ask = move |_: Process<Note>| async move {
                let info = asker.info(own, LONG).await.expect("answered");
                told.send(info.expect("alive").status);
            };
            me.node().spawn_fn(ask).expect("spawned");
            assert_eq!(status.await, Ok(Status::Waiting), "round {round}");
            me.recv().await;
        }
    })
    .await;
}

/// A crash is counted before anybody is told of it: whoever learns of it finds it in the figures.
#[foundation::test(seeds = 3)]
async fn a_crash_is_counted_before_it_is_told(node: Node) {
    for nth in 1..=300 {
        let puppet = Puppet::start(&node);
        let down = node.down(puppet.pid());
        let mut down = std::pin::pin!(down);
        assert!(futures::poll!(down.as_mut()).is_pending());
        node.exit(puppet.pid(), boom());
        assert_eq!(down.await.reason, boom());
        let stats = node.stats();
        assert_eq!((stats.crashed, stats.ended), (nth, nth));
    }
}

/// Beyond the rows: figures that nobody counts are unavailable, never zero.
#[foundation::test]
async fn memory_is_unavailable_without_the_allocator(node: Node) {
    let p = Puppet::start(&node);
    let info = node.info(p.pid(), LONG).await.expect("it answers");
    let info = info.expect("it is alive");
    assert_eq!((info.memory, info.heap), (None, None));
    assert_eq!(node.memory(), None);
}
