//! Signals: order between two processes, and what happens to what reaches nobody (B001-B008).
//!
//! Source     otp: erts, "Communication in Erlang"

use foundation::DeadReason;
use foundation::prelude::*;

use crate::support::{Got, LONG, Note, Puppet, run, times};

/// Who sent it, and the how-manieth it is.
#[derive(Debug, Message)]
#[message(local)]
struct From(u64, u64);

/// B001: what A sends to B arrives in the order of sending, always; also beside another sender.
#[foundation::test]
async fn b001_messages_of_one_sender_arrive_in_order(w: World) {
    let count = times(&w, 100_000, 300);
    let node = w.node();
    let reader = node
        .spawn_fn(move |mut me: Process<From>| async move {
            let mut next = [0, 0];
            while next != [count, count] {
                let Mail::Msg(From(sender, number)) = me.recv().await else {
                    panic!("something else came");
                };
                let expected = &mut next[sender as usize];
                assert_eq!(number, *expected, "sender {sender}");
                *expected += 1;
            }
        })
        .expect("spawned");
    let end = crate::support::Death::of(&node, &reader).await;
    for sender in 0..2 {
        let reader = reader.clone();
        node.spawn_fn(move |_: Process<Note>| async move {
            for number in 0..count {
                reader.send(From(sender, number)).expect("local");
                if number % 7 == 0 {
                    foundation::time::yield_now().await;
                }
            }
        })
        .expect("spawned");
    }
    assert_eq!(end.reason().await, Reason::Normal);
}

/// B003: A sends to B, then to C, which forwards to B. Both arrive; no order is asserted.
#[foundation::test]
async fn b003_a_detour_promises_no_order(w: World) {
    let node = w.node();
    let (a, b) = (Puppet::start(&node), Puppet::start(&node));
    let to = b.pid();
    let forwarder = node
        .spawn_fn(move |mut me: Process<Note>| async move {
            if let Mail::Msg(note) = me.recv().await {
                me.send(to, note).expect("local");
            }
        })
        .expect("spawned");
    a.ask(move |me| {
        me.send(to, Note(1)).expect("local");
        me.send(&forwarder, Note(2)).expect("local");
    })
    .await;
    let log = b.log_of(2).await;
    assert!(log.contains(&Got::Note(1)) && log.contains(&Got::Note(2)));
}

/// B004: a send to a dead pid is no error; the message is a dead letter and reaches nobody.
#[foundation::test]
async fn b004_a_send_to_the_dead_is_silent(node: Node) {
    let dead = Puppet::dead(&node).await;
    let sender = Puppet::start(&node);
    let before = node.dead_letter_count(DeadReason::NoProc);
    let to = dead.pid();
    let outcome = sender.ask(move |me| me.send(to, Note(1))).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(node.send(to, Note(2)), Ok(()));
    assert!(sender.is_alive());
    assert_eq!(node.dead_letter_count(DeadReason::NoProc), before + 2);
}

/// B005: a send to a local name that nobody has is an error, in a process and outside.
#[foundation::test]
async fn b005_a_send_to_an_unknown_name_is_an_error(node: Node) {
    let missing = || Err(SendError::NoName("nobody".into()));
    let sender = Puppet::start(&node);
    let outcome = sender.ask(|me| me.send_named("nobody", Note(1))).await;
    assert_eq!(outcome, missing());
    assert_eq!(node.send_named("nobody", Note(1)), missing());
    let holder = Puppet::start(&node);
    node.register("somebody", &holder).expect("free");
    assert_eq!(node.send_named("somebody", Note(3)), Ok(()));
    assert_eq!(holder.log().await, [Got::Note(3)]);
}

/// B006: the DOWN of B comes after everything that B sent to A before.
#[foundation::test]
async fn b006_a_down_comes_after_what_was_sent_before(w: World) {
    let count = times(&w, 2000, 50);
    run(&w.node(), move |mut me: Process<Note>| async move {
        let parent = me.pid();
        let b = me
            .node()
            .spawn_fn(move |mut b: Process<Note>| async move {
                b.recv().await;
                for number in 0..count {
                    b.send(parent, Note(number)).expect("local");
                }
            })
            .expect("spawned");
        let monitor = me.monitor(&b);
        b.send(Note(0)).expect("local");
        for number in 0..count {
            match me.recv().await {
                Mail::Msg(Note(got)) => assert_eq!(got, number),
                other => panic!("{other:?} overtook message {number}"),
            }
        }
        match me.recv().await {
            Mail::Down(down) => assert_eq!((down.monitor, down.reason), (monitor, Reason::Normal)),
            other => panic!("{other:?} is no down"),
        }
    })
    .await;
}

/// B008: A sends k messages to B and asks for its queue length: the answer is k at least.
#[foundation::test]
async fn b008_info_comes_after_the_messages_sent_before(w: World) {
    let count = times(&w, 5000, 50);
    let node = w.node();
    let reader = node
        .spawn_fn(|mut me: Process<Note>| async move {
            me.receive(|mail| match mail {
                Mail::Msg(Note(u64::MAX)) => Ok(()),
                other => Err(other),
            })
            .await;
        })
        .expect("spawned");
    let asker = Puppet::start(&node);
    let to = reader.pid();
    let info = asker
        .wait(move |me| async move {
            for number in 0..count {
                me.send(to, Note(number)).expect("local");
            }
            me.node().info(to, LONG).await
        })
        .await
        .expect("answered")
        .expect("alive");
    assert_eq!(info.message_queue_len as u64, count);
}
