//! The `foundation` program.
//!
//! Role       Chooses the allocator, and ends with the exit code that the run deserves.

use clap::Parser;
use foundation_node::cli::{Cli, Command};
use foundation_node::{cluster, nodes, observe, program, sim};

/// Many small messages that one thread makes and another drops are what it is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(
    clippy::disallowed_methods,
    reason = "a handler that never returns would keep the program from ending"
)]
fn main() {
    let code = match Cli::parse().into_command() {
        Command::Run(run) => program::run(&run),
        Command::Observe(observe) => observe::run(&observe),
        Command::Sim(sim) => sim::run(&sim),
        Command::Cluster(cluster) => cluster::run(&cluster),
        Command::Node => nodes::child::run(),
        Command::Cert(cert) => cluster::cert::run(&cert),
    };
    std::process::exit(code.into());
}
