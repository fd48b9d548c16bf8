//! What is the `foundation` program made of?
//!
//! Role     The pieces of the main job that need no processes (input, parser, tallies, findings, the
//!          plain baseline loop, the report, the command line, the screen); the job that is made of
//!          processes; and the program around both.
//! Inputs   An access log; the operator's arguments and keys.
//! Outputs  A [`log::Report`]; frames on a terminal.
//! Absent   Clocks, threads and entropy: the node has them.

pub mod blocks;
pub mod cli;
pub mod cluster;
pub mod console;
pub mod figures;
pub mod input;
pub mod job;
pub mod log;
pub mod memory;
pub mod nodes;
pub mod observe;
pub mod program;
pub mod screen;
pub mod sim;
