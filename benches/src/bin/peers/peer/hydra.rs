//! How fast is hydra when processes only talk?
//!
//! Role       The workloads of hydra without a tree; the others are in `hydra_tree`.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  Plain `send` and `receive` except where a reply is wanted: that is `GenServer::call`.

use std::sync::Arc;

use ::hydra::{
    ExitReason, From, GenServer, GenServerOptions, Local, Message, Pid, Process, Receivable,
};
use ::tokio::task;

use super::{Peer, hydra_tree, runtime};
use crate::gate::{Gate, Idle};
use crate::harness::{self, Outcome, Record, expect, sum_below, warmed, weigh};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, TOKENS, Workload};

/// The crate `hydra` of dtzxporter.
pub(crate) struct Hydra;

/// Receives the next message of the only type that this process gets.
pub(crate) async fn receive<M: Receivable>() -> M {
    match Process::receive::<M>().await {
        Message::User(message) => message,
        Message::System(_) => panic!("a system message where none is due"),
    }
}

struct Server;

impl GenServer for Server {
    type Message = u64;

    async fn init(&mut self) -> Result<(), ExitReason> {
        Ok(())
    }

    async fn handle_call(&mut self, number: u64, _: From) -> Result<Option<u64>, ExitReason> {
        Ok(Some(number + 1))
    }
}

async fn play(partner: Option<Pid>, gate: &'static Gate, hops: u64) {
    let partner = match partner {
        Some(partner) => partner,
        None => receive::<Pid>().await,
    };
    loop {
        let hop: u64 = receive().await;
        if hop == hops {
            return gate.arrive_with(hop);
        }
        Process::send(partner, hop + 1);
    }
}

/// Waits for its one message.
pub(crate) async fn wait(idle: &'static Idle) {
    idle.ready.arrive();
    loop {
        receive::<()>().await;
        idle.handled.arrive();
    }
}

type Token = (u64, Local<&'static Gate>);

async fn pass(next: Option<Pid>) {
    let next = match next {
        Some(next) => next,
        None => receive::<Pid>().await,
    };
    loop {
        let (hops, gate): Token = receive().await;
        match hops {
            0 => gate.arrive_with(1),
            _ => Process::send(next, (hops - 1, gate)),
        }
    }
}

impl Peer for Hydra {
    fn name(&self) -> &'static str {
        "hydra"
    }

    fn package(&self) -> &'static str {
        "hydra"
    }

    fn note(&self, workload: Workload) -> &'static str {
        match workload {
            Workload::RestartExit | Workload::RestartPanic => "restart window of 1 ms",
            _ => "",
        }
    }

    fn call(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        warmed(plan, |calls| {
            let (report, reported) = std::sync::mpsc::channel();
            Process::spawn(async move {
                let server = Server
                    .start(GenServerOptions::new())
                    .await
                    .expect("it starts");
                let clock = Clock::start();
                let mut number = 0;
                for _ in 0..calls {
                    number = Server::call(server, number, None)
                        .await
                        .expect("the server lives");
                }
                expect("answer", number, calls);
                report
                    .send(clock.stop(calls))
                    .expect("the main thread waits");
            });
            reported.recv().expect("the caller reports")
        })
    }

    fn cast(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        warmed(plan, |hops| {
            let gate = Gate::new(1);
            let left = Process::spawn(play(None, gate, hops));
            let right = Process::spawn(play(Some(left), gate, hops));
            Process::send(left, right);
            let clock = Clock::start();
            Process::send(left, 1_u64);
            expect("hops", gate.wait(), hops);
            clock.stop(hops)
        })
    }

    fn spawn(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let spawn = |count: u64, idle: &'static Idle| {
            let spawner = runtime.spawn(async move {
                (0..count)
                    .map(|_| Process::spawn(wait(idle)))
                    .collect::<Vec<_>>()
            });
            runtime.block_on(spawner).expect("the spawner returns")
        };
        weigh(plan, spawn, |pids| {
            pids.iter().for_each(|pid| Process::send(*pid, ()))
        })
    }

    fn fan_in(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        let senders = plan.processes;
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = Process::spawn(async move {
                let mut sum = 0;
                for _ in 0..messages {
                    sum += receive::<u64>().await;
                }
                gate.arrive_with(sum);
            });
            let each = messages / senders;
            let clock = Clock::start();
            for _ in 0..senders {
                Process::spawn(async move {
                    (0..each).for_each(|number| Process::send(receiver, number));
                });
            }
            expect("sum", gate.wait(), senders * sum_below(each));
            clock.stop(messages)
        })
    }

    fn ring(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        let mut members = vec![Process::spawn(pass(None))];
        for _ in 1..plan.processes {
            let next = members.last().copied();
            members.push(Process::spawn(pass(next)));
        }
        let last = members.last().copied().expect("the ring has members");
        Process::send(members[0], last);
        let stride = (plan.processes / TOKENS) as usize;
        warmed(plan, |hops| {
            let gate = Gate::new(TOKENS);
            let clock = Clock::start();
            for token in 0..TOKENS as usize {
                Process::send(members[token * stride], (hops / TOKENS, Local::new(gate)));
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
            let listener = move || async move {
                let mut sum = 0;
                for _ in 0..rounds {
                    sum += harness::weight_of(&receive::<Local<Arc<[u8]>>>().await);
                }
                gate.arrive_with(sum);
            };
            let inboxes: Vec<_> = (0..receivers).map(|_| Process::spawn(listener())).collect();
            let payload = harness::payload();
            let clock = Clock::start();
            Process::spawn(async move {
                for _ in 0..rounds {
                    let copy = || Local::new(Arc::clone(&payload));
                    inboxes
                        .iter()
                        .for_each(|inbox| Process::send(*inbox, copy()));
                    task::yield_now().await;
                }
            });
            harness::expect_payloads(gate.wait(), deliveries);
            clock.stop(deliveries)
        })
    }

    fn restart(&self, plan: &Plan, ending: Ending) -> Outcome {
        hydra_tree::restart(plan, ending)
    }

    fn big_message(&self, plan: &Plan) -> Outcome {
        let runtime = runtime();
        let _inside = runtime.enter();
        warmed(plan, |messages| {
            let gate = Gate::new(1);
            let receiver = Process::spawn(async move {
                let mut sum = 0;
                for _ in 0..messages {
                    sum += harness::sum_records(&receive::<Vec<Record>>().await);
                }
                gate.arrive_with(sum);
            });
            let clock = Clock::start();
            Process::spawn(async move {
                for _ in 0..messages {
                    Process::send(receiver, harness::records());
                    // A receiver that this send has woken waits in the slot of this worker.
                    task::yield_now().await;
                }
            });
            harness::expect_records(gate.wait(), messages);
            clock.stop(messages)
        })
    }

    fn skynet(&self, plan: &Plan) -> Outcome {
        hydra_tree::skynet(plan)
    }

    fn idle_supervised(&self, plan: &Plan) -> Outcome {
        hydra_tree::idle_supervised(plan)
    }
}
