//! Links: made, taken back, and what they carry (B025-B033).
//!
//! Source     otp: erts, "Links"

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::LinkError;
use foundation::prelude::*;

use crate::scene::Scene;
use crate::support::{Death, Got, Note, Puppet, boom, run, times};

/// B025: linking twice is linking once: one unlink leaves no link, on either side.
#[foundation::test]
pub(crate) async fn b025_two_links_are_one(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::start(&here), Puppet::start(&there));
    a.link(&b).await;
    a.link(&b).await;
    b.link(&a).await;
    assert_eq!(a.info().await.links, [b.pid()]);
    assert_eq!(b.info().await.links, [a.pid()]);
    a.unlink(&b).await;
    assert_eq!(b.info().await.links, []);
    assert_eq!(a.info().await.links, []);
    let end = Death::of(&here, &b).await;
    b.end(boom());
    assert_eq!(end.reason().await, boom());
    assert_eq!(a.log().await, []);
}

/// B026: A links B, B unlinks A: A's death does not concern B.
#[foundation::test]
pub(crate) async fn b026_either_side_may_unlink(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::start(&here), Puppet::trapping(&there));
    a.link(&b).await;
    b.unlink(&a).await;
    let end = Death::of(&there, &a).await;
    a.end(boom());
    assert_eq!(end.reason().await, boom());
    assert_eq!(b.log().await, []);
}

/// B028: linking with a dead process of this node is an error for one that does not trap exits.
#[foundation::test]
async fn b028_a_link_with_the_dead_is_an_error(node: Node) {
    let (dead, p) = (Puppet::dead(&node).await, Puppet::start(&node));
    let other = dead.pid();
    let outcome = p.ask(move |me| me.link(other)).await;
    assert_eq!(outcome, Err(LinkError::NoProc));
    assert_eq!(p.log().await, []);
    assert_eq!(p.info().await.links, []);
}

/// B029: one that traps exits gets the exit `noproc` instead.
#[foundation::test]
pub(crate) async fn b029_a_link_with_the_dead_can_be_trapped(s: Scene) {
    let (here, there) = s.nodes();
    let (dead, p) = (Puppet::dead(&there).await, Puppet::trapping(&here));
    let other = dead.pid();
    let outcome = p.ask(move |me| me.link(other)).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(p.log_of(1).await, [Got::Exit(other, Reason::NoProc)]);
    assert_eq!(p.info().await.links, []);
}

/// B030: a linked child that crashes at once is heard of with its reason, never as `noproc`.
#[foundation::test]
async fn b030_a_spawn_link_is_atomic(w: World) {
    let count = times(&w, 2000, 20);
    run(&w.node(), move |mut me: Process<Note>| async move {
        me.trap_exit(true);
        let options = SpawnOptions::new().link();
        for _ in 0..count {
            let (child, _) = me
                .spawn_with(&options, |_: Process<Note>| async { boom() })
                .expect("spawned");
            match me.recv().await {
                Mail::Exit(exit) => assert_eq!((exit.from, exit.reason), (child.pid(), boom())),
                other => panic!("{other:?} is no exit"),
            }
        }
        assert!(me.info().links.is_empty());
    })
    .await;
}

/// B032: the node of a linked process is lost: the exit says `noconnection`, on both sides.
pub(crate) async fn b032_a_lost_node_ends_its_links(s: Scene) {
    let (here, there) = s.nodes();
    let (trapping, plain) = (Puppet::trapping(&here), Puppet::start(&here));
    let (far, other) = (Puppet::trapping(&there), Puppet::start(&there));
    trapping.link(&far).await;
    plain.link(&other).await;
    assert_eq!(far.info().await.links, [trapping.pid()]);
    let ends = [
        Death::of(&here, &plain).await,
        Death::of(&there, &other).await,
    ];
    s.cut().await;
    for end in ends {
        assert_eq!(end.reason().await, Reason::NoConnection);
    }
    let lost = |pid: Pid| [Got::Exit(pid, Reason::NoConnection)];
    assert_eq!(trapping.log_of(1).await, lost(far.pid()));
    assert_eq!(far.log_of(1).await, lost(trapping.pid()));
    assert_eq!(trapping.info().await.links, []);
}

/// B033: a process may link with itself, and nothing comes of it.
#[foundation::test]
async fn b033_a_link_with_oneself_is_nothing(node: Node) {
    let p = Puppet::trapping(&node);
    assert_eq!(p.ask(|me| me.link(me.pid())).await, Ok(()));
    assert_eq!(p.info().await.links, []);
    p.ask(|me| me.unlink(me.pid())).await;
    assert_eq!(p.log().await, []);
    let end = Death::of(&node, &p).await;
    p.end(boom());
    assert_eq!(end.reason().await, boom());
}

/// otp: an exit that was queued before an unlink stays in the queue; none comes later. (That the
/// monitor arrives after the end, and is answered in the dead's name, needs a rare moment.)
#[foundation::test(seeds = 200)]
pub(crate) async fn an_unlink_leaves_what_was_queued(s: Scene) {
    let (here, there) = s.nodes();
    run(&here, move |mut me: Process<Note>| async move {
        me.trap_exit(true);
        let waits = |mut me: Process<Note>| async move {
            me.recv().await;
            boom()
        };
        let child = there.spawn_fn(waits).expect("spawned");
        me.link(&child).expect("alive");
        me.send(&child, Note(0)).expect("portable");
        let monitor = me.monitor(&child);
        me.down(monitor).await;
        // The exit was sent before the down, on the same way.
        let looked = me.receive(|mail: Mail<Note>| Err::<(), _>(mail));
        assert!(looked.timeout(std::time::Duration::ZERO).await.is_err());
        me.unlink(&child);
        let flushed = me.receive(|mail| match mail {
            Mail::Exit(exit) if exit.from == child.pid() => Ok(exit.reason),
            other => Err(other),
        });
        let flushed = flushed.timeout(std::time::Duration::ZERO).await;
        assert_eq!(flushed, Ok(boom()));
    })
    .await;
}

/// otp: an exit over a link that is not active any more when it arrives is dropped. The peer is
/// killed before it hears of the unlink, so its exit is on its way.
#[foundation::test]
pub(crate) async fn an_exit_over_an_old_link_is_dropped(s: Scene) {
    let (here, there) = s.nodes();
    for traps in [false, true] {
        let target = match traps {
            true => Puppet::trapping(&here),
            false => Puppet::start(&here),
        };
        let peer = Puppet::start(&there);
        target.link(&peer).await;
        assert_eq!(peer.info().await.links, [target.pid()]);
        let (death, other) = (Death::of(&here, &peer).await, peer.pid());
        target
            .ask(move |me| {
                me.node().exit(other, Reason::Kill);
                me.unlink(other);
            })
            .await;
        assert_eq!(death.reason().await, Reason::Killed);
        assert_eq!(target.log().await, []);
    }
}

/// otp: links and unlinks that cross leave both sides alike, and an end is heard of by exactly
/// those that are linked.
#[foundation::test]
pub(crate) async fn crossing_links_and_unlinks_leave_both_sides_alike(s: Scene) {
    let (here, there) = s.nodes();
    let parallel = !s.world.is_simulated();
    let steps = times(&s.world, 400, 6);
    for _ in 0..times(&s.world, 200, 2) {
        let (a, b) = (Puppet::trapping(&here), Puppet::trapping(&there));
        let begun = Arc::new(AtomicU64::new(0));
        for (one, other) in [(&a, &b), (&b, &a)] {
            let (pid, mut choice) = (other.pid(), s.world.random());
            let begun = Arc::clone(&begun);
            one.tell(move |me| {
                begun.fetch_add(1, Ordering::SeqCst);
                // Both at the same time, if there are two workers for them. In a simulation what is
                // sent is on its way for a while.
                for _ in 0..1_000_000 {
                    if !parallel || begun.load(Ordering::SeqCst) == 2 {
                        break;
                    }
                    std::hint::spin_loop();
                }
                for _ in 0..steps {
                    choice = choice.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    if choice >> 63 == 0 {
                        me.link(pid).expect("alive");
                    } else {
                        me.unlink(pid);
                    }
                }
            });
        }
        // Two rounds: what the first one caused (an acknowledgement) arrives in the second.
        for _ in 0..2 {
            a.reached(&b).await;
            b.reached(&a).await;
        }
        let linked = a.info().await.links.contains(&b.pid());
        assert_eq!(b.info().await.links.contains(&a.pid()), linked);
        let end = Death::of(&there, &a).await;
        a.end(boom());
        assert_eq!(end.reason().await, boom());
        let expected = Got::Exit(a.pid(), boom());
        let log = b.log_of(usize::from(linked)).await;
        assert_eq!(log.contains(&expected), linked, "{log:?}");
    }
}
