//! Whose is what waits in a queue (B219)?
//!
//! Source     otp: erlang:spawn_opt/4, message_queue_data

use foundation::prelude::*;
use foundation::{MaxHeap, QueueData, promise};

const FLOOD: u64 = 5_000;
/// More than one message needs, and less than a flood does.
const BOUND: u64 = 200_000;

#[derive(Message)]
#[message(local)]
enum Told {
    Nothing(#[allow(dead_code, reason = "it fills the envelope")] u64),
    Text(#[allow(dead_code, reason = "it is held")] String),
    Count(ReplyTo<u64>),
    Data(QueueData, ReplyTo<(u64, u64)>),
}

/// Lets everything wait that it does not answer.
async fn idle(mut me: Process<Told>) {
    let memory = || foundation::me().and_then(|me| me.info().memory);
    loop {
        let answered = me.receive(|mail| match mail {
            Mail::Msg(Told::Count(reply)) => {
                reply.send(memory().expect("this program counts"));
                Ok(())
            }
            Mail::Msg(Told::Data(data, reply)) => {
                let me = foundation::me().expect("it is a process");
                let before = memory().expect("this program counts");
                me.message_queue_data(data);
                reply.send((before, memory().expect("this program counts")));
                Ok(())
            }
            other => Err(other),
        });
        answered.await;
    }
}

fn start(node: &Node, data: QueueData, bound: u64) -> ProcessRef<Told> {
    let options = SpawnOptions::new()
        .message_queue_data(data)
        .max_heap_size(MaxHeap::bytes(bound).report(false));
    node.spawn_fn_with(&options, idle).expect("there is room").0
}

async fn count(node: &Node, of: &ProcessRef<Told>) -> u64 {
    let (reply, count) = promise(node);
    of.send(Told::Count(reply)).expect("it is local");
    count.await.expect("it is alive")
}

fn flood(process: &ProcessRef<Told>) {
    for number in 0..FLOOD {
        process.send(Told::Nothing(number)).expect("it is local");
    }
}

/// B219: what waits on the heap counts towards the bound: a flood kills.
#[foundation::test]
async fn b219_a_flood_kills_who_counts_its_queue(node: Node) {
    let process = start(&node, QueueData::OnHeap, BOUND);
    count(&node, &process).await;
    let down = node.down(process.pid());
    let flooded = async { flood(&process) };
    let reason = futures::future::join(down, flooded).await.0.reason;
    assert_eq!(reason, Reason::Killed);
}

/// B219: what waits apart from the heap does not.
#[foundation::test]
async fn b219_a_flood_apart_from_the_heap_does_not(node: Node) {
    let process = start(&node, QueueData::OffHeap, BOUND);
    let before = count(&node, &process).await;
    flood(&process);
    // The last of the flood is fetched with the question.
    let after = count(&node, &process).await;
    let info = node.info(process.pid(), secs(10)).await;
    let info = info.expect("it answers").expect("it is alive");
    assert_eq!(info.message_queue_len, FLOOD as usize);
    assert!(after < before + 10_000, "{before} {after}");
}

/// Envelope and content count, to the byte.
#[foundation::test]
async fn what_waits_is_charged_whole(node: Node) {
    const TEXTS: u64 = 100;
    let process = start(&node, QueueData::OnHeap, 0);
    for _ in 0..2 {
        // The place of its receive, and whatever else it keeps.
        process.send(Told::Nothing(0)).expect("it is local");
        count(&node, &process).await;
    }
    let before = count(&node, &process).await;
    for _ in 0..TEXTS {
        let text = Told::Text("t".repeat(1000));
        process.send(text).expect("it is local");
    }
    let after = count(&node, &process).await;
    let each = (after - before) / TEXTS;
    assert_eq!((after - before) % TEXTS, 0);
    assert_eq!(each, 1004 + 64 + 4, "a text, and a small envelope");
}

/// The flag moves what waits.
#[foundation::test]
async fn the_flag_moves_what_waits(node: Node) {
    let process = start(&node, QueueData::OnHeap, 0);
    flood(&process);
    let set = async |data| {
        let (reply, figures) = promise(&node);
        process.send(Told::Data(data, reply)).expect("it is local");
        figures.await.expect("it is alive")
    };
    let (with, without) = set(QueueData::OffHeap).await;
    let waits = with - without;
    assert!(waits >= FLOOD * 68, "{waits}");
    let (without, with) = set(QueueData::OnHeap).await;
    assert_eq!(with - without, waits);
}
