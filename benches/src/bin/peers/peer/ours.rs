//! How fast are we when processes only talk?
//!
//! Role       Our workloads without a tree; the others are in `ours_tree`.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  What a program would write: `#[actor]`s, typed references, plain processes where
//!            the process is a function; a node with its defaults.

use std::sync::Arc;

use ::foundation::prelude::*;
use ::foundation::{ProcessRef, time};
use foundation_benches::stage::{Nothing, inside, node};

use super::{Peer, ours_tree};
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, Record, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, TOKENS};

/// The crate `foundation`.
pub(crate) struct Ours;

/// The one message of an idle process.
#[derive(Message)]
#[message(local)]
struct Poke;

struct Server;

#[actor]
impl Server {
    #[call]
    fn next(&self, number: u64) -> u64 {
        number + 1
    }
}

struct Player {
    partner: Option<Ref<Player>>,
    gate: &'static Gate,
    hops: u64,
}

#[actor]
impl Player {
    #[cast(local)]
    fn meet(&mut self, partner: Ref<Player>) {
        self.partner = Some(partner);
    }

    #[cast]
    fn hop(&mut self, hop: u64) {
        if hop == self.hops {
            return self.gate.arrive_with(hop);
        }
        let partner = self.partner.as_ref();
        let partner = partner.expect("the partner comes before the ball");
        partner.hop(hop + 1).expect("a local cast is taken");
    }
}

struct Sums {
    left: u64,
    sum: u64,
    gate: &'static Gate,
}

impl Sums {
    fn add(&mut self, value: u64) {
        self.sum += value;
        self.left -= 1;
        if self.left == 0 {
            self.gate.arrive_with(self.sum);
        }
    }
}

#[actor]
impl Sums {
    #[cast]
    fn number(&mut self, number: u64) {
        self.add(number);
    }

    #[cast(local)]
    fn payload(&mut self, payload: Arc<[u8]>) {
        self.add(harness::weight_of(&payload));
    }

    #[cast]
    fn records(&mut self, records: Vec<Record>) {
        self.add(harness::sum_records(&records));
    }
}

struct Member(Option<Ref<Member>>);

#[actor]
impl Member {
    #[cast(local)]
    fn close(&mut self, next: Ref<Member>) {
        self.0 = Some(next);
    }

    #[cast(local)]
    fn token(&mut self, hops: u64, gate: &'static Gate) {
        if hops == 0 {
            return gate.arrive_with(1);
        }
        let next = self.0.as_ref();
        let next = next.expect("the ring is closed before tokens come");
        next.token(hops - 1, gate).expect("a local cast is taken");
    }
}

/// A process that waits for its one message.
async fn wait(mut me: Process<Poke>, idle: &'static Idle) {
    idle.ready.arrive();
    loop {
        if let Mail::Msg(Poke) = me.recv().await {
            idle.handled.arrive();
        }
    }
}

fn sums(node: &Node, left: u64, gate: &'static Gate) -> Ref<Sums> {
    let actor = Sums { left, sum: 0, gate };
    node.spawn(actor).expect("the node takes a process")
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn package(&self) -> &'static str {
        "foundation"
    }

    fn call(&self, plan: &Plan) -> Outcome {
        let node = node();
        warmed(plan, |calls| {
            inside(&node, move |me: Process<Nothing>| async move {
                let server = me.node().spawn(Server).expect("the node takes a process");
                let clock = Clock::start();
                let mut number = 0;
                for _ in 0..calls {
                    number = server.next(number).await.expect("the server lives");
                }
                expect("answer", number, calls);
                clock.stop(calls)
            })
        })
    }

    fn cast(&self, plan: &Plan) -> Outcome {
        let node = node();
        warmed(plan, |hops| {
            let gate = Gate::new(1);
            let player = |partner| {
                let player = Player {
                    partner,
                    gate,
                    hops,
                };
                node.spawn(player).expect("the node takes a process")
            };
            let left = player(None);
            let right = player(Some(left.clone()));
            left.meet(right).expect("a local cast is taken");
            let clock = Clock::start();
            left.hop(1).expect("a local cast is taken");
            expect("hops", gate.wait(), hops);
            clock.stop(hops)
        })
    }

    fn spawn(&self, plan: &Plan) -> Outcome {
        let node = node();
        let spawn = |count: u64, idle: &'static Idle| -> Vec<ProcessRef<Poke>> {
            inside(&node, move |me: Process<Nothing>| async move {
                let node = me.node();
                let one = |_| node.spawn_fn(move |me| wait(me, idle));
                let all: Result<_, _> = (0..count).map(one).collect();
                all.expect("the node takes processes")
            })
        };
        weigh(plan, spawn, |handles| {
            let poke = |handle: &ProcessRef<Poke>| handle.send(Poke);
            handles
                .iter()
                .try_for_each(poke)
                .expect("a local send is taken");
        })
    }

    fn fan_in(&self, plan: &Plan) -> Outcome {
        let node = node();
        let senders = plan.processes;
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = sums(&node, messages, gate);
            let each = messages / senders;
            let clock = Clock::start();
            for _ in 0..senders {
                let receiver = receiver.clone();
                let send = move |_: Process<Nothing>| async move {
                    (0..each).try_for_each(|number| receiver.number(number))
                };
                node.spawn_fn(send).expect("the node takes a process");
            }
            expect("sum", gate.wait(), senders * sum_below(each));
            clock.stop(messages)
        })
    }

    fn ring(&self, plan: &Plan) -> Outcome {
        let node = node();
        let member = |next| {
            let started = node.spawn(Member(next));
            started.expect("the node takes a process")
        };
        let first = member(None);
        let mut members = vec![first.clone()];
        for _ in 1..plan.processes {
            let next = members.last().cloned();
            members.push(member(next));
        }
        let last = members.last().cloned().expect("the ring has members");
        first.close(last).expect("a local cast is taken");
        let stride = (plan.processes / TOKENS) as usize;
        warmed(plan, |hops| {
            let gate = Gate::new(TOKENS);
            let clock = Clock::start();
            for token in 0..TOKENS as usize {
                let sent = members[token * stride].token(hops / TOKENS, gate);
                sent.expect("a local cast is taken");
            }
            expect("tokens", gate.wait(), TOKENS);
            clock.stop(hops)
        })
    }

    fn fan_out(&self, plan: &Plan) -> Outcome {
        let node = node();
        let receivers = plan.processes;
        warmed(plan, |deliveries| {
            let rounds = deliveries / receivers;
            let gate = Gate::new(receivers);
            let inboxes: Vec<_> = (0..receivers).map(|_| sums(&node, rounds, gate)).collect();
            let payload = harness::payload();
            let send = move |_: Process<Nothing>| async move {
                for _ in 0..rounds {
                    inboxes
                        .iter()
                        .try_for_each(|inbox| inbox.payload(Arc::clone(&payload)))?;
                    time::yield_now().await;
                }
                Ok::<_, SendError>(())
            };
            let clock = Clock::start();
            node.spawn_fn(send).expect("the node takes a process");
            harness::expect_payloads(gate.wait(), deliveries);
            clock.stop(deliveries)
        })
    }

    fn restart(&self, plan: &Plan, ending: Ending) -> Outcome {
        ours_tree::restart(plan, ending)
    }

    fn big_message(&self, plan: &Plan) -> Outcome {
        let node = node();
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = sums(&node, messages, gate);
            let send = move |_: Process<Nothing>| async move {
                for _ in 0..messages {
                    receiver.records(harness::records())?;
                    time::yield_now().await;
                }
                Ok::<_, SendError>(())
            };
            let clock = Clock::start();
            node.spawn_fn(send).expect("the node takes a process");
            harness::expect_records(gate.wait(), messages);
            clock.stop(messages)
        })
    }

    fn skynet(&self, plan: &Plan) -> Outcome {
        ours_tree::skynet(plan)
    }

    fn idle_supervised(&self, plan: &Plan) -> Outcome {
        ours_tree::idle_supervised(plan)
    }
}
