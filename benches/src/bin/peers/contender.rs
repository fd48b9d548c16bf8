//! Who takes part, and how is one child of it started?
//!
//! Role       Makes Rust peers and Erlang look the same to the runner.
//! Inputs     `--peers`.
//! Outputs    [`Contender`]s: a name, a note per workload, a command per workload.
//! Owns       The compiled Erlang peer.
//! Invariant  A contender that cannot run stays in the table, with the reason in its rows.

use std::env;
use std::process::Command;

use crate::args::{Args, CHILD};
use crate::erlang::Erlang;
use crate::peer::{self, Peer};
use crate::workload::Workload;

const ERLANG: &str = "erlang";

/// One column of the race.
pub(crate) enum Contender {
    /// A Rust peer: this program again, with private arguments.
    Rust(&'static dyn Peer),
    /// Erlang, compiled.
    Erlang(Erlang),
    /// Erlang, absent for the reason given.
    Missing(String),
}

/// Everybody whom the user wants.
pub(crate) fn all(args: &Args) -> Result<Vec<Contender>, String> {
    let known = || peer::ALL.iter().map(|peer| peer.name()).chain([ERLANG]);
    if let Some(stranger) = args
        .peers
        .iter()
        .find(|name| known().all(|peer| peer != *name))
    {
        return Err(format!(
            "unknown peer {stranger}; there are {}",
            list(known())
        ));
    }
    let wanted = |name: &str| args.peers.is_empty() || args.peers.iter().any(|peer| peer == name);
    let rust = peer::ALL.iter().copied().filter(|peer| wanted(peer.name()));
    let mut all: Vec<_> = rust.map(Contender::Rust).collect();
    if wanted(ERLANG) {
        all.push(match Erlang::prepare() {
            Ok(erlang) => Contender::Erlang(erlang),
            Err(reason) => {
                eprintln!("\n*** SKIPPED: Erlang/OTP: {reason} ***\n");
                Contender::Missing(reason)
            }
        });
    }
    Ok(all)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl Contender {
    /// The name used on the command line and in every output.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Rust(peer) => peer.name(),
            Self::Erlang(_) | Self::Missing(_) => ERLANG,
        }
    }

    /// What a reader must know about the row.
    pub(crate) fn note(&self, workload: Workload) -> &str {
        match self {
            Self::Rust(peer) => peer.note(workload),
            Self::Erlang(_) => Erlang::note(workload),
            Self::Missing(_) => "",
        }
    }

    /// The child that measures one workload, or the reason why there is none.
    pub(crate) fn command(&self, workload: Workload, quick: bool) -> Result<Command, String> {
        match self {
            Self::Rust(peer) => {
                let program = env::current_exe().map_err(|error| error.to_string())?;
                let size = if quick { "quick" } else { "full" };
                let mut command = Command::new(program);
                command.args([CHILD, peer.name(), workload.name(), size]);
                // What a panic costs is not for the shell of whoever runs this to decide.
                command.env_remove("RUST_BACKTRACE");
                command.env_remove("RUST_LIB_BACKTRACE");
                Ok(command)
            }
            Self::Erlang(erlang) => Ok(erlang.command(workload, quick)),
            Self::Missing(reason) => Err(format!("skipped: {reason}")),
        }
    }
}
