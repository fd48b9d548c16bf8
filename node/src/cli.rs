//! What may the operator ask for?
//!
//! Role       The command line, its help, and its validation.
//! Inputs     The program's arguments.
//! Outputs    A [`Command`], checked: a run never starts with values that make no sense.
//! Invariant  No subcommand means `run`.

use core::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};
use foundation::observe::protocol::Sort;

use crate::cluster::args::ClusterArgs;
use crate::cluster::cert::CertArgs;
use crate::input::Source;
use crate::job::{Blow, Mishap, mishap};
use crate::sim::args::{EXAMPLES as SIM_EXAMPLES, SimArgs};

/// So many client processes may live at once, unless `--max-clients` says otherwise.
pub const MAX_CLIENTS: usize = 10_000;

/// BEAM processes for Rust, at work on an access log.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "foundation", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Without a command, `foundation` means `foundation run`.")]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Work through an access log, one supervised process per client
    #[command(
        long_about = "Work through an access log, one supervised process per client. \
        Processes may crash as they like: nothing is lost, nothing is counted twice. On a \
        terminal it shows the tree at work; elsewhere it prints a summary, or one JSON object."
    )]
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// See into a live node: load, processes, tree, alarms; on a terminal, a web page, or as JSON
    #[command(
        long_about = "See into a live node through the socket that it was given by `--observe` or \
        `foundation::observe`: load of each scheduler, processes by what they do, hold and leave \
        unread, who started whom, one process in detail with a live trace, alarms. Processes can \
        be killed, after a question."
    )]
    #[command(after_help = OBSERVE_EXAMPLES)]
    Observe(ObserveArgs),
    /// See and steer a cluster, through a node of it that runs on this machine
    #[command(after_help = CLUSTER_EXAMPLES)]
    Cluster(ClusterArgs),
    /// See what becomes of a whole cluster when things go wrong, in virtual time
    #[command(
        long_about = "Whole nodes in a simulated world, connected to each other, with traffic between \
        them: crashes, partitions, pauses, clocks that go wrong, at the times of a plan. One seed \
        decides everything that happens, so that it can be seen again."
    )]
    #[command(after_help = SIM_EXAMPLES)]
    Sim(SimArgs),
    /// Make certificates, for nodes on several machines
    #[command(after_help = CERT_EXAMPLES)]
    Cert(CertArgs),
    /// A node of a job: `run --nodes` starts it
    #[command(hide = true)]
    Node,
}

const CERT_EXAMPLES: &str = "\
Examples:
  foundation cert init --node a@10.0.0.1 --node b@10.0.0.2   a CA, and two nodes' files in certs/
  foundation cert init --node c@c.example.org                one more, later, by the same CA

Each node takes ca.pem, and its own .pem and .key; the CA's key stays where it is.";

const CLUSTER_EXAMPLES: &str = "\
Examples:
  foundation run --config a.toml        a node of a cluster, until it is told to end
  foundation cluster status             the only node that runs here
  foundation cluster members --node a   one of several
  foundation cluster ping --json        there and back to all others, for scripts

Exit codes:
  0    it is printed, or done
  1    no node answers, it is refused, or a ping had no answer
  2    wrong arguments";

const OBSERVE_EXAMPLES: &str = "\
Examples:
  foundation run --repeat 5000 --observe ~/.foundation/observe   a job that can be observed
  foundation observe ~/.foundation/observe                       on this terminal
  foundation observe ~/.foundation/observe --web                 as a page on this machine
  foundation observe ~/.foundation/observe --json                one look, for scripts

Exit codes:
  0    the operator has left, or what was asked for is printed
  1    no node answers
  2    wrong arguments
  130  ended by SIGINT, and 143 by SIGTERM";

/// How to observe.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ObserveArgs {
    /// The socket of the node's agent
    #[arg(value_name = "SOCKET")]
    pub socket: PathBuf,

    /// Serve a web page there instead [default address: 127.0.0.1 and a free port]
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    pub web: Option<SocketAddr>,

    /// Print one JSON object: figures, processes, tree
    #[arg(long, conflicts_with = "web")]
    pub json: bool,

    /// The order of the processes: recent, reductions, messages or memory
    #[arg(long, value_name = "FIGURE", default_value = "reductions", value_parser = sort)]
    pub sort: Sort,

    /// How many processes to print, at most 500
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = value_parser!(u32).range(1..=500))]
    pub rows: u32,
}

const RUN_EXAMPLES: &str = "\
Examples:
  foundation run                              the shipped sample, 10,000 real lines
  foundation run /var/log/apache2/access.log  your own log
  zcat access.log.*.gz | foundation run -     compressed logs
  foundation run --repeat 200 --chaos 0.001   two million lines, two thousand crashes
  foundation run --simulate 7 --json          the same job, the same trace, every time
  foundation run --config a.toml              a node of a cluster, that stays

Exit codes:
  0    every line that was read is counted, or the reader of the output has left
  1    the input can't be read, or the job failed
  2    wrong arguments
  130  ended by SIGINT, and 143 by SIGTERM; what was read before is counted and printed";

/// How to run the job.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct RunArgs {
    /// Access log in the combined format; `-` reads the standard input [default: a sample]
    #[arg(value_name = "INPUT")]
    pub input: Option<PathBuf>,

    /// Be the node of a cluster that this file describes; without an input it does no job, and
    /// stays until it is told to end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plain", "simulate", "workers"])]
    pub config: Option<PathBuf>,

    /// Print one JSON object instead of a summary
    #[arg(long)]
    pub json: bool,

    /// Kill the process that counts a line with this probability, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub chaos: f64,

    /// Read the input this many times
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_one_u32)]
    pub repeat: NonZeroU32,

    /// Run on the simulated platform: this seed decides everything that happens
    #[arg(long, value_name = "SEED", conflicts_with = "seed")]
    pub simulate: Option<u64>,

    /// Seed of the chaos, to have the same lines hit again [default: drawn]
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,

    /// Let at most this many client processes live at once; idle ones retire
    #[arg(long, value_name = "N", default_value_t = MAX_CLIENTS_TEXT, value_parser = at_least_one)]
    pub max_clients: NonZeroUsize,

    /// Scheduler threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub workers: Option<NonZeroUsize>,

    /// Let `foundation observe PATH` look into the run, through a socket at PATH
    #[arg(long, value_name = "PATH", conflicts_with_all = ["plain", "simulate"])]
    pub observe: Option<PathBuf>,

    /// Spread the job over this many nodes: processes of this machine, or all in one with
    /// `--simulate`
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(2..=9))]
    #[arg(conflicts_with_all = ["plain", "config"])]
    pub nodes: Option<u32>,

    /// Kill this node when so many lines are counted, as `2@3000`; it is started again
    #[arg(long, value_name = "NODE@LINE", requires = "nodes", value_parser = mishap)]
    pub kill: Vec<(u32, u64)>,

    /// Cut this node off when so many lines are counted, as `3@5000`, for a few seconds
    #[arg(long, value_name = "NODE@LINE", requires = "nodes", value_parser = mishap)]
    pub partition: Vec<(u32, u64)>,

    /// Do the same job in a plain loop without processes, for comparison
    #[arg(long, conflicts_with_all = ["chaos", "simulate", "seed", "max_clients", "workers"])]
    pub plain: bool,
}

const MAX_CLIENTS_TEXT: NonZeroUsize = NonZeroUsize::new(MAX_CLIENTS).expect("not zero");

impl Cli {
    /// What is to be done, whether or not `run` was written.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Run(self.run))
    }
}

impl RunArgs {
    /// What is to go wrong with which node, and when.
    ///
    /// # Errors
    /// There is no such node.
    pub fn mishaps(&self) -> Result<Vec<Mishap>, String> {
        let blows = |blow, of: &[(u32, u64)]| {
            let mishaps = of.iter().map(|&(node, line)| Mishap { blow, node, line });
            mishaps.collect::<Vec<_>>()
        };
        let nodes = self.nodes.unwrap_or(1);
        let mut all = blows(Blow::Kill, &self.kill);
        all.extend(blows(Blow::Partition, &self.partition));
        match all.iter().find(|mishap| nodes < mishap.node) {
            Some(Mishap { node, .. }) => Err(format!(
                "there is no node {node}: with `--nodes {nodes}` they are 1 to {nodes}"
            )),
            None => Ok(all),
        }
    }

    /// What is to be read.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::named(self.input.as_deref())
    }
}

fn sort(text: &str) -> Result<Sort, String> {
    let names = "one of recent, reductions, messages and memory is needed";
    Sort::named(text).ok_or_else(|| names.to_owned())
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(chance) if (0.0..=1.0).contains(&chance) => Ok(chance),
        Ok(_) => Err("a probability is between 0 and 1".to_owned()),
        Err(_) => Err("not a number; 0.001 hits one line of a thousand".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| NOT_A_COUNT.to_owned())
}

fn at_least_one_u32(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| NOT_A_COUNT.to_owned())
}

const NOT_A_COUNT: &str = "a whole number from 1 up is needed";
