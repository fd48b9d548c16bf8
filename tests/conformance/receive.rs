//! Selective receive: what it takes, what it leaves, and how long it waits (B083-B087).
//!
//! Source     otp: reference manual, "Receive"

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use foundation::prelude::*;
use foundation::promise;

use crate::memory;
use crate::scene::Scene;
use crate::support::{LONG, Note, Puppet, boom, run, times};

/// Takes one note.
fn only(wanted: u64) -> impl FnMut(Mail<Note>) -> Result<u64, Mail<Note>> {
    move |mail| match mail {
        Mail::Msg(Note(n)) if n == wanted => Ok(n),
        other => Err(other),
    }
}

fn send(me: Me, notes: impl IntoIterator<Item = u64>) {
    for note in notes {
        me.send(me.pid(), Note(note)).expect("local");
    }
}

async fn next(me: &mut Process<Note>) -> u64 {
    match me.recv().await {
        Mail::Msg(Note(n)) => n,
        other => panic!("{other:?} came"),
    }
}

/// B083: of a, b, c a receive of b takes b; then a and c come, in order.
#[foundation::test]
async fn b083_a_receive_takes_the_first_that_matches(node: Node) {
    run(&node, |mut me: Process<Note>| async move {
        send(*me, [1, 2, 3]);
        assert_eq!(me.receive(only(2)).await, 2);
        assert_eq!((next(&mut me).await, next(&mut me).await), (1, 3));
        // The last, one that comes later, and of equal ones the oldest.
        send(*me, [1, 2, 3]);
        assert_eq!(me.receive(only(3)).await, 3);
        me.send_after(Duration::from_millis(1), me.pid(), Note(9));
        assert_eq!(me.receive(only(9)).await, 9);
        me.monitor(Puppet::dead(&me.node()).await.pid());
        send(*me, [2]);
        assert_eq!(me.receive(only(2)).await, 2);
        assert_eq!(next(&mut me).await, 1);
        assert!(matches!(me.recv().await, Mail::Down(_)));
        assert_eq!(next(&mut me).await, 2, "the oldest of two was taken");
    })
    .await;
}

/// B084: `timeout(0)` without a match is the timeout, and the queue is as it was; with a match it
/// takes it.
#[foundation::test]
async fn b084_a_zero_timeout_looks_once(w: World) {
    let count = times(&w, 10_000, 40);
    let node = w.node();
    run(&node, move |mut me: Process<Note>| async move {
        send(*me, 0..count);
        let start = me.node().now();
        let none = me.receive(only(u64::MAX)).timeout(Duration::ZERO).await;
        assert!(none.is_err());
        assert_eq!(me.info().message_queue_len as u64, count);
        let last = me.receive(only(count - 1)).timeout(Duration::ZERO).await;
        assert_eq!(last, Ok(count - 1));
        for expected in 0..count - 1 {
            assert_eq!(next(&mut me).await, expected);
        }
        let empty = me.receive(Ok).timeout(Duration::ZERO).await;
        assert!(empty.is_err());
        if w.is_simulated() {
            assert_eq!(me.node().now(), start);
        }
    })
    .await;
}

/// B087: a message that arrives at the deadline is either received or left for the next receive:
/// one of the two, and never lost.
#[foundation::test]
async fn b087_a_message_at_the_deadline_is_not_lost(w: World) {
    let rounds = times(&w, 300, 10);
    run(&w.node(), move |mut me: Process<Note>| async move {
        let bound = Duration::from_micros(500);
        let (mut taken, mut late) = (0, 0);
        for round in 0..rounds {
            me.send_after(bound, me.pid(), Note(round));
            match me.receive(only(round)).timeout(bound).await {
                Ok(_) => taken += 1,
                Err(_) => {
                    assert_eq!(next(&mut me).await, round);
                    late += 1;
                }
            }
            assert_eq!(me.info().message_queue_len, 0, "it came twice");
        }
        assert_eq!(taken + late, rounds);
    })
    .await;
}

/// otp: messages that do not match do not extend a timeout.
#[foundation::test]
async fn what_does_not_match_does_not_extend_a_timeout(w: World) {
    let exact = w.is_simulated();
    run(&w.node(), move |mut me: Process<Note>| async move {
        let (node, bound) = (me.node(), Duration::from_millis(30));
        for n in 1..=30 {
            me.send_after(Duration::from_millis(n), me.pid(), Note(n));
        }
        let start = node.now();
        let none = me.receive(only(u64::MAX)).timeout(bound).await;
        assert!(none.is_err());
        let passed = node.now() - start;
        assert!(passed >= bound && (!exact || passed == bound), "{passed:?}");
        for n in 1..=30 {
            assert_eq!(next(&mut me).await, n);
        }
    })
    .await;
}

/// A receive that is dropped before it is done loses nothing, and disturbs no order.
#[foundation::test]
pub(crate) async fn a_dropped_receive_loses_nothing(s: Scene) {
    let (here, there) = s.nodes();
    let count = times(&s.world, 1000, 100);
    run(&here, move |mut me: Process<Note>| async move {
        let to = me.pid();
        there
            .spawn_fn(move |me: Process<Note>| async move {
                for n in 0..count {
                    me.send(to, Note(n)).expect("portable");
                    if n % 5 == 0 {
                        foundation::time::yield_now().await;
                    }
                }
            })
            .expect("spawned");
        let mut expected = 0;
        while expected < count {
            // Half of the receives are dropped, after they have looked and refused.
            let never = me.receive(|mail: Mail<Note>| Err::<(), _>(mail));
            let mut never = pin!(never);
            poll_fn(|cx| Poll::Ready(never.as_mut().poll(cx).is_ready())).await;
            let bound = Duration::from_micros(expected % 3);
            let got = foundation::time::timeout(bound, me.recv()).await;
            match got {
                Some(Mail::Msg(Note(n))) => {
                    assert_eq!(n, expected);
                    expected += 1;
                }
                Some(other) => panic!("{other:?} came"),
                None => {}
            }
        }
    })
    .await;
}

/// Two waits in one poll: what arrives while the second is polled reaches the first.
#[foundation::test]
async fn a_receive_beside_another_wait_misses_nothing(node: Node) {
    run(&node, |mut me: Process<Note>| async move {
        let (name, start) = (*me, me.node().now());
        let (_kept, answer) = promise::<()>(&me.node());
        let (mut answer, mut sent) = (pin!(answer.timeout(LONG)), false);
        let mut mail = pin!(me.recv());
        let got = poll_fn(|cx| {
            if let Poll::Ready(mail) = mail.as_mut().poll(cx) {
                return Poll::Ready(mail);
            }
            if !std::mem::replace(&mut sent, true) {
                send(name, [1]);
            }
            assert!(answer.as_mut().poll(cx).is_pending());
            Poll::Pending
        });
        assert!(matches!(got.await, Mail::Msg(Note(1))));
        // Else the bound of the other wait would have woken it at last.
        assert!(name.node().now() - start < LONG);
    })
    .await;
    run(&node, |me: Process<Note>| async move {
        let (node, start) = (me.node(), me.node().now());
        let (first, one) = promise::<u64>(&me.node());
        let (second, two) = promise::<u64>(&me.node());
        let (mut one, mut two) = (pin!(one.timeout(LONG)), pin!(two.timeout(LONG)));
        let mut answers = Some((first, second));
        let got = poll_fn(|cx| {
            if let Poll::Ready(got) = one.as_mut().poll(cx) {
                return Poll::Ready(got);
            }
            if let Some((first, _second)) = answers.take() {
                first.send(7);
            }
            let _ = two.as_mut().poll(cx);
            Poll::Pending
        });
        assert_eq!(got.await, Ok(7));
        assert!(node.now() - start < LONG);
    })
    .await;
}

/// A request that is answered.
#[derive(Message)]
#[message(local)]
struct Ask(ReplyTo<u64>);

/// otp: beside a hundred thousand queued messages, an answer and a DOWN are found without
/// looking at the queue, which stays as it is.
#[foundation::test(seeds = 50)]
async fn an_answer_is_found_beside_a_long_queue(w: World) {
    let (queued, calls) = (times(&w, 100_000, 2_000), times(&w, 2_000, 20));
    let node = w.node();
    let server = node
        .spawn_fn(|mut me: Process<Ask>| async move {
            while let Mail::Msg(Ask(reply)) = me.recv().await {
                reply.send(7);
            }
        })
        .expect("spawned");
    run(&node, move |mut me: Process<Note>| async move {
        let node = me.node();
        send(*me, 0..queued);
        let look = me.receive(only(u64::MAX)).timeout(Duration::ZERO).await;
        assert!(look.is_err());
        for _ in 0..calls {
            let before = memory::made();
            let (reply, answer) = promise(&node);
            server.send(Ask(reply)).expect("local");
            assert_eq!(answer.timeout(LONG).await, Ok(7));
            let child = node
                .spawn_fn(|_: Process<Note>| async { boom() })
                .expect("spawned");
            let monitor = me.monitor(&child);
            me.down(monitor).await;
            // Whoever looks at a message of the queue takes it out and boxes it again. (The other
            // thread's allocations are not counted, and ours may go on there.)
            let made = memory::made().saturating_sub(before) as u64;
            assert!(made < queued / 2, "{made} allocations");
        }
        assert_eq!(me.info().message_queue_len as u64, queued);
        for expected in 0..queued {
            assert_eq!(next(&mut me).await, expected);
        }
    })
    .await;
}

/// A process that wakes itself without a message gives way to others, and can be ended.
#[foundation::test]
async fn a_process_that_wakes_itself_gives_way(node: Node) {
    let busy = node
        .spawn_fn(|_: Process<Note>| {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
        })
        .expect("spawned");
    let death = crate::support::Death::of(&node, &busy).await;
    let p = Puppet::start(&node);
    p.log().await;
    p.exit_pid(busy.pid(), boom()).await;
    assert_eq!(death.reason().await, boom());
}
