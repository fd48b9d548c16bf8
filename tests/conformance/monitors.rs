//! Monitors: one DOWN each, at most, and what it says (B034-B048).
//!
//! Source     otp: erts, "Monitors"

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foundation::MonitorRef;
use foundation::prelude::*;

use crate::scene::Scene;
use crate::support::{Death, Got, LONG, Note, Puppet, boom, run, times};

/// The downs in a log.
fn downs(log: Vec<Got>) -> Vec<Down> {
    let down = |got| match got {
        Got::Down(down) => Some(down),
        _ => None,
    };
    log.into_iter().filter_map(down).collect()
}

/// Ends a puppet and returns when every monitor set before has been told.
async fn end(node: &Node, puppet: &Puppet, reason: Reason) {
    let death = Death::of(node, puppet).await;
    puppet.end(reason.clone());
    assert_eq!(death.reason().await, reason);
}

/// B034: the end of P is one DOWN with reference, pid and reason.
#[foundation::test]
pub(crate) async fn b034_an_end_is_one_down(s: Scene) {
    let (here, there) = s.nodes();
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    let monitor = a.monitor(&p).await;
    assert_eq!(a.log().await, []);
    end(&here, &p, boom()).await;
    let expected = Down {
        monitor,
        pid: Some(p.pid()),
        node: there.id(),
        name: None,
        reason: boom(),
        tag: None,
    };
    assert_eq!(a.log_of(1).await, [Got::Down(expected)]);
    assert!(a.info().await.monitors.is_empty());
}

/// B035: a monitor of a dead process fires at once, with `noproc`.
#[foundation::test]
pub(crate) async fn b035_the_dead_are_down_with_noproc(s: Scene) {
    let (here, there) = s.nodes();
    let (a, dead) = (Puppet::start(&here), Puppet::dead(&there).await);
    let monitor = a.monitor(&dead).await;
    let down = &downs(a.log_of(1).await)[0];
    assert_eq!(
        (down.monitor, down.pid, &down.reason),
        (monitor, Some(dead.pid()), &Reason::NoProc)
    );
}

/// B036: a monitor of a name that nobody has fires with `noproc` and says the name and its node,
/// here and on another node; of a name that somebody has, it fires with the holder's end.
#[foundation::test]
pub(crate) async fn b036_an_unknown_name_is_down_with_noproc(s: Scene) {
    let (here, there) = s.nodes();
    let (a, on) = (Puppet::start(&here), there.id());
    let said = |down: &Down| (down.name.as_deref().map(str::to_owned), down.node);
    let monitor = a.ask(move |me| me.monitor_name_at(on, "nobody")).await;
    let down = &downs(a.log_of(1).await)[0];
    assert_eq!((down.monitor, down.pid), (monitor, None));
    assert_eq!(said(down), (Some("nobody".to_owned()), on));
    assert_eq!(down.reason, Reason::NoProc);
    let p = Puppet::start(&there);
    there.register("somebody", &p).expect("free");
    let back = a.ask(move |me| me.monitor_name_at(on, "somebody")).await;
    a.ask(move |me| me.monitor_name_at(on, "somebody")).await;
    assert!(a.ask(move |me| me.demonitor(back)).await);
    a.reached(&p).await;
    assert_eq!(p.info().await.monitored_by, [a.pid()]);
    end(&there, &p, boom()).await;
    let log = downs(a.log_of(2).await);
    assert_eq!(said(&log[1]), (Some("somebody".to_owned()), on));
    assert_eq!((log.len(), &log[1].reason), (2, &boom()));
    if s.is_apart() {
        let q = Puppet::start(&there);
        there.register("other", &q).expect("free");
        a.ask(move |me| me.monitor_name_at(on, "other")).await;
        s.cut().await;
        let down = &downs(a.log_of(3).await)[2];
        assert_eq!(said(down), (Some("other".to_owned()), on));
        assert_eq!(down.reason, Reason::NoConnection);
    }
}

/// B037: three monitors of P are three DOWNs with three references.
#[foundation::test]
pub(crate) async fn b037_monitors_stack(s: Scene) {
    let (here, there) = s.nodes();
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    let mut set = Vec::new();
    for _ in 0..3 {
        set.push(a.monitor(&p).await);
    }
    assert_eq!(p.info().await.monitored_by, [a.pid(); 3]);
    end(&here, &p, boom()).await;
    let fired = downs(a.log_of(3).await);
    assert!(fired.iter().all(|down| down.reason == boom()));
    let mut fired: Vec<MonitorRef> = fired.into_iter().map(|down| down.monitor).collect();
    fired.sort();
    assert_eq!(fired, set);
    fired.dedup();
    assert_eq!(fired.len(), 3);
}

/// B039: no DOWN comes of a monitor that was taken back.
#[foundation::test]
pub(crate) async fn b039_a_demonitor_ends_it(s: Scene) {
    let (here, there) = s.nodes();
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    let monitor = a.monitor(&p).await;
    a.demonitor(monitor, &p).await;
    assert_eq!(p.info().await.monitored_by, []);
    end(&here, &p, boom()).await;
    assert_eq!(a.log().await, []);
}

/// A process with the DOWN of an ended process in its queue, between two other messages: what a
/// demonitor says, and what is left of the queue.
async fn with_queued_down(
    s: &Scene,
    demonitor: impl FnOnce(foundation::Me, MonitorRef) -> bool + Send + 'static,
    expected: (bool, usize),
) {
    let (here, there) = s.nodes();
    run(&here, move |mut me: Process<Note>| async move {
        let (own, node) = (me.pid(), me.node());
        let child = there
            .spawn_fn(move |me: Process<Note>| async move {
                me.send(own, Note(1)).expect("portable");
                boom()
            })
            .expect("spawned");
        let monitor = me.monitor(&child);
        // A reason of its own, or `noproc` when it was faster: a DOWN in any case.
        node.down(&child).await;
        me.send(me.pid(), Note(2)).expect("local");
        let look = me.receive(|mail: Mail<Note>| Err::<(), _>(mail));
        assert!(look.timeout(Duration::ZERO).await.is_err());
        assert_eq!(me.info().message_queue_len, 3);
        let existed = demonitor(*me, monitor);
        let (mut notes, mut fired) = (Vec::new(), 0);
        while let Ok(mail) = me.receive(Ok).timeout(Duration::ZERO).await {
            match mail {
                Mail::Msg(Note(n)) => notes.push(n),
                Mail::Down(down) if down.monitor == monitor => fired += 1,
                other => panic!("{other:?} came from nowhere"),
            }
        }
        assert_eq!(notes, [1, 2], "the others keep their order");
        assert_eq!((existed, fired), expected);
    })
    .await;
}

/// B040: a demonitor with `flush` removes the DOWN from the queue, and nothing else.
#[foundation::test]
pub(crate) async fn b040_a_flush_removes_the_down(s: Scene) {
    with_queued_down(&s, |me, monitor| me.demonitor_flush(monitor), (false, 0)).await;
    with_queued_down(&s, |me, monitor| me.demonitor(monitor), (false, 1)).await;
}

/// B041: a demonitor says of a monitor that has fired that it was not there.
#[foundation::test]
pub(crate) async fn b041_a_fired_monitor_is_gone(s: Scene) {
    let (here, there) = s.nodes();
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    let monitor = a.monitor(&p).await;
    end(&here, &p, boom()).await;
    a.log_of(1).await;
    assert!(!a.ask(move |me| me.demonitor(monitor)).await);
}

/// B042: a demonitor says of an active monitor that it was there, once; of another process's
/// monitor that it was not, and leaves that alone.
#[foundation::test]
pub(crate) async fn b042_demonitor_info_of_an_active_monitor(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b, p) = (
        Puppet::start(&here),
        Puppet::start(&here),
        Puppet::start(&there),
    );
    let monitor = a.monitor(&p).await;
    assert!(!b.ask(move |me| me.demonitor(monitor)).await);
    assert!(!b.ask(move |me| me.demonitor_flush(monitor)).await);
    assert_eq!(p.info().await.monitored_by, [a.pid()]);
    assert!(a.ask(move |me| me.demonitor(monitor)).await);
    assert!(!a.ask(move |me| me.demonitor(monitor)).await);
}

/// B043: with flush and info, and the DOWN in the queue: `false`, and the queue is clean.
#[foundation::test]
pub(crate) async fn b043_flush_and_info_together(s: Scene) {
    let (here, there) = s.nodes();
    with_queued_down(&s, |me, monitor| me.demonitor_flush(monitor), (false, 0)).await;
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    let monitor = a.monitor(&p).await;
    assert!(a.ask(move |me| me.demonitor_flush(monitor)).await);
}

/// B044: a monitor with a tag has the tag in place of the word.
#[foundation::test]
pub(crate) async fn b044_a_tag_takes_the_place_of_the_word(s: Scene) {
    let (here, there) = s.nodes();
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    let (pid, dead) = (p.pid(), Puppet::dead(&there).await.pid());
    let tag = Term::tuple([Term::atom("child"), Term::from(7)]);
    let own = tag.clone();
    a.ask(move |me| {
        me.monitor_tagged(pid, own.clone());
        me.monitor(pid);
        me.monitor_tagged(dead, own);
    })
    .await;
    end(&here, &p, boom()).await;
    let tags: Vec<_> = downs(a.log_of(3).await)
        .into_iter()
        .map(|down| (down.reason, down.tag.as_deref().cloned()))
        .collect();
    assert_eq!(tags.len(), 3);
    assert!(tags.contains(&(Reason::NoProc, Some(tag.clone()))));
    assert!(tags.contains(&(boom(), Some(tag))));
    assert!(tags.contains(&(boom(), None)));
}

/// B045: a very large exit reason arrives whole.
#[foundation::test(seeds = 50)]
pub(crate) async fn b045_a_large_reason_arrives_whole(s: Scene) {
    let (here, there) = s.nodes();
    let size = times(&s.world, 1 << 20, 1 << 10) as u32;
    let list: Vec<Term> = (0..size).map(Term::from).collect();
    let reason = Reason::other(Term::from(list));
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    a.monitor(&p).await;
    end(&here, &p, reason.clone()).await;
    assert!(downs(a.log_of(1).await)[0].reason == reason);
}

/// B046: the watcher dies first: P does not list it any more.
#[foundation::test]
pub(crate) async fn b046_a_dead_watcher_is_forgotten(s: Scene) {
    let (here, there) = s.nodes();
    let (a, p) = (Puppet::start(&here), Puppet::start(&there));
    a.monitor(&p).await;
    assert_eq!(p.info().await.monitored_by, [a.pid()]);
    end(&there, &a, boom()).await;
    // The end of the watcher is told to P after it is told to us, perhaps.
    let until = here.now() + LONG;
    while !p.info().await.monitored_by.is_empty() {
        assert!(here.now() < until, "it is still listed");
        here.sleep(Duration::from_millis(1)).await;
    }
}

/// B047: the DOWN of a spawn with monitor has the child's reason, never `noproc`.
#[foundation::test]
async fn b047_a_spawn_monitor_is_atomic(w: World) {
    let count = times(&w, 2000, 20);
    run(&w.node(), move |mut me: Process<Note>| async move {
        let options = SpawnOptions::new().monitor();
        for _ in 0..count {
            let (child, monitor) = me
                .spawn_with(&options, |_: Process<Note>| async { boom() })
                .expect("spawned");
            let Mail::Down(down) = me.recv().await else {
                panic!("something else came");
            };
            assert_eq!(Some(down.monitor), monitor);
            assert_eq!((down.pid, down.reason), (Some(child.pid()), boom()));
        }
    })
    .await;
}

/// B048: a process may monitor itself: it gets a reference, and never a DOWN.
#[foundation::test]
async fn b048_a_monitor_of_oneself_never_fires(node: Node) {
    let p = Puppet::trapping(&node);
    let (first, second) = p
        .ask(|me| (me.monitor(me.pid()), me.monitor(me.pid())))
        .await;
    assert_ne!(first, second);
    assert_eq!(p.log().await, []);
    end(&node, &p, boom()).await;
}

/// A wait for a DOWN that is given up leaves the monitor as it was, and loses no DOWN.
#[foundation::test]
pub(crate) async fn a_wait_for_a_down_may_be_given_up(s: Scene) {
    let (here, there) = s.nodes();
    run(&here, move |mut me: Process<Note>| async move {
        let child = there
            .spawn_fn(|mut child: Process<Note>| async move {
                child.recv().await;
                boom()
            })
            .expect("spawned");
        let monitor = me.monitor(&child);
        let bound = Duration::from_millis(1);
        assert!(
            foundation::time::timeout(bound, me.down(monitor))
                .await
                .is_none()
        );
        me.send(&child, Note(0)).expect("portable");
        let Mail::Down(down) = me.recv().await else {
            panic!("something else came");
        };
        assert_eq!((down.monitor, down.reason), (monitor, boom()));
    })
    .await;
}

/// Takes its time to be dropped.
struct Slow(Arc<AtomicBool>);

impl Drop for Slow {
    fn drop(&mut self) {
        for _ in 0..3_000_000 {
            std::hint::spin_loop();
        }
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Who asks for the end of a process while its state is being dropped is told when it is dropped.
#[foundation::test(real)]
async fn a_monitor_of_the_dying_fires_when_their_state_is_gone(w: World) {
    let node = w.node();
    for _ in 0..10 {
        let dropped = Arc::new(AtomicBool::new(false));
        let state = Slow(Arc::clone(&dropped));
        let slow = node.spawn_fn(move |_: Process<Note>| async move {
            let _state = state;
            std::future::pending::<()>().await;
        });
        let slow = slow.expect("spawned");
        w.sleep(Duration::from_millis(1)).await;
        node.exit(&slow, boom());
        while slow.is_alive() {
            std::hint::spin_loop();
        }
        // On a busy machine it is gone already, and the round shows nothing.
        assert_eq!(node.down(&slow).await.reason, Reason::NoProc);
        assert!(dropped.load(Ordering::SeqCst));
    }
}
