//! Exit signals: who dies of what, who is told, and who is left alone (B009-B023).
//!
//! Source     otp: reference manual, "Processes", 14.5-14.7; the exit signal table

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use foundation::me;
use foundation::prelude::*;

use crate::support::{Death, Got, Note, Puppet, boom, reason_of, run, times};

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
async fn check(node: &Node, origin: Origin, reason: Reason, traps: bool, fate: Fate) {
    let row = format!("{origin:?}, {reason}, trapping: {traps}");
    let target = match traps {
        true => Puppet::trapping(node),
        false => Puppet::start(node),
    };
    let peer = Puppet::start(node);
    let death = Death::of(node, &target).await;
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
            let end = Death::of(node, &peer).await;
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
async fn the_exit_table_for_signals_of_others(node: Node) {
    use Origin::Other;
    check(&node, Other, Reason::Normal, false, Fate::Ignored).await;
    check(&node, Other, Reason::Normal, true, Fate::Message).await;
    for traps in [false, true] {
        let fate = Fate::Dies(Reason::Killed);
        check(&node, Other, Reason::Kill, traps, fate).await;
    }
    for reason in [Reason::Killed, Reason::NoProc, Reason::Shutdown, boom()] {
        let fate = Fate::Dies(reason.clone());
        check(&node, Other, reason.clone(), false, fate).await;
        check(&node, Other, reason, true, Fate::Message).await;
    }
}

/// otp, the rows of `exit/2` to oneself.
#[foundation::test]
async fn the_exit_table_for_signals_to_oneself(node: Node) {
    use Origin::Own;
    for traps in [false, true] {
        let fate = Fate::Dies(Reason::Killed);
        check(&node, Own, Reason::Kill, traps, fate).await;
    }
    for reason in [Reason::Normal, Reason::Shutdown, boom()] {
        let fate = Fate::Dies(reason.clone());
        check(&node, Own, reason.clone(), false, fate).await;
        check(&node, Own, reason, true, Fate::Message).await;
    }
}

/// otp, the rows of links: `kill` over a link is a reason like any other, and trappable.
#[foundation::test]
async fn the_exit_table_for_links(node: Node) {
    use Origin::{Link, OldLink};
    check(&node, Link, Reason::Normal, false, Fate::Ignored).await;
    check(&node, Link, Reason::Normal, true, Fate::Message).await;
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
        check(&node, Link, reason.clone(), false, fate).await;
        check(&node, Link, reason.clone(), true, Fate::Message).await;
        for traps in [false, true] {
            check(&node, OldLink, reason.clone(), traps, Fate::Ignored).await;
        }
    }
}

/// B009: `normal` sent by another process leaves a process alive that does not trap exits.
#[foundation::test]
async fn b009_normal_from_another_is_ignored(node: Node) {
    check(&node, Origin::Other, Reason::Normal, false, Fate::Ignored).await;
}

/// B010: a process that traps exits gets `normal` as a message.
#[foundation::test]
async fn b010_normal_from_another_can_be_trapped(node: Node) {
    check(&node, Origin::Other, Reason::Normal, true, Fate::Message).await;
}

/// B011: a process that does not trap exits dies of its own `exit(self, normal)`.
#[foundation::test]
async fn b011_normal_to_oneself_ends(node: Node) {
    let fate = Fate::Dies(Reason::Normal);
    check(&node, Origin::Own, Reason::Normal, false, fate).await;
}

/// B014: `killed`, unlike `kill`, can be trapped.
#[foundation::test]
async fn b014_killed_can_be_trapped(node: Node) {
    check(&node, Origin::Other, Reason::Killed, true, Fate::Message).await;
}

/// B017: C is killed; P, linked to it and not trapping, dies with `killed`.
#[foundation::test]
async fn b017_a_kill_goes_over_links_as_killed(node: Node) {
    let (p, c, killer) = (
        Puppet::start(&node),
        Puppet::start(&node),
        Puppet::start(&node),
    );
    p.link(&c).await;
    let death = Death::of(&node, &p).await;
    killer.exit(&c, Reason::Kill).await;
    assert_eq!(death.reason().await, Reason::Killed);
}

/// B018: C ends normally; P, linked to it and not trapping, lives on.
#[foundation::test]
async fn b018_a_normal_end_takes_nobody_along(node: Node) {
    check(&node, Origin::Link, Reason::Normal, false, Fate::Ignored).await;
}

/// B019: of a chain of links, none trapping, all die with the same reason.
#[foundation::test]
async fn b019_a_chain_of_links_falls(node: Node) {
    let (a, b, c) = (
        Puppet::start(&node),
        Puppet::start(&node),
        Puppet::start(&node),
    );
    let aside = Puppet::start(&node);
    b.link(&a).await;
    b.link(&c).await;
    let ends = [
        Death::of(&node, &a).await,
        Death::of(&node, &b).await,
        Death::of(&node, &c).await,
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
async fn b021_an_exit_beats_the_timeout_of_a_receive(w: World) {
    let node = w.node();
    for _ in 0..times(&w, 50, 4) {
        let waiting = node
            .spawn_fn(|mut me: Process<Note>| async move {
                loop {
                    let _ = me.receive(Ok).timeout(Duration::from_millis(2)).await;
                }
            })
            .expect("spawned");
        let (watcher, killer) = (Puppet::start(&node), Puppet::start(&node));
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
        node.down(target).await;
        assert_eq!(watcher.log().await.len(), 1, "it died twice");
    }
}

/// B022: of two exit signals of one sender the first counts.
#[foundation::test]
async fn b022_the_first_of_two_exit_signals_counts(w: World) {
    let node = w.node();
    let sender = Puppet::start(&node);
    for _ in 0..times(&w, 200, 5) {
        let target = Puppet::start(&node);
        let death = Death::of(&node, &target).await;
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
async fn b023_an_exit_does_not_wait_for_the_mailbox(w: World) {
    let node = w.node();
    let handled = Arc::new(AtomicU64::new(0));
    let (begun, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (counter, simulated) = (Arc::clone(&handled), w.is_simulated());
    let flags = (Arc::clone(&begun), Arc::clone(&sent));
    let busy = node
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
    let death = Death::of(&node, &busy).await;
    for number in 0..100 {
        busy.send(Note(number)).expect("local");
    }
    if !simulated {
        while !begun.load(Ordering::SeqCst) {
            node.sleep(Duration::from_micros(100)).await;
        }
        node.exit(&busy, boom());
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
async fn a_process_ends_as_its_code_says(node: Node) {
    type Me = Process<Note>;
    assert_eq!(reason_of(&node, |_: Me| async {}).await, Reason::Normal);
    let returned = reason_of(&node, |_: Me| async { boom() }).await;
    assert_eq!(returned, boom());
    let failed = reason_of(&node, |_: Me| async { "x".parse::<u32>().map(|_| ()) }).await;
    assert_eq!(failed, Reason::other("invalid digit found in string"));
    let Reason::Crash(crash) = reason_of(&node, |_: Me| async { panic!("oh {}", 1) }).await else {
        panic!("a panic is a crash");
    };
    assert_eq!(&*crash.message, "oh 1");
    let location = crash.location.as_deref().expect("the hook saw it");
    assert!(location.contains("exits.rs"), "{location}");
    assert_eq!(me(), None, "the test's body is no process");
    assert!(node.spawn_fn(|_: Me| std::future::pending::<()>()).is_ok());
}
