//! Timers: never early, in order, and gone when they are taken back (B074-B081).
//!
//! Source     otp: erlang:send_after/3, start_timer/3, cancel_timer/1

use std::time::Duration;

use foundation::prelude::*;
use foundation::{DeadReason, TimerRef};

use crate::support::{Got, LONG, Note, Puppet, note_after, run, timers, times};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// B074: timers of 0 to 500 ms, armed in any order, arrive in the order of their deadlines.
/// B078: and none of them is early; in a simulation none is late.
async fn arrive_in_order(w: World) {
    let (exact, mut choice) = (w.is_simulated(), w.random());
    run(&w.node(), move |mut me: Process<Note>| async move {
        let node = me.node();
        let mut delays: Vec<u64> = (0..=500).collect();
        for at in (1..delays.len()).rev() {
            choice = choice.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            delays.swap(at, (choice >> 33) as usize % (at + 1));
        }
        // When each may fire at the earliest, and by when it was armed.
        let mut bounds = vec![(Duration::ZERO, Duration::ZERO); delays.len()];
        for delay in &delays {
            let before = node.now();
            me.send_after(ms(*delay), me.pid(), Note(*delay));
            bounds[*delay as usize] = (before + ms(*delay), node.now() + ms(*delay));
        }
        let mut last = Duration::ZERO;
        for _ in 0..delays.len() {
            let Mail::Msg(Note(delay)) = me.recv().await else {
                panic!("something else came");
            };
            let (earliest, latest) = bounds[delay as usize];
            assert!(node.now() >= earliest, "{delay} ms was early");
            assert!(latest >= last, "{delay} ms came after a later one");
            if exact {
                assert_eq!(node.now(), earliest, "{delay} ms was late");
            }
            last = last.max(earliest);
        }
    })
    .await;
    assert_eq!(timers(&w.node()), 0);
}

#[foundation::test]
async fn b074_timers_arrive_in_the_order_of_deadlines(w: World) {
    arrive_in_order(w).await;
}

/// B075: `start_timer` delivers its own reference with the message, `send_after` the bare message.
#[foundation::test]
async fn b075_a_started_timer_says_which_it_is(node: Node) {
    run(&node, |mut me: Process<Note>| async move {
        let timer = me.start_timer(ms(2), Note(1));
        let other = me.start_timer(ms(1), Note(2));
        assert_ne!(timer, other);
        let mut got = Vec::new();
        for _ in 0..2 {
            match me.recv().await {
                Mail::Timeout(timer, Note(n)) => got.push((timer, n)),
                mail => panic!("{mail:?} came"),
            }
        }
        assert_eq!(got, [(other, 2), (timer, 1)]);
        me.send_after(ms(1), me.pid(), Note(3));
        assert!(matches!(me.recv().await, Mail::Msg(Note(3))));
    })
    .await;
}

/// B076: of a timer that has fired, was cancelled or is another process's, nothing is left.
#[foundation::test]
async fn b076_nothing_is_left_of_a_fired_timer(node: Node) {
    let (p, other) = (Puppet::start(&node), Puppet::start(&node));
    let fired = note_after(&p, ms(1), 1).await;
    assert_eq!(p.log_of(1).await, [Got::Note(1)]);
    let left = |timer: TimerRef| p.ask(move |me| (me.read_timer(timer), me.cancel_timer(timer)));
    assert_eq!(left(fired).await, (None, None));
    let waiting = note_after(&p, LONG, 2).await;
    let theirs = other.ask(move |me| {
        me.send_after(LONG, me.pid(), Note(3));
        me.send_after(LONG, me.pid(), Note(4));
        (me.read_timer(waiting), me.cancel_timer(waiting))
    });
    assert_eq!(theirs.await, (None, None));
    let (read, cancelled) = left(waiting).await;
    assert!(read.is_some() && cancelled.is_some());
    assert_eq!(left(waiting).await, (None, None));
}

/// B077: a cancel says what was left, more than nothing and not more than the whole, and the
/// message does not come.
#[foundation::test]
async fn b077_a_cancelled_timer_does_not_fire(w: World) {
    let p = Puppet::start(&w.node());
    let second = ms(1000);
    let timer = note_after(&p, second, 1).await;
    let read = p.ask(move |me| me.read_timer(timer)).await;
    let left = p.ask(move |me| me.cancel_timer(timer)).await;
    let (read, left) = (read.expect("it runs"), left.expect("it runs"));
    assert!(Duration::ZERO < left && left <= read && read <= second);
    if w.is_simulated() {
        assert_eq!(left, second);
    }
    assert_eq!(timers(&w.node()), 0);
    w.sleep(second + ms(100)).await;
    assert_eq!(p.log().await, []);
}

/// B078: no timer is early, whatever it is for: messages, timeouts of receives, sleeps, calls.
#[foundation::test]
async fn b078_no_timer_is_early(w: World) {
    arrive_in_order(w.clone()).await;
    let exact = w.is_simulated();
    let node = w.node();
    for bound in [1, 3, 20, 1100].map(ms) {
        run(&node, move |mut me: Process<Note>| async move {
            let (node, start) = (me.node(), me.node().now());
            let passed = |what: &str, start: Duration| {
                let passed = node.now() - start;
                assert!(
                    passed >= bound,
                    "{what} of {bound:?} was over after {passed:?}"
                );
                assert!(
                    !exact || passed == bound,
                    "{what} of {bound:?} took {passed:?}"
                );
            };
            let none = me.receive(|mail: Mail<Note>| Err::<(), _>(mail));
            assert!(none.timeout(bound).await.is_err());
            passed("a receive", start);
            let start = node.now();
            node.sleep(bound).await;
            passed("a sleep", start);
            let (start, (_kept, answer)) = (node.now(), foundation::promise::<()>(&node));
            assert!(answer.timeout(bound).await.is_err());
            passed("a call", start);
        })
        .await;
    }
}

/// B080: a timer to a name finds whoever has the name when it fires; without a holder its message
/// is a dead letter. It outlives who armed it.
#[foundation::test]
async fn b080_a_timer_to_a_name_looks_when_it_fires(w: World) {
    let node = w.node();
    let (armer, first, second) = (
        Puppet::start(&node),
        Puppet::start(&node),
        Puppet::start(&node),
    );
    node.register("n", &first).expect("free");
    let delay = ms(times(&w, 50, 1000));
    armer
        .ask(move |me| me.send_after_named(delay, "n", Note(1)))
        .await;
    armer.end(Reason::Normal);
    node.unregister("n").expect("held");
    node.register("n", &second).expect("free");
    assert_eq!(second.log_of(1).await, [Got::Note(1)]);
    assert_eq!(first.log().await, []);
    let before = node.dead_letter_count(DeadReason::NoName);
    first
        .ask(|me| me.send_after_named(ms(1), "nobody", Note(2)))
        .await;
    while node.dead_letter_count(DeadReason::NoName) == before {
        node.sleep(ms(1)).await;
    }
}

/// B081: a timer may be further away than 2^31 ms, and what is left of it is right.
#[foundation::test]
async fn b081_a_timer_may_be_far_away(w: World) {
    let p = Puppet::start(&w.node());
    for far in [
        ms((1 << 31) + 1),
        ms((1 << 32) + 1),
        Duration::from_secs(10 * 365 * 86_400),
    ] {
        let timer = note_after(&p, far, 1).await;
        let read = p.ask(move |me| me.read_timer(timer)).await;
        let left = p.ask(move |me| me.cancel_timer(timer)).await;
        for left in [read, left] {
            let left = left.expect("it runs");
            assert!(far - LONG < left && left <= far, "{left:?} of {far:?}");
            assert!(!w.is_simulated() || left == far);
        }
    }
    let never = note_after(&p, Duration::MAX, 1).await;
    assert!(p.ask(move |me| me.cancel_timer(never)).await.is_some());
    assert_eq!(timers(&w.node()), 0);
}

/// otp: after a cancel that says "gone", the message lies in the queue: a flush finds it.
/// After one that says what was left, none comes.
#[foundation::test]
async fn a_cancel_that_comes_too_late_leaves_a_message_to_flush(w: World) {
    let (rounds, mut choice) = (times(&w, 3000, 30), w.random());
    let spins = !w.is_simulated();
    run(&w.node(), move |mut me: Process<Note>| async move {
        let node = me.node();
        for round in 0..rounds {
            choice = choice.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let delay = Duration::from_nanos((choice >> 33) % 200_000);
            let timer = me.send_after(delay, me.pid(), Note(round));
            let until = node.now() + delay;
            while node.now() < until {
                match choice % 3 {
                    0 if spins => std::hint::spin_loop(),
                    _ => node.sleep(Duration::from_nanos(1 + choice % 50_000)).await,
                }
                if choice.is_multiple_of(6) {
                    break;
                }
            }
            let gone = me.cancel_timer(timer).is_none();
            let flush = me.receive(|mail| match mail {
                Mail::Msg(Note(n)) if n == round => Ok(()),
                other => Err(other),
            });
            let flushed = flush.timeout(Duration::ZERO).await.is_ok();
            assert_eq!(gone, flushed, "round {round}");
        }
        assert_eq!(me.info().message_queue_len, 0);
    })
    .await;
}

/// otp: a timer to a pid ends with that process, without a trace; one to another process
/// outlives who armed it.
#[foundation::test]
async fn a_timer_ends_with_its_target(w: World) {
    let node = w.node();
    let (p, other) = (Puppet::start(&node), Puppet::start(&node));
    note_after(&p, LONG * 10, 1).await;
    p.ask(|me| me.start_timer(LONG * 10, crate::support::order()))
        .await;
    let to = other.pid();
    p.ask(move |me| me.send_after(ms(20), to, Note(2))).await;
    let before = node.stats().dead_letters;
    let death = crate::support::Death::of(&node, &p).await;
    node.exit(&p, Reason::Kill);
    assert_eq!(death.reason().await, Reason::Killed);
    assert_eq!(other.log_of(1).await, [Got::Note(2)]);
    assert_eq!(timers(&node), 0);
    let (armer, target) = (Puppet::start(&node), Puppet::start(&node));
    let to = target.pid();
    armer.ask(move |me| me.send_after(ms(5), to, Note(3))).await;
    node.exit(&target, Reason::Kill);
    while timers(&node) > 0 {
        node.sleep(ms(1)).await;
    }
    assert_eq!(armer.log().await, []);
    assert_eq!(node.stats().dead_letters, before);
}
