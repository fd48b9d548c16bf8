//! The `foundation` program.
//!
//! Role       Chooses the allocator, and hands the command line to the library.

use std::process::ExitCode;

use clap::Parser;
use foundation_node::cli::Cli;
use foundation_node::program;

/// Many small messages between threads are what this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    program::run(&Cli::parse().into_run())
}
