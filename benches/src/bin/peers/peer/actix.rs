//! How fast is actix when processes only talk?
//!
//! Role       Workloads on one arbiter, which is one thread: actix has no work stealing. Those
//!            with a tree are in `actix_tree`.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  The main thread only waits; everything runs on the arbiter, by `do_send`.

use std::future::Future;
use std::sync::{Arc, mpsc};

use ::actix::{Actor, Addr, Arbiter, Context, Handler, Message, System};
use ::tokio::task;

use super::{Peer, actix_tree};
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, Record, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, TOKENS, Workload};

/// The crate `actix`.
pub(crate) struct Actix;

/// A system whose one arbiter runs beside the main thread.
pub(crate) struct Thread {
    arbiter: Arbiter,
    _system: ::actix::SystemRunner,
}

impl Thread {
    /// Starts the arbiter.
    pub(crate) fn new() -> Self {
        let system = System::new();
        Self {
            arbiter: Arbiter::new(),
            _system: system,
        }
    }

    /// Runs a future on the arbiter without waiting.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        assert!(self.arbiter.spawn(future), "the arbiter lives");
    }

    /// Runs a future on the arbiter and waits for what it returns.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (report, reported) = mpsc::channel();
        self.spawn(async move {
            assert!(report.send(future.await).is_ok(), "the main thread waits");
        });
        reported.recv().expect("the arbiter reports")
    }
}

/// Makes actors of plain types.
macro_rules! actors {
    ($($state:ty),* $(,)?) => {$(
        impl Actor for $state {
            type Context = Context<Self>;
        }
    )*};
}

/// Makes messages without an answer of plain types.
macro_rules! messages {
    ($($message:ty),* $(,)?) => {$(
        impl Message for $message {
            type Result = ();
        }
    )*};
}
pub(super) use messages;

actors!(Server, Player, Sums, Member);
messages!(Meet, Hop, Poke, Add, Listen, Read, Next, Token);

struct Server;
struct Ask(u64);

impl Message for Ask {
    type Result = u64;
}

impl Handler<Ask> for Server {
    type Result = u64;

    fn handle(&mut self, Ask(number): Ask, _: &mut Context<Self>) -> u64 {
        number + 1
    }
}

struct Player {
    partner: Option<Addr<Player>>,
    gate: &'static Gate,
    hops: u64,
}

struct Meet(Addr<Player>);
struct Hop(u64);

impl Handler<Meet> for Player {
    type Result = ();

    fn handle(&mut self, Meet(partner): Meet, _: &mut Context<Self>) {
        self.partner = Some(partner);
    }
}

impl Handler<Hop> for Player {
    type Result = ();

    fn handle(&mut self, Hop(hop): Hop, _: &mut Context<Self>) {
        if hop == self.hops {
            return self.gate.arrive_with(hop);
        }
        let partner = self
            .partner
            .as_ref()
            .expect("the partner comes before the ball");
        partner.do_send(Hop(hop + 1));
    }
}

struct Waits(&'static Idle);
struct Poke;

impl Actor for Waits {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.0.ready.arrive();
    }
}

impl Handler<Poke> for Waits {
    type Result = ();

    fn handle(&mut self, _: Poke, _: &mut Context<Self>) {
        self.0.handled.arrive();
    }
}

struct Sums {
    left: u64,
    sum: u64,
    gate: &'static Gate,
}

struct Add(u64);
struct Listen(Arc<[u8]>);
struct Read(Vec<Record>);

impl Sums {
    fn add(&mut self, value: u64) {
        self.sum += value;
        self.left -= 1;
        if self.left == 0 {
            self.gate.arrive_with(self.sum);
        }
    }
}

impl Handler<Add> for Sums {
    type Result = ();

    fn handle(&mut self, Add(number): Add, _: &mut Context<Self>) {
        self.add(number);
    }
}

impl Handler<Listen> for Sums {
    type Result = ();

    fn handle(&mut self, Listen(payload): Listen, _: &mut Context<Self>) {
        self.add(harness::weight_of(&payload));
    }
}

impl Handler<Read> for Sums {
    type Result = ();

    fn handle(&mut self, Read(records): Read, _: &mut Context<Self>) {
        self.add(harness::sum_records(&records));
    }
}

struct Member(Option<Addr<Member>>);
struct Next(Addr<Member>);
struct Token(u64, &'static Gate);

impl Handler<Next> for Member {
    type Result = ();

    fn handle(&mut self, Next(next): Next, _: &mut Context<Self>) {
        self.0 = Some(next);
    }
}

impl Handler<Token> for Member {
    type Result = ();

    fn handle(&mut self, Token(hops, gate): Token, _: &mut Context<Self>) {
        if hops == 0 {
            return gate.arrive_with(1);
        }
        let next = self
            .0
            .as_ref()
            .expect("the ring is closed before tokens come");
        next.do_send(Token(hops - 1, gate));
    }
}

impl Peer for Actix {
    fn name(&self) -> &'static str {
        "actix"
    }

    fn package(&self) -> &'static str {
        "actix"
    }

    fn note(&self, _: Workload) -> &'static str {
        "one thread"
    }

    fn call(&self, plan: &Plan) -> Outcome {
        let thread = Thread::new();
        warmed(plan, |calls| {
            thread.run(async move {
                let server = Server.start();
                let clock = Clock::start();
                let mut number = 0;
                for _ in 0..calls {
                    number = server.send(Ask(number)).await.expect("the server lives");
                }
                expect("answer", number, calls);
                clock.stop(calls)
            })
        })
    }

    fn cast(&self, plan: &Plan) -> Outcome {
        let thread = Thread::new();
        warmed(plan, |hops| {
            let gate = Gate::new(1);
            let left = thread.run(async move {
                let left = Player {
                    partner: None,
                    gate,
                    hops,
                }
                .start();
                let right = Player {
                    partner: Some(left.clone()),
                    gate,
                    hops,
                }
                .start();
                left.do_send(Meet(right));
                left
            });
            let clock = Clock::start();
            left.do_send(Hop(1));
            expect("hops", gate.wait(), hops);
            clock.stop(hops)
        })
    }

    fn spawn(&self, plan: &Plan) -> Outcome {
        let thread = Thread::new();
        let spawn = |count: u64, idle: &'static Idle| {
            thread.run(async move { (0..count).map(|_| Waits(idle).start()).collect::<Vec<_>>() })
        };
        weigh(plan, spawn, |handles| {
            handles.iter().for_each(|handle| handle.do_send(Poke))
        })
    }

    fn fan_in(&self, plan: &Plan) -> Outcome {
        let thread = Thread::new();
        let senders = plan.processes;
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = thread.run(async move {
                Sums {
                    left: messages,
                    sum: 0,
                    gate,
                }
                .start()
            });
            let each = messages / senders;
            let clock = Clock::start();
            for _ in 0..senders {
                let receiver = receiver.clone();
                thread.spawn(async move {
                    (0..each).for_each(|number| receiver.do_send(Add(number)));
                });
            }
            expect("sum", gate.wait(), senders * sum_below(each));
            clock.stop(messages)
        })
    }

    fn ring(&self, plan: &Plan) -> Outcome {
        let thread = Thread::new();
        let processes = plan.processes;
        let members = thread.run(async move {
            let mut members = vec![Member(None).start()];
            for _ in 1..processes {
                let next = members.last().cloned();
                members.push(Member(next).start());
            }
            let last = members.last().cloned().expect("the ring has members");
            members[0].do_send(Next(last));
            members
        });
        let stride = (plan.processes / TOKENS) as usize;
        warmed(plan, |hops| {
            let gate = Gate::new(TOKENS);
            let clock = Clock::start();
            for token in 0..TOKENS as usize {
                members[token * stride].do_send(Token(hops / TOKENS, gate));
            }
            expect("tokens", gate.wait(), TOKENS);
            clock.stop(hops)
        })
    }

    fn fan_out(&self, plan: &Plan) -> Outcome {
        let thread = Thread::new();
        let receivers = plan.processes;
        warmed(plan, |deliveries| {
            let rounds = deliveries / receivers;
            let gate = Gate::new(receivers);
            let inboxes: Vec<_> = thread.run(async move {
                (0..receivers)
                    .map(|_| {
                        Sums {
                            left: rounds,
                            sum: 0,
                            gate,
                        }
                        .start()
                    })
                    .collect()
            });
            let payload = harness::payload();
            let clock = Clock::start();
            thread.spawn(async move {
                for _ in 0..rounds {
                    inboxes
                        .iter()
                        .for_each(|inbox| inbox.do_send(Listen(Arc::clone(&payload))));
                    task::yield_now().await;
                }
            });
            harness::expect_payloads(gate.wait(), deliveries);
            clock.stop(deliveries)
        })
    }

    fn restart(&self, plan: &Plan, ending: Ending) -> Outcome {
        actix_tree::restart(plan, ending)
    }

    fn big_message(&self, plan: &Plan) -> Outcome {
        let thread = Thread::new();
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = thread.run(async move {
                Sums {
                    left: messages,
                    sum: 0,
                    gate,
                }
                .start()
            });
            let clock = Clock::start();
            thread.spawn(async move {
                for _ in 0..messages {
                    receiver.do_send(Read(harness::records()));
                    task::yield_now().await;
                }
            });
            harness::expect_records(gate.wait(), messages);
            clock.stop(messages)
        })
    }

    fn skynet(&self, plan: &Plan) -> Outcome {
        actix_tree::skynet(plan)
    }
}
