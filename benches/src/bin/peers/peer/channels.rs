//! How fast are bare tasks and channels, without any framework?
//!
//! Role       Every workload once, over any unbounded channel, on tokio tasks.
//! Inputs     A [`Channel`] implementation and a [`Plan`].
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  Replies travel by tokio's oneshot, whichever the channel.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, mpsc};

use ::tokio::sync::oneshot;
use ::tokio::task;

use super::runtime;
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, Record, expect, sum_below, warmed, weigh};
use crate::meter::{Clock, Sample};
use crate::workload::{Plan, SKYNET_ARITY, TOKENS};

/// An unbounded channel between tasks.
pub(crate) trait Channel: 'static {
    /// The sending half.
    type Sender<T: Send + 'static>: Clone + Send + Sync + 'static;
    /// The receiving half.
    type Receiver<T: Send + 'static>: Send + 'static;
    /// Makes a channel.
    fn unbounded<T: Send + 'static>() -> (Self::Sender<T>, Self::Receiver<T>);
    /// Sends to a receiver that is known to live.
    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T);
    /// Receives, or answers `None` when all senders are gone.
    fn recv<T: Send + 'static>(
        receiver: &mut Self::Receiver<T>,
    ) -> impl Future<Output = Option<T>> + Send;
}

/// Makes a peer of a [`Channel`].
macro_rules! peer {
    ($type:ident, $name:literal, $package:literal) => {
        impl Peer for $type {
            fn name(&self) -> &'static str {
                $name
            }
            fn package(&self) -> &'static str {
                $package
            }
            fn call(&self, plan: &Plan) -> Outcome {
                channels::call::<Self>(plan)
            }
            fn cast(&self, plan: &Plan) -> Outcome {
                channels::cast::<Self>(plan)
            }
            fn spawn(&self, plan: &Plan) -> Outcome {
                channels::spawn::<Self>(plan)
            }
            fn fan_in(&self, plan: &Plan) -> Outcome {
                channels::fan_in::<Self>(plan)
            }
            fn ring(&self, plan: &Plan) -> Outcome {
                channels::ring::<Self>(plan)
            }
            fn fan_out(&self, plan: &Plan) -> Outcome {
                channels::fan_out::<Self>(plan)
            }
            fn big_message(&self, plan: &Plan) -> Outcome {
                channels::big_message::<Self>(plan)
            }
            fn skynet(&self, plan: &Plan) -> Outcome {
                channels::skynet::<Self>(plan)
            }
        }
    };
}
pub(super) use peer;

/// Request and reply.
pub(crate) fn call<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    warmed(plan, |calls| {
        let (server, mut requests) = C::unbounded::<(u64, oneshot::Sender<u64>)>();
        runtime.spawn(async move {
            while let Some((number, reply)) = C::recv(&mut requests).await {
                reply.send(number + 1).expect("the caller waits");
            }
        });
        let caller = runtime.spawn(async move {
            let clock = Clock::start();
            let mut number = 0;
            for _ in 0..calls {
                let (reply, answer) = oneshot::channel();
                C::send(&server, (number, reply));
                number = answer.await.expect("the server lives");
            }
            expect("answer", number, calls);
            clock.stop(calls)
        });
        runtime.block_on(caller).expect("the caller returns")
    })
}

/// One-way ping-pong.
pub(crate) fn cast<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    warmed(plan, |hops| {
        let gate = Gate::new(1);
        let (left, left_inbox) = C::unbounded::<u64>();
        let (right, right_inbox) = C::unbounded::<u64>();
        runtime.spawn(bounce::<C>(left_inbox, right, gate, hops));
        runtime.spawn(bounce::<C>(right_inbox, left.clone(), gate, hops));
        let clock = Clock::start();
        C::send(&left, 1);
        expect("hops", gate.wait(), hops);
        clock.stop(hops)
    })
}

async fn bounce<C: Channel>(
    mut inbox: C::Receiver<u64>,
    partner: C::Sender<u64>,
    gate: &'static Gate,
    hops: u64,
) {
    while let Some(hop) = C::recv(&mut inbox).await {
        if hop == hops {
            return gate.arrive_with(hop);
        }
        C::send(&partner, hop + 1);
    }
}

/// Idle tasks, each with its channel.
pub(crate) fn spawn<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let spawn = |count: u64, idle: &'static Idle| {
        let spawner = runtime.spawn(async move {
            let mut handles = Vec::with_capacity(count as usize);
            for _ in 0..count {
                let (sender, mut inbox) = C::unbounded::<()>();
                handles.push(sender);
                task::spawn(async move {
                    idle.ready.arrive();
                    while C::recv(&mut inbox).await.is_some() {
                        idle.handled.arrive();
                    }
                });
            }
            handles
        });
        runtime.block_on(spawner).expect("the spawner returns")
    };
    weigh(plan, spawn, |handles| {
        handles.iter().for_each(|handle| C::send(handle, ()))
    })
}

/// Many senders, one receiver.
pub(crate) fn fan_in<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let senders = plan.processes;
    warmed(plan, |messages| {
        let gate = Gate::new(1);
        let (sender, mut inbox) = C::unbounded::<u64>();
        runtime.spawn(async move {
            let mut sum = 0;
            for _ in 0..messages {
                sum += C::recv(&mut inbox).await.expect("senders live");
            }
            gate.arrive_with(sum);
        });
        let each = messages / senders;
        let clock = Clock::start();
        for _ in 0..senders {
            let sender = sender.clone();
            runtime.spawn(async move { (0..each).for_each(|number| C::send(&sender, number)) });
        }
        expect("sum", gate.wait(), senders * sum_below(each));
        clock.stop(messages)
    })
}

/// Tokens round a ring.
pub(crate) fn ring<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let (first, first_inbox) = C::unbounded::<(u64, &'static Gate)>();
    let mut members = vec![first.clone()];
    let mut inbox = first_inbox;
    for place in 1..=plan.processes {
        let (next, next_inbox) = C::unbounded();
        let next = if place == plan.processes {
            first.clone()
        } else {
            next
        };
        members.push(next.clone());
        let mut own = std::mem::replace(&mut inbox, next_inbox);
        runtime.spawn(async move {
            while let Some((hops, gate)) = C::recv(&mut own).await {
                match hops {
                    0 => gate.arrive_with(1),
                    _ => C::send(&next, (hops - 1, gate)),
                }
            }
        });
    }
    let stride = (plan.processes / TOKENS) as usize;
    warmed(plan, |hops| {
        let gate = Gate::new(TOKENS);
        let clock = Clock::start();
        for token in 0..TOKENS as usize {
            C::send(&members[token * stride], (hops / TOKENS, gate));
        }
        expect("tokens", gate.wait(), TOKENS);
        clock.stop(hops)
    })
}

/// One sender, many receivers, one shared payload.
pub(crate) fn fan_out<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    let receivers = plan.processes;
    warmed(plan, |deliveries| {
        let rounds = deliveries / receivers;
        let gate = Gate::new(receivers);
        let inboxes: Vec<_> = (0..receivers)
            .map(|_| {
                let (sender, mut inbox) = C::unbounded::<Arc<[u8]>>();
                runtime.spawn(async move {
                    let mut sum = 0;
                    for _ in 0..rounds {
                        let payload = C::recv(&mut inbox).await.expect("the sender lives");
                        sum += harness::weight_of(&payload);
                    }
                    gate.arrive_with(sum);
                });
                sender
            })
            .collect();
        let payload = harness::payload();
        let clock = Clock::start();
        runtime.spawn(async move {
            for _ in 0..rounds {
                inboxes
                    .iter()
                    .for_each(|inbox| C::send(inbox, Arc::clone(&payload)));
                task::yield_now().await;
            }
        });
        harness::expect_payloads(gate.wait(), deliveries);
        clock.stop(deliveries)
    })
}

/// Large messages from one task to another.
pub(crate) fn big_message<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    warmed(plan, |messages| {
        let gate = Gate::new(1);
        let (sender, mut inbox) = C::unbounded::<Vec<Record>>();
        runtime.spawn(async move {
            let mut sum = 0;
            while let Some(records) = C::recv(&mut inbox).await {
                sum += harness::sum_records(&records);
            }
            gate.arrive_with(sum);
        });
        let clock = Clock::start();
        runtime.spawn(async move {
            for _ in 0..messages {
                C::send(&sender, harness::records());
                // A receiver that this send has woken waits in the slot of this worker.
                task::yield_now().await;
            }
        });
        harness::expect_records(gate.wait(), messages);
        clock.stop(messages)
    })
}

/// A tree of tasks.
pub(crate) fn skynet<C: Channel>(plan: &Plan) -> Outcome {
    let runtime = runtime();
    warmed(plan, |leaves| -> Sample {
        let (root, mut inbox) = C::unbounded::<u64>();
        let (report, reported) = mpsc::channel();
        let clock = Clock::start();
        runtime.spawn(node::<C>(root, 0, leaves));
        runtime.spawn(async move {
            let sum = C::recv(&mut inbox).await.expect("the root answers");
            report.send(sum).expect("the main thread waits");
        });
        let sum = reported.recv().expect("the root task reports");
        expect("sum of leaves", sum, sum_below(leaves));
        clock.stop(leaves)
    })
}

fn node<C: Channel>(
    parent: C::Sender<u64>,
    number: u64,
    leaves: u64,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if leaves == 1 {
            return C::send(&parent, number);
        }
        let (sender, mut inbox) = C::unbounded::<u64>();
        let share = leaves / SKYNET_ARITY;
        for child in 0..SKYNET_ARITY {
            task::spawn(node::<C>(sender.clone(), number + child * share, share));
        }
        let mut sum = 0;
        for _ in 0..SKYNET_ARITY {
            sum += C::recv(&mut inbox).await.expect("children answer");
        }
        C::send(&parent, sum);
    })
}
