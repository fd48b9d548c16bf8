//! How fast is ractor when processes only talk?
//!
//! Role       The workloads of ractor without a tree; the others are in `ractor_tree`.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  ractor without its tracing spans per message (a default feature that costs).

use std::sync::Arc;

use ::ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call};
use ::tokio::task;

use super::{Peer, ractor_tree, runtime};
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, Record, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, TOKENS};

/// The crate `ractor`.
pub(crate) struct Ractor;

/// What every handler returns.
pub(crate) type Handled = Result<(), ActorProcessingErr>;

/// An actor whose state is what it is started with, and which acts on one kind of message.
pub(crate) trait Simple: Send + Sync + Sized + 'static {
    /// Its messages.
    type Msg: Send + 'static;
    /// Runs once, before the first message.
    fn started(&mut self, _myself: &ActorRef<Self::Msg>) {}
    /// Handles one message.
    fn handle(&mut self, myself: &ActorRef<Self::Msg>, message: Self::Msg);
}

/// Runs a [`Simple`] state as an actor of ractor.
pub(crate) struct Runs<S>(std::marker::PhantomData<S>);

impl<S: Simple> Actor for Runs<S> {
    type Msg = S::Msg;
    type State = S;
    type Arguments = S;

    async fn pre_start(
        &self,
        myself: ActorRef<S::Msg>,
        mut state: S,
    ) -> Result<S, ActorProcessingErr> {
        state.started(&myself);
        Ok(state)
    }

    async fn handle(&self, myself: ActorRef<S::Msg>, message: S::Msg, state: &mut S) -> Handled {
        state.handle(&myself, message);
        Ok(())
    }
}

/// The handler of a [`Simple`] state.
pub(crate) fn runs<S: Simple>() -> Runs<S> {
    Runs(std::marker::PhantomData)
}

/// Starts a [`Simple`] state.
pub(crate) async fn start<S: Simple>(state: S) -> ActorRef<S::Msg> {
    Actor::spawn(None, runs::<S>(), state)
        .await
        .expect("the actor starts")
        .0
}

/// Sends to an actor that is known to live.
pub(crate) fn tell<M: Send + 'static>(actor: &ActorRef<M>, message: M) {
    assert!(actor.send_message(message).is_ok(), "the actor lives");
}

struct Server;

impl Simple for Server {
    type Msg = (u64, RpcReplyPort<u64>);

    fn handle(&mut self, _: &ActorRef<Self::Msg>, (number, reply): Self::Msg) {
        reply.send(number + 1).expect("the caller waits");
    }
}

enum Ball {
    Meet(ActorRef<Ball>),
    Hop(u64),
}

struct Player {
    partner: Option<ActorRef<Ball>>,
    gate: &'static Gate,
    hops: u64,
}

impl Simple for Player {
    type Msg = Ball;

    fn handle(&mut self, _: &ActorRef<Ball>, message: Ball) {
        match (message, &self.partner) {
            (Ball::Meet(partner), _) => self.partner = Some(partner),
            (Ball::Hop(hop), _) if hop == self.hops => self.gate.arrive_with(hop),
            (Ball::Hop(hop), Some(partner)) => tell(partner, Ball::Hop(hop + 1)),
            (Ball::Hop(_), None) => panic!("a ball came before the partner"),
        }
    }
}

/// An actor that waits for its one message.
pub(crate) struct Waits(pub(crate) &'static Idle);

impl Simple for Waits {
    type Msg = ();

    fn started(&mut self, _: &ActorRef<()>) {
        self.0.ready.arrive();
    }

    fn handle(&mut self, _: &ActorRef<()>, (): ()) {
        self.0.handled.arrive();
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

impl Simple for Sums {
    type Msg = u64;

    fn handle(&mut self, _: &ActorRef<u64>, number: u64) {
        self.add(number);
    }
}

struct Listens(Sums);

impl Simple for Listens {
    type Msg = Arc<[u8]>;

    fn handle(&mut self, _: &ActorRef<Self::Msg>, payload: Self::Msg) {
        self.0.add(harness::weight_of(&payload));
    }
}

struct Reads(Sums);

impl Simple for Reads {
    type Msg = Vec<Record>;

    fn handle(&mut self, _: &ActorRef<Self::Msg>, records: Self::Msg) {
        self.0.add(harness::sum_records(&records));
    }
}

enum Pass {
    Next(ActorRef<Pass>),
    Token(u64, &'static Gate),
}

struct Member(Option<ActorRef<Pass>>);

impl Simple for Member {
    type Msg = Pass;

    fn handle(&mut self, _: &ActorRef<Pass>, message: Pass) {
        match (message, &self.0) {
            (Pass::Next(next), _) => self.0 = Some(next),
            (Pass::Token(0, gate), _) => gate.arrive_with(1),
            (Pass::Token(hops, gate), Some(next)) => tell(next, Pass::Token(hops - 1, gate)),
            (Pass::Token(..), None) => panic!("a token came before the ring was closed"),
        }
    }
}

impl Peer for Ractor {
    fn name(&self) -> &'static str {
        "ractor"
    }

    fn package(&self) -> &'static str {
        "ractor"
    }

    fn call(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        warmed(plan, |calls| {
            let caller = runtime.spawn(async move {
                let server = start(Server).await;
                let clock = Clock::start();
                let mut number = 0;
                for _ in 0..calls {
                    number = call!(server, |reply| (number, reply)).expect("the server lives");
                }
                expect("answer", number, calls);
                clock.stop(calls)
            });
            runtime.block_on(caller).expect("the caller returns")
        })
    }

    fn cast(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        warmed(plan, |hops| {
            let gate = Gate::new(1);
            let left = runtime.block_on(start(Player {
                partner: None,
                gate,
                hops,
            }));
            let partner = Some(left.clone());
            let right = runtime.block_on(start(Player {
                partner,
                gate,
                hops,
            }));
            tell(&left, Ball::Meet(right));
            let clock = Clock::start();
            tell(&left, Ball::Hop(1));
            expect("hops", gate.wait(), hops);
            clock.stop(hops)
        })
    }

    fn spawn(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let spawn = |count: u64, idle: &'static Idle| {
            let spawner = runtime.spawn(async move {
                let mut handles = Vec::with_capacity(count as usize);
                for _ in 0..count {
                    handles.push(start(Waits(idle)).await);
                }
                handles
            });
            runtime.block_on(spawner).expect("the spawner returns")
        };
        weigh(plan, spawn, |handles| {
            handles.iter().for_each(|handle| tell(handle, ()))
        })
    }

    fn fan_in(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let senders = plan.processes;
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = runtime.block_on(start(Sums {
                left: messages,
                sum: 0,
                gate,
            }));
            let each = messages / senders;
            let clock = Clock::start();
            for _ in 0..senders {
                let receiver = receiver.clone();
                runtime.spawn(async move { (0..each).for_each(|number| tell(&receiver, number)) });
            }
            expect("sum", gate.wait(), senders * sum_below(each));
            clock.stop(messages)
        })
    }

    fn ring(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let first = runtime.block_on(start(Member(None)));
        let mut members = vec![first.clone()];
        for _ in 1..plan.processes {
            let next = members.last().cloned();
            members.push(runtime.block_on(start(Member(next))));
        }
        let last = members.last().cloned().expect("the ring has members");
        tell(&first, Pass::Next(last));
        let stride = (plan.processes / TOKENS) as usize;
        warmed(plan, |hops| {
            let gate = Gate::new(TOKENS);
            let clock = Clock::start();
            for token in 0..TOKENS as usize {
                tell(&members[token * stride], Pass::Token(hops / TOKENS, gate));
            }
            expect("tokens", gate.wait(), TOKENS);
            clock.stop(hops)
        })
    }

    fn fan_out(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let receivers = plan.processes;
        warmed(plan, |deliveries| {
            let rounds = deliveries / receivers;
            let gate = Gate::new(receivers);
            let listener = || {
                Listens(Sums {
                    left: rounds,
                    sum: 0,
                    gate,
                })
            };
            let inboxes: Vec<_> = (0..receivers)
                .map(|_| runtime.block_on(start(listener())))
                .collect();
            let payload = harness::payload();
            let clock = Clock::start();
            runtime.spawn(async move {
                for _ in 0..rounds {
                    inboxes
                        .iter()
                        .for_each(|inbox| tell(inbox, Arc::clone(&payload)));
                    task::yield_now().await;
                }
            });
            harness::expect_payloads(gate.wait(), deliveries);
            clock.stop(deliveries)
        })
    }

    fn restart(&self, plan: &Plan, ending: Ending) -> Outcome {
        ractor_tree::restart(plan, ending)
    }

    fn big_message(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let reader = Reads(Sums {
                left: messages,
                sum: 0,
                gate,
            });
            let receiver = runtime.block_on(start(reader));
            let clock = Clock::start();
            runtime.spawn(async move {
                for _ in 0..messages {
                    tell(&receiver, harness::records());
                    // A receiver that this send has woken waits in the slot of this worker.
                    task::yield_now().await;
                }
            });
            harness::expect_records(gate.wait(), messages);
            clock.stop(messages)
        })
    }

    fn skynet(&self, plan: &Plan) -> Outcome {
        ractor_tree::skynet(plan)
    }

    fn idle_supervised(&self, plan: &Plan) -> Outcome {
        ractor_tree::idle_supervised(plan)
    }
}
