//! How fast is kameo when processes only talk?
//!
//! Role       The workloads of kameo without a tree; the others are in `kameo_tree`.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  Unbounded mailboxes like everybody's (kameo's default holds 64), no tracing feature.

use std::sync::Arc;

use ::kameo::actor::{Actor, ActorRef, Spawn};
use ::kameo::error::Infallible;
use ::kameo::mailbox::unbounded;
use ::kameo::message::{Context, Message};
use ::tokio::task;

use super::{Peer, kameo_tree, runtime};
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, Record, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, TOKENS, Workload};

/// The crate `kameo`.
pub(crate) struct Kameo;

/// Makes an actor of a state that is what it is started with.
macro_rules! simple {
    ($($state:ty),* $(,)?) => {$(
        impl Actor for $state {
            type Args = Self;
            type Error = Infallible;

            async fn on_start(state: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
                Ok(state)
            }
        }
    )*};
}

simple!(Server, Player, Sums, Member);

/// Starts an actor from a task of the runtime.
pub(crate) fn start<A: Actor>(args: A::Args) -> ActorRef<A> {
    A::spawn_with_mailbox(args, unbounded())
}

/// Sends to an actor that is known to live.
pub(crate) fn tell<A: Actor + Message<M>, M: Send + 'static>(actor: &ActorRef<A>, message: M) {
    assert!(actor.tell(message).try_send().is_ok(), "the actor lives");
}

struct Server;

impl Message<u64> for Server {
    type Reply = u64;

    async fn handle(&mut self, number: u64, _: &mut Context<Self, u64>) -> u64 {
        number + 1
    }
}

struct Player {
    partner: Option<ActorRef<Player>>,
    gate: &'static Gate,
    hops: u64,
}

struct Meet(ActorRef<Player>);
struct Hop(u64);

impl Message<Meet> for Player {
    type Reply = ();

    async fn handle(&mut self, Meet(partner): Meet, _: &mut Context<Self, ()>) {
        self.partner = Some(partner);
    }
}

impl Message<Hop> for Player {
    type Reply = ();

    async fn handle(&mut self, Hop(hop): Hop, _: &mut Context<Self, ()>) {
        if hop == self.hops {
            return self.gate.arrive_with(hop);
        }
        let partner = self
            .partner
            .as_ref()
            .expect("the partner comes before the ball");
        tell(partner, Hop(hop + 1));
    }
}

/// An actor that waits for its one message.
pub(crate) struct Waits(pub(crate) &'static Idle);

impl Actor for Waits {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(state: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        state.0.ready.arrive();
        Ok(state)
    }
}

/// The one message of an idle actor.
pub(crate) struct Poke;

impl Message<Poke> for Waits {
    type Reply = ();

    async fn handle(&mut self, _: Poke, _: &mut Context<Self, ()>) {
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

impl Message<u64> for Sums {
    type Reply = ();

    async fn handle(&mut self, number: u64, _: &mut Context<Self, ()>) {
        self.add(number);
    }
}

impl Message<Arc<[u8]>> for Sums {
    type Reply = ();

    async fn handle(&mut self, payload: Arc<[u8]>, _: &mut Context<Self, ()>) {
        self.add(harness::weight_of(&payload));
    }
}

impl Message<Vec<Record>> for Sums {
    type Reply = ();

    async fn handle(&mut self, records: Vec<Record>, _: &mut Context<Self, ()>) {
        self.add(harness::sum_records(&records));
    }
}

struct Member(Option<ActorRef<Member>>);

struct Next(ActorRef<Member>);
struct Token(u64, &'static Gate);

impl Message<Next> for Member {
    type Reply = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self, ()>) {
        self.0 = Some(next);
    }
}

impl Message<Token> for Member {
    type Reply = ();

    async fn handle(&mut self, Token(hops, gate): Token, _: &mut Context<Self, ()>) {
        if hops == 0 {
            return gate.arrive_with(1);
        }
        let next = self
            .0
            .as_ref()
            .expect("the ring is closed before tokens come");
        tell(next, Token(hops - 1, gate));
    }
}

impl Peer for Kameo {
    fn name(&self) -> &'static str {
        "kameo"
    }

    fn package(&self) -> &'static str {
        "kameo"
    }

    fn note(&self, workload: Workload) -> &'static str {
        match workload {
            Workload::IdleSupervised => "siblings linked to one actor by spawn_link",
            _ => "",
        }
    }

    fn call(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        warmed(plan, |calls| {
            let caller = runtime.spawn(async move {
                let server = start::<Server>(Server);
                server.wait_for_startup().await;
                let clock = Clock::start();
                let mut number = 0;
                for _ in 0..calls {
                    number = server.ask(number).await.expect("the server lives");
                }
                expect("answer", number, calls);
                clock.stop(calls)
            });
            runtime.block_on(caller).expect("the caller returns")
        })
    }

    fn cast(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        warmed(plan, |hops| {
            let gate = Gate::new(1);
            let left = start::<Player>(Player {
                partner: None,
                gate,
                hops,
            });
            let partner = Some(left.clone());
            let right = start::<Player>(Player {
                partner,
                gate,
                hops,
            });
            tell(&left, Meet(right));
            let clock = Clock::start();
            tell(&left, Hop(1));
            expect("hops", gate.wait(), hops);
            clock.stop(hops)
        })
    }

    fn spawn(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let spawn = |count: u64, idle: &'static Idle| {
            let spawner = runtime.spawn(async move {
                (0..count)
                    .map(|_| start::<Waits>(Waits(idle)))
                    .collect::<Vec<_>>()
            });
            runtime.block_on(spawner).expect("the spawner returns")
        };
        weigh(plan, spawn, |handles| {
            handles.iter().for_each(|handle| tell(handle, Poke))
        })
    }

    fn fan_in(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        let senders = plan.processes;
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = start::<Sums>(Sums {
                left: messages,
                sum: 0,
                gate,
            });
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
        let _inside = runtime.enter();
        let first = start::<Member>(Member(None));
        let mut members = vec![first.clone()];
        for _ in 1..plan.processes {
            let next = members.last().cloned();
            members.push(start::<Member>(Member(next)));
        }
        let last = members.last().cloned().expect("the ring has members");
        tell(&first, Next(last));
        let stride = (plan.processes / TOKENS) as usize;
        warmed(plan, |hops| {
            let gate = Gate::new(TOKENS);
            let clock = Clock::start();
            for token in 0..TOKENS as usize {
                tell(&members[token * stride], Token(hops / TOKENS, gate));
            }
            expect("tokens", gate.wait(), TOKENS);
            clock.stop(hops)
        })
    }

    fn fan_out(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        let receivers = plan.processes;
        warmed(plan, |deliveries| {
            let rounds = deliveries / receivers;
            let gate = Gate::new(receivers);
            let listener = || {
                start::<Sums>(Sums {
                    left: rounds,
                    sum: 0,
                    gate,
                })
            };
            let inboxes: Vec<_> = (0..receivers).map(|_| listener()).collect();
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
        kameo_tree::restart(plan, ending)
    }

    fn big_message(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = start::<Sums>(Sums {
                left: messages,
                sum: 0,
                gate,
            });
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
        kameo_tree::skynet(plan)
    }

    fn idle_supervised(&self, plan: &Plan) -> Outcome {
        kameo_tree::idle_supervised(plan)
    }
}
