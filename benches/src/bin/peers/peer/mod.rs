//! What must a peer be able to do?
//!
//! Role       The trait that every Rust peer implements, and the list of them.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  A peer runs in a process of its own, one workload per process, so it may leak.

mod actix;
mod actix_tree;
mod channels;
mod flume;
mod hydra;
mod hydra_tree;
mod kameo;
mod kameo_tree;
mod ours;
mod ours_tree;
mod ractor;
mod ractor_tree;
mod tokio;

use ::tokio::runtime::Runtime;

use crate::harness::{Outcome, not_applicable};
use crate::workload::{Ending, Plan, Workload};

/// One way to run processes.
///
/// Each method does the workload of its name as [`Workload`] describes it: warm up, time, check.
pub(crate) trait Peer: Sync {
    /// The name used on the command line and in every output.
    fn name(&self) -> &'static str;
    /// The package whose version goes with the figures.
    fn package(&self) -> &'static str;
    /// What a reader must know about this peer's row of that workload.
    fn note(&self, _workload: Workload) -> &'static str {
        ""
    }
    /// Request and reply; the caller is a process, not the main thread.
    fn call(&self, plan: &Plan) -> Outcome;
    /// One-way messages to and fro.
    fn cast(&self, plan: &Plan) -> Outcome;
    /// Idle processes with their handles kept.
    fn spawn(&self, plan: &Plan) -> Outcome;
    /// `plan.processes` senders share `plan.ops` messages to one receiver.
    fn fan_in(&self, plan: &Plan) -> Outcome;
    /// `plan.processes` members pass [`crate::workload::TOKENS`] tokens, `plan.ops` hops in total.
    fn ring(&self, plan: &Plan) -> Outcome;
    /// One sender, `plan.processes` receivers, `plan.ops` deliveries in total.
    fn fan_out(&self, plan: &Plan) -> Outcome;
    /// A supervised process ends and comes back `plan.ops` times.
    fn restart(&self, _plan: &Plan, _ending: Ending) -> Outcome {
        not_applicable("no supervision")
    }
    /// `plan.ops` messages of one mebibyte from one process to another.
    fn big_message(&self, plan: &Plan) -> Outcome;
    /// A tree of processes with `plan.ops` leaves.
    fn skynet(&self, plan: &Plan) -> Outcome;
    /// Idle processes linked under a supervisor.
    fn idle_supervised(&self, _plan: &Plan) -> Outcome {
        not_applicable("no supervision")
    }
}

/// Every Rust peer in the order of the table.
pub(crate) const ALL: &[&dyn Peer] = &[
    &ours::Ours,
    &ractor::Ractor,
    &kameo::Kameo,
    &actix::Actix,
    &hydra::Hydra,
    &tokio::Tokio,
    &flume::Flume,
];

/// The peer of that name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Peer> {
    ALL.iter().copied().find(|peer| peer.name() == name)
}

/// Runs one workload on one peer.
pub(crate) fn measure(peer: &dyn Peer, workload: Workload, plan: &Plan) -> Outcome {
    match workload {
        Workload::Call => peer.call(plan),
        Workload::Cast => peer.cast(plan),
        Workload::Spawn => peer.spawn(plan),
        Workload::FanIn => peer.fan_in(plan),
        Workload::Ring10k | Workload::Ring100k => peer.ring(plan),
        Workload::FanOut => peer.fan_out(plan),
        Workload::RestartExit => peer.restart(plan, Ending::Exit),
        Workload::RestartPanic => peer.restart(plan, Ending::Panic),
        Workload::BigMessage => peer.big_message(plan),
        Workload::Skynet => peer.skynet(plan),
        Workload::IdleSupervised => peer.idle_supervised(plan),
    }
}

/// The default multi-thread tokio runtime, a worker per core, as every tokio peer uses it.
fn runtime() -> Runtime {
    Runtime::new().expect("a tokio runtime starts")
}
