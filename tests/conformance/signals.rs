//! Signals: order between two processes, and what happens to what reaches nobody (B001-B008).
//!
//! Source     otp: erts, "Communication in Erlang"

use foundation::DeadReason;
use foundation::prelude::*;

use serde::{Deserialize, Serialize};

use crate::scene::Scene;
use crate::support::{Death, Got, LONG, Note, Puppet, run, times};

/// Who sent it, and the how-manieth it is.
#[derive(Debug, Message, Serialize, Deserialize)]
struct From(u64, u64);

/// B001: what A sends to B arrives in the order of sending, always; also beside another sender.
#[foundation::test]
pub(crate) async fn b001_messages_of_one_sender_arrive_in_order(s: Scene) {
    let (here, there) = s.nodes();
    let count = times(&s.world, 100_000, 300);
    let reader = here
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
    let end = Death::of(&here, &reader).await;
    for sender in 0..2 {
        let reader = reader.pid();
        let home = if sender == 0 { &there } else { &here };
        home.spawn_fn(move |me: Process<Note>| async move {
            for number in 0..count {
                me.send(reader, From(sender, number)).expect("portable");
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
pub(crate) async fn b003_a_detour_promises_no_order(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::start(&here), Puppet::start(&there));
    let to = b.pid();
    let forwarder = here
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
pub(crate) async fn b004_a_send_to_the_dead_is_silent(s: Scene) {
    let (here, there) = s.nodes();
    let dead = Puppet::dead(&there).await;
    let sender = Puppet::start(&here);
    let before = there.dead_letter_count(DeadReason::NoProc);
    let to = dead.pid();
    let outcome = sender.ask(move |me| me.send(to, Note(1))).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(here.send(to, Note(2)), Ok(()));
    assert!(sender.is_alive());
    // What was sent has arrived when what came behind it is answered.
    assert_eq!(here.info(to, LONG).await, Ok(None));
    assert_eq!(there.dead_letter_count(DeadReason::NoProc), before + 2);
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
pub(crate) async fn b006_a_down_comes_after_what_was_sent_before(s: Scene) {
    let (here, there) = s.nodes();
    let count = times(&s.world, 2000, 50);
    run(&here, move |mut me: Process<Note>| async move {
        let parent = me.pid();
        let b = there
            .spawn_fn(move |mut b: Process<Note>| async move {
                b.recv().await;
                for number in 0..count {
                    b.send(parent, Note(number)).expect("local");
                }
            })
            .expect("spawned");
        let monitor = me.monitor(&b);
        me.send(&b, Note(0)).expect("portable");
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
pub(crate) async fn b008_info_comes_after_the_messages_sent_before(s: Scene) {
    let (here, there) = s.nodes();
    let count = times(&s.world, 5000, 50);
    let reader = there
        .spawn_fn(|mut me: Process<Note>| async move {
            me.receive(|mail| match mail {
                Mail::Msg(Note(u64::MAX)) => Ok(()),
                other => Err(other),
            })
            .await;
        })
        .expect("spawned");
    let asker = Puppet::start(&here);
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
