//! What becomes of others when a handler holds its worker?
//!
//! Source     the semantics page: a spare worker takes its place

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use foundation::prelude::*;

use crate::support::Word;

const PATIENCE: Duration = Duration::from_secs(20);

/// What holds a handler until the test lets go.
fn hold(gate: &Receiver<()>) {
    gate.recv_timeout(PATIENCE).expect("the test lets go");
}

/// The spare does not know what the stuck handler sends, the timekeeper does not tick while it
/// takes everybody for idle, and the ring's owner has no turn: somebody has to fetch it.
#[test]
fn what_a_stuck_handler_sends_is_handled_meanwhile() {
    let builder = Node::builder().workers(2).watchdog(ms(50));
    let node = builder.start().expect("started");
    let (told, telling) = channel();
    let other = node.spawn_fn(move |mut me: Process<Word>| async move {
        me.recv().await;
        told.send(()).expect("the test waits");
    });
    let other = other.expect("spawned");
    let (open, gate) = channel();
    let stuck = node.spawn_fn(move |_: Process<Word>| async move {
        hold(&gate);
        other.send(Word::Go).expect("it is here");
        hold(&gate);
    });
    stuck.expect("spawned");
    node.block_on(async {
        while node.stuck().is_empty() {
            foundation::time::sleep(ms(10)).await;
        }
        // Everybody comes to rest.
        foundation::time::sleep(ms(100)).await;
    });
    open.send(()).expect("it waits");
    telling
        .recv_timeout(PATIENCE / 2)
        .expect("the message is handled");
    open.send(()).expect("it waits");
    node.shutdown_blocking(secs(5)).expect("stopped");
}

#[derive(Default)]
struct Desk {
    kept: Option<ReplyTo<u32>>,
}

#[actor]
impl Desk {
    #[call]
    fn keep(&mut self, from: ReplyTo<u32>) {
        self.kept = Some(from);
    }

    /// Has somebody else answer, and ends before it yields.
    #[cast(local)]
    fn hand_over(
        &mut self,
        to: std::sync::mpsc::Sender<ReplyTo<u32>>,
        done: Gate,
        cx: &mut Cx<Self>,
    ) {
        to.send(self.kept.take().expect("a call was kept"))
            .expect("the test waits");
        hold(&done.0);
        cx.stop(Reason::Shutdown);
    }
}

struct Gate(Receiver<()>);

/// The caller sees the answer, although the server's death is in its mailbox, too, by the time
/// it looks.
#[test]
fn an_answer_from_elsewhere_counts_although_the_server_dies_after_it() {
    let builder = Node::builder().workers(1).watchdog(secs(60));
    let node = builder.start().expect("started");
    let desk = node.spawn(Desk::default()).expect("spawned");
    let (told, telling) = channel();
    let caller = {
        let desk = desk.clone();
        node.spawn_fn(move |_: Process<Word>| async move {
            told.send(desk.keep().await).expect("the test waits");
        })
    };
    caller.expect("spawned");
    node.block_on(async {
        foundation::time::sleep(ms(50)).await;
    });
    let (to, handed) = channel();
    let (open, gate) = channel();
    desk.hand_over(to, Gate(gate)).expect("sent");
    handed.recv_timeout(PATIENCE).expect("handed over").send(7);
    open.send(()).expect("it waits");
    assert_eq!(telling.recv_timeout(PATIENCE), Ok(Ok(7)));
    node.shutdown_blocking(secs(5)).expect("stopped");
}
