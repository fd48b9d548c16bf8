//! What is the `foundation` program made of, apart from its processes?
//!
//! Role     The pieces of the main job that need no actors: input, parser, tallies, findings, the
//!          plain baseline loop, the report, the command line and the screen.
//! Inputs   An access log; the operator's arguments and keys.
//! Outputs  A [`log::Report`]; frames on a terminal.
//! Absent   Processes, clocks, threads and randomness: the job that owns them is built on top.

pub mod blocks;
pub mod cli;
pub mod figures;
pub mod input;
pub mod job;
pub mod log;
pub mod program;
pub mod screen;
