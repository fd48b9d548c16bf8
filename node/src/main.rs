//! The `foundation` program.
//!
//! Role       Chooses the allocator, and ends with the exit code that the run deserves.

use clap::Parser;
use foundation_node::cli::Cli;
use foundation_node::program;

/// Many small messages that one thread makes and another drops are what it is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(
    clippy::disallowed_methods,
    reason = "a handler that never returns would keep the program from ending"
)]
fn main() {
    let code = program::run(&Cli::parse().into_run());
    std::process::exit(code.into());
}
