//! Exit signals: who dies of what, who is told, and who is left alone (B009-B023).
//!
//! Source     otp: reference manual, "Processes", 14.5-14.7; the exit signal table

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use foundation::me;
use foundation::prelude::*;

use crate::scene::Scene;
use crate::support::{Death, Got, LONG, Note, Puppet, boom, end_of, reason_of, run, times};

/// How a signal comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    /// `exit` by another process.
    Other,
    /// `exit` to itself.
    Own,
    /// The end of a linked process.
    Link,
    /// The end of a process that was linked once.
    OldLink,
}

/// What a signal does.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    Ignored,
    Message,
    Dies(Reason),
}

/// One row of the exit table, on a fresh process.
async fn check(s: &Scene, origin: Origin, reason: Reason, traps: bool, fate: Fate) {
    let (here, there) = s.nodes();
    let row = format!("{origin:?}, {reason}, trapping: {traps}");
    let target = match traps {
        true => Puppet::trapping(&here),
        false => Puppet::start(&here),
    };
    let peer = Puppet::start(&there);
    let death = Death::of(&here, &target).await;
    let sent = reason.clone();
    let from = match origin {
        Origin::Other => {
            peer.exit(&target, sent).await;
            peer.pid()
        }
        Origin::Own => {
            target.tell(move |me| me.exit(me.pid(), sent));
            target.pid()
        }
        Origin::Link | Origin::OldLink => {
            peer.link(&target).await;
            let old = peer.pid();
            if origin == Origin::OldLink {
                target.ask(move |me| me.unlink(old)).await;
            }
            let end = Death::of(&here, &peer).await;
            peer.end(sent);
            assert_eq!(end.reason().await, reason, "{row}");
            peer.pid()
        }
    };
    match fate {
        Fate::Dies(expected) => assert_eq!(death.reason().await, expected, "{row}"),
        Fate::Ignored => assert_eq!(target.log().await, [], "{row}"),
        Fate::Message => {
            assert_eq!(target.log_of(1).await, [Got::Exit(from, reason)], "{row}");
            assert!(target.is_alive(), "{row}");
        }
    }
}

/// otp, the rows of `exit/2` by another process.
#[foundation::test]
pub(crate) async fn the_exit_table_for_signals_of_others(s: Scene) {
    use Origin::Other;
    check(&s, Other, Reason::Normal, false, Fate::Ignored).await;
    check(&s, Other, Reason::Normal, true, Fate::Message).await;
    for traps in [false, true] {
        let fate = Fate::Dies(Reason::Killed);
        check(&s, Other, Reason::Kill, traps, fate).await;
    }
    for reason in [Reason::Killed, Reason::NoProc, Reason::Shutdown, boom()] {
        let fate = Fate::Dies(reason.clone());
        check(&s, Other, reason.clone(), false, fate).await;
        check(&s, Other, reason, true, Fate::Message).await;
    }
}

/// otp, the rows of `exit/2` to oneself.
#[foundation::test]
async fn the_exit_table_for_signals_to_oneself(s: Scene) {
    use Origin::Own;
    for traps in [false, true] {
        let fate = Fate::Dies(Reason::Killed);
        check(&s, Own, Reason::Kill, traps, fate).await;
    }
    for reason in [Reason::Normal, Reason::Shutdown, boom()] {
        let fate = Fate::Dies(reason.clone());
        check(&s, Own, reason.clone(), false, fate).await;
        check(&s, Own, reason, true, Fate::Message).await;
    }
}

/// otp, the rows of links: `kill` over a link is a reason like any other, and trappable.
#[foundation::test]
pub(crate) async fn the_exit_table_for_links(s: Scene) {
    use Origin::{Link, OldLink};
    check(&s, Link, Reason::Normal, false, Fate::Ignored).await;
    check(&s, Link, Reason::Normal, true, Fate::Message).await;
    let reasons = [
        Reason::Kill,
        Reason::Killed,
        Reason::NoProc,
        Reason::NoConnection,
        Reason::Shutdown,
        boom(),
    ];
    for reason in reasons {
        let fate = Fate::Dies(reason.clone());
        check(&s, Link, reason.clone(), false, fate).await;
        check(&s, Link, reason.clone(), true, Fate::Message).await;
        for traps in [false, true] {
            check(&s, OldLink, reason.clone(), traps, Fate::Ignored).await;
        }
    }
}

/// B009: `normal` sent by another process leaves a process alive that does not trap exits.
#[foundation::test]
pub(crate) async fn b009_normal_from_another_is_ignored(s: Scene) {
    check(&s, Origin::Other, Reason::Normal, false, Fate::Ignored).await;
}

/// B010: a process that traps exits gets `normal` as a message.
#[foundation::test]
pub(crate) async fn b010_normal_from_another_can_be_trapped(s: Scene) {
    check(&s, Origin::Other, Reason::Normal, true, Fate::Message).await;
}

/// B011: a process that does not trap exits dies of its own `exit(self, normal)`.
#[foundation::test]
async fn b011_normal_to_oneself_ends(s: Scene) {
    let fate = Fate::Dies(Reason::Normal);
    check(&s, Origin::Own, Reason::Normal, false, fate).await;
}

/// B014: `killed`, unlike `kill`, can be trapped.
#[foundation::test]
pub(crate) async fn b014_killed_can_be_trapped(s: Scene) {
    check(&s, Origin::Other, Reason::Killed, true, Fate::Message).await;
}

/// B017: C is killed; P, linked to it and not trapping, dies with `killed`.
#[foundation::test]
pub(crate) async fn b017_a_kill_goes_over_links_as_killed(s: Scene) {
    let (here, there) = s.nodes();
    let (p, c, killer) = (
        Puppet::start(&here),
        Puppet::start(&there),
        Puppet::start(&here),
    );
    p.link(&c).await;
    let death = Death::of(&here, &p).await;
    killer.exit(&c, Reason::Kill).await;
    assert_eq!(death.reason().await, Reason::Killed);
}

/// B018: C ends normally; P, linked to it and not trapping, lives on.
#[foundation::test]
pub(crate) async fn b018_a_normal_end_takes_nobody_along(s: Scene) {
    check(&s, Origin::Link, Reason::Normal, false, Fate::Ignored).await;
}

/// B019: of a chain of links, none trapping, all die with the same reason.
#[foundation::test]
pub(crate) async fn b019_a_chain_of_links_falls(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b, c) = (
        Puppet::start(&here),
        Puppet::start(&there),
        Puppet::start(&here),
    );
    let aside = Puppet::start(&here);
    b.link(&a).await;
    b.link(&c).await;
    let ends = [
        Death::of(&here, &a).await,
        Death::of(&here, &b).await,
        Death::of(&here, &c).await,
    ];
    a.end(boom());
    for end in ends {
        assert_eq!(end.reason().await, boom());
    }
    assert!(aside.is_alive());
}

/// B020: an exit that P raised itself can be caught, and P goes on; uncaught, P dies of it.
#[foundation::test]
async fn b020_an_exit_of_ones_own_can_be_caught(node: Node) {
    run(&node, |me: Process<Note>| async move {
        let caught = catch_unwind(|| foundation::exit(boom()));
        assert!(caught.is_err());
        assert!(me.node().is_alive(me.pid()));
    })
    .await;
    let reason = reason_of(&node, |_: Process<Note>| async { foundation::exit(boom()) }).await;
    assert_eq!(reason, boom());
}

/// B021: an exit signal races with the timeout of a receive: P dies once, of the signal.
#[foundation::test]
pub(crate) async fn b021_an_exit_beats_the_timeout_of_a_receive(s: Scene) {
    let (here, there) = s.nodes();
    for _ in 0..times(&s.world, 50, 4) {
        let waiting = here
            .spawn_fn(|mut me: Process<Note>| async move {
                loop {
                    let _ = me.receive(Ok).timeout(Duration::from_millis(2)).await;
                }
            })
            .expect("spawned");
        let (watcher, killer) = (Puppet::start(&there), Puppet::start(&there));
        let target = waiting.pid();
        let monitor = watcher.ask(move |me| me.monitor(target)).await;
        killer
            .wait(move |me| async move {
                me.node().sleep(Duration::from_millis(2)).await;
                me.exit(target, boom());
            })
            .await;
        let log = watcher.log_of(1).await;
        let Got::Down(down) = &log[0] else {
            panic!("{log:?}");
        };
        assert_eq!((down.monitor, &down.reason), (monitor, &boom()));
        there.down(target).await;
        assert_eq!(watcher.log().await.len(), 1, "it died twice");
    }
}

/// B022: of two exit signals of one sender the first counts.
#[foundation::test]
pub(crate) async fn b022_the_first_of_two_exit_signals_counts(s: Scene) {
    let (here, there) = s.nodes();
    let sender = Puppet::start(&there);
    for _ in 0..times(&s.world, 200, 5) {
        let target = Puppet::start(&here);
        let death = Death::of(&here, &target).await;
        let to = target.pid();
        sender
            .ask(move |me| {
                me.exit(to, Reason::other("first"));
                me.exit(to, Reason::other("second"));
                me.exit(to, Reason::Kill);
            })
            .await;
        assert_eq!(death.reason().await, Reason::other("first"));
    }
}

/// B023: an exit signal that comes during a long handler ends the process at the handler's next
/// yield; the messages behind it are not handled.
#[foundation::test]
pub(crate) async fn b023_an_exit_does_not_wait_for_the_mailbox(s: Scene) {
    let (here, there) = s.nodes();
    let beside = Puppet::start(&here);
    let handled = Arc::new(AtomicU64::new(0));
    let (begun, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (counter, simulated) = (Arc::clone(&handled), s.world.is_simulated());
    let flags = (Arc::clone(&begun), Arc::clone(&sent));
    let busy = here
        .spawn_fn(move |mut me: Process<Note>| async move {
            loop {
                me.recv().await;
                if simulated {
                    // One thread only: the signal comes from outside, but in the handler's name.
                    me.node().exit(me.pid(), boom());
                } else {
                    flags.0.store(true, Ordering::SeqCst);
                    while !flags.1.load(Ordering::SeqCst) {
                        std::hint::spin_loop();
                    }
                }
                // The handler is not cut off in the middle: there is no yield in it.
                counter.fetch_add(1, Ordering::SeqCst);
            }
        })
        .expect("spawned");
    let death = Death::of(&here, &busy).await;
    for number in 0..100 {
        busy.send(Note(number)).expect("local");
    }
    if !simulated {
        while !begun.load(Ordering::SeqCst) {
            here.sleep(Duration::from_micros(100)).await;
        }
        there.exit(&busy, boom());
        // What comes behind it has come: the answer to a question to another process here.
        let answer = there.info(&beside, LONG).await;
        assert!(answer.expect("answered").is_some());
        sent.store(true, Ordering::SeqCst);
    }
    assert_eq!(death.reason().await, boom());
    assert_eq!(handled.load(Ordering::SeqCst), 1);
}

/// otp: whether exits are trapped is asked when the signal is received, not when it is sent.
#[foundation::test]
async fn the_trap_flag_is_read_on_arrival(node: Node) {
    let late = Puppet::start(&node);
    late.ask(|me| {
        me.node().exit(me.pid(), boom());
        me.trap_exit(true);
    })
    .await;
    assert!(matches!(&late.log().await[..], [Got::Exit(_, reason)] if *reason == boom()));
    let early = Puppet::trapping(&node);
    let death = Death::of(&node, &early).await;
    early.tell(|me| {
        me.node().exit(me.pid(), boom());
        assert!(me.trap_exit(false), "it trapped before");
    });
    assert_eq!(death.reason().await, boom());
}

/// otp: a signal to oneself acts before `exit` is over: the process does not end otherwise
/// meanwhile.
#[foundation::test]
async fn a_signal_to_oneself_acts_at_once(node: Node) {
    let end = reason_of(&node, |me: Process<Note>| async move {
        me.exit(me.pid(), boom());
    });
    assert_eq!(end.await, boom());
    run(&node, |mut me: Process<Note>| async move {
        me.trap_exit(true);
        me.exit(me.pid(), boom());
        me.trap_exit(false);
        assert!(matches!(me.recv().await, Mail::Exit(exit) if exit.reason == boom()));
    })
    .await;
}

/// otp: what a process is ended by: its own exit, its return value, an error, a panic.
#[foundation::test]
pub(crate) async fn a_process_ends_as_its_code_says(s: Scene) {
    type Me = Process<Note>;
    let (here, there) = s.nodes();
    let ends = [
        end_of(&here, &there, |_: Me| async {}).await,
        end_of(&here, &there, |_: Me| async { boom() }).await,
        end_of(&here, &there, |_: Me| async { foundation::exit(boom()) }).await,
        end_of(&here, &there, |_: Me| async {
            "x".parse::<u32>().map(|_| ())
        })
        .await,
    ];
    let failed = Reason::other("invalid digit found in string");
    assert_eq!(ends, [Reason::Normal, boom(), boom(), failed]);
    let panicked = end_of(&here, &there, |_: Me| async { panic!("oh {}", 1) }).await;
    let Reason::Crash(crash) = panicked else {
        panic!("a panic is a crash");
    };
    assert_eq!(&*crash.message, "oh 1");
    let location = crash.location.as_deref().expect("the hook saw it");
    assert!(location.contains("exits.rs"), "{location}");
    assert_eq!(me(), None, "the test's body is no process");
    assert!(here.spawn_fn(|_: Me| std::future::pending::<()>()).is_ok());
}
