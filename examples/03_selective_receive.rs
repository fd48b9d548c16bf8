//! A plain process: an async function with a mailbox, which takes the message that it wants.
//!
//! Run:      cargo run --example 03_selective_receive
//! Shows:    `spawn_fn`, `receive` with a closure that gives back what it does not want, `monitor`,
//!           and a bound on the wait.
//! Expect:   asked for 7: seven
//!           asked for 8: nothing in time
//!           asked for 9: the worker ended: panic: nine is too much
//!           and three messages were left alone
//! Next:     04_calls_and_errors

use std::time::Duration;

use foundation::ProcessRef;
use foundation::prelude::*;

// ANCHOR: messages
/// What the worker is sent: a number, and whom to tell.
#[derive(Debug, Message)]
#[message(local)]
struct Job(u32, ProcessRef<Msg>);

/// What whoever asks is sent.
#[derive(Debug, Message)]
#[message(local)]
enum Msg {
    Done(u32, &'static str),
    Noise,
}
// ANCHOR_END: messages

// ANCHOR: worker
async fn work(mut me: Process<Job>) {
    loop {
        match me.recv().await {
            Mail::Msg(Job(7, from)) => {
                // The last of these is the answer; nobody wants the others.
                for message in [Msg::Noise, Msg::Done(6, "six"), Msg::Noise] {
                    let _ = from.send(message);
                }
                let _ = from.send(Msg::Done(7, "seven"));
            }
            Mail::Msg(Job(9, _)) => panic!("nine is too much"),
            _ => {}
        }
    }
}
// ANCHOR_END: worker

// ANCHOR: gather
async fn gather(
    me: &mut Process<Msg>,
    want: u32,
    worker: &ProcessRef<Job>,
    bound: Duration,
) -> String {
    let watch = me.monitor(worker);
    let _ = worker.send(Job(want, me.address()));
    let got = me
        .receive(|mail| match mail {
            Mail::Msg(Msg::Done(id, text)) if id == want => Ok(text.to_owned()),
            Mail::Down(down) if down.monitor == watch => Ok(ended(&down.reason)),
            other => Err(other), // stays where it was, in its place
        })
        .timeout(bound)
        .await;
    me.demonitor_flush(watch);
    got.unwrap_or_else(|_| "nothing in time".to_owned())
}
// ANCHOR_END: gather

fn ended(reason: &Reason) -> String {
    match reason {
        Reason::Crash(crash) => format!("the worker ended: panic: {}", crash.message),
        other => format!("the worker ended: {other}"),
    }
}

// ANCHOR: main
#[foundation::main]
async fn main(node: Node) -> foundation::Result {
    let worker = node.spawn_fn(work)?;
    let (reply, answers) = foundation::promise(&node);
    node.spawn_fn(move |mut me| async move {
        let mut got = Vec::new();
        for (want, bound) in [(7, secs(5)), (8, ms(20)), (9, secs(5))] {
            got.push((want, gather(&mut me, want, &worker, bound).await));
        }
        reply.send((got, me.info().message_queue_len));
    })?;

    let (got, left) = answers.await?;
    for (want, text) in got {
        println!("asked for {want}: {text}");
    }
    assert_eq!(left, 3);
    println!("and three messages were left alone");
    Ok(())
}
// ANCHOR_END: main
