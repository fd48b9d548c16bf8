//! What did the user ask for?
//!
//! Role       Reads the command line, of the parent and of a child.
//! Inputs     The arguments without the program's name.
//! Outputs    A [`Command`], or one sentence about what is wrong with them.
//! Owns       Nothing.
//! Invariant  The children's arguments are private: only `contender` writes them.

use std::path::PathBuf;
use std::time::Duration;

use crate::peer::{self, Peer};
use crate::workload::Workload;

/// The text behind `--help`.
pub(crate) const USAGE: &str = "\
usage: peers [--json FILE] [--markdown FILE] [--svg FILE] [--quick]
             [--only WORKLOAD,..] [--peers PEER,..] [--rounds N] [--timeout SECONDS]

  --quick      a tenth of the operations, two rounds instead of five
  --only       call cast spawn fan_in ring_10k ring_100k fan_out restart_exit
               restart_panic big_message skynet idle_supervised
  --peers      by the names of the table; `erlang` is skipped where erl is not installed
  --timeout    for one child; 120 seconds if not given";

/// The first argument of a child.
pub(crate) const CHILD: &str = "__child";

/// What this process is to do.
pub(crate) enum Command {
    /// Show the usage.
    Help,
    /// Be a child: measure one pair.
    Child(Child),
    /// Be the parent: run the table.
    Run(Args),
}

/// One pair to measure.
pub(crate) struct Child {
    /// Whom.
    pub(crate) peer: &'static dyn Peer,
    /// At what.
    pub(crate) workload: Workload,
    /// With a tenth of the operations.
    pub(crate) quick: bool,
}

/// A run of the table.
pub(crate) struct Args {
    /// Where the rows go as JSON.
    pub(crate) json: Option<PathBuf>,
    /// Where the table goes as Markdown.
    pub(crate) markdown: Option<PathBuf>,
    /// Where the plot goes.
    pub(crate) svg: Option<PathBuf>,
    /// A tenth of the operations.
    pub(crate) quick: bool,
    /// What to run, in the order of the table.
    pub(crate) workloads: Vec<Workload>,
    /// Whom to run; nobody named means everybody.
    pub(crate) peers: Vec<String>,
    /// How often each pair runs.
    pub(crate) rounds: usize,
    /// How long a child may take.
    pub(crate) timeout: Duration,
}

/// Reads the command line.
pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut args = Args {
        json: None,
        markdown: None,
        svg: None,
        quick: false,
        workloads: Workload::ALL.to_vec(),
        peers: Vec::new(),
        rounds: 0,
        timeout: Duration::from_secs(120),
    };
    while let Some(option) = given.next() {
        let mut value = || {
            given
                .next()
                .ok_or_else(|| format!("{option} needs a value"))
        };
        match option.as_str() {
            CHILD => return child(&value()?, &value()?, &value()?).map(Command::Child),
            "--help" | "-h" => return Ok(Command::Help),
            "--quick" => args.quick = true,
            "--json" => args.json = Some(value()?.into()),
            "--markdown" => args.markdown = Some(value()?.into()),
            "--svg" => args.svg = Some(value()?.into()),
            "--only" => args.workloads = workloads(&value()?)?,
            "--peers" => args.peers = value()?.split(',').map(str::to_owned).collect(),
            "--rounds" => args.rounds = number(&value()?)?,
            "--timeout" => args.timeout = Duration::from_secs(number(&value()?)? as u64),
            _ => return Err(format!("unknown option {option}")),
        }
    }
    if args.rounds == 0 {
        args.rounds = if args.quick { 2 } else { 5 };
    }
    Ok(Command::Run(args))
}

fn child(peer: &str, workload: &str, size: &str) -> Result<Child, String> {
    Ok(Child {
        peer: peer::named(peer).ok_or_else(|| format!("unknown peer {peer}"))?,
        workload: named(workload)?,
        quick: size == "quick",
    })
}

fn workloads(list: &str) -> Result<Vec<Workload>, String> {
    let wanted = list.split(',').map(named).collect::<Result<Vec<_>, _>>()?;
    Ok(Workload::ALL
        .into_iter()
        .filter(|workload| wanted.contains(workload))
        .collect())
}

fn named(name: &str) -> Result<Workload, String> {
    Workload::named(name).ok_or_else(|| format!("unknown workload {name}"))
}

fn number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if 0 < number => Ok(number),
        _ => Err(format!("{text} is not a positive number")),
    }
}
