//! What may be said to `foundation sim`?

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};

use super::report::Report;
use crate::cluster::config::Kind;
use foundation::cluster::overlay::Overlay;

pub(crate) const EXAMPLES: &str = "\
Examples:
  foundation sim                                 five nodes for a minute, and the faults shipped
  foundation sim --nodes 50 --seed 7             more of them, and another order of events
  foundation sim --nodes 200 --overlay hyparview each node is connected to a few
  foundation sim --plan faults.txt --json        your own faults, for scripts
  foundation sim --random 20 --seed 9            faults that the seed decides
  foundation sim --at-most healed_s=10           a promise of your own, too

A plan that breaks a promise is made shorter while it still does, and printed.

A plan is a text with one fault a line: when, what, and whom.
  10s   crash n4                 killed: the others see its connections reset
  12s   power_off n3             gone in silence
  20s   restart n4               a new one in its place
  22s   pause n1                 nothing of it runs, until `resume n1`
  25s   slow n2 10ms             each turn of a process takes so long; 0ms ends it
  26s   clock_rate n2 1.5        its clock is fast; 1 is right
  27s   clock_jump n2 60s        its clock jumps ahead
  30s   split 2                  n0 and n1 on one side, the others on the other
  31s   cut n0 n1                nothing passes between the two
  32s   cut_one_way n0 n1        nothing that n0 sends reaches n1
  35s   link n0 n1 1ms 300ms 0.3 least and greatest latency, and the share that is lost
  40s   heal                     everything that was cut passes again
  50s   switch hyparview         another overlay for all: also mesh, and client-server 3
Empty lines, and what follows a `#`, are left out.

Exit codes:
  0    all nodes found each other at last, and nothing was lost or taken twice
  1    a promise was broken, or the plan can't be read
  2    wrong arguments";

/// How to simulate a cluster.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct SimArgs {
    /// How many nodes, `n0` and on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(2..=1000))]
    pub nodes: u32,

    /// Who is connected to whom: `mesh`, all to all, `hyparview`, each to a few, or `client-server`,
    /// all to some
    #[arg(long, value_enum, default_value_t = Kind::Mesh)]
    pub overlay: Kind,

    /// How many servers there are in a client-server overlay: `n0` and on
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = value_parser!(u32).range(1..=64))]
    pub servers: u32,

    /// Decides everything that happens
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,

    /// How many minutes of virtual time
    #[arg(long, value_name = "M", default_value_t = 1, value_parser = value_parser!(u32).range(1..=1440))]
    pub minutes: u32,

    /// The faults, in a file [default: a crash and a restart, two halves and their healing]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// So many faults of every kind, decided by the seed, instead of a plan
    #[arg(long, value_name = "COUNT", conflicts_with = "plan", value_parser = value_parser!(u32).range(1..=1000))]
    pub random: Option<u32>,

    /// A promise of your own: a figure of the report is no more than this, as in healed_s=10
    #[arg(long, value_name = "FIGURE=VALUE", value_parser = Promise::parse)]
    pub at_most: Vec<Promise>,

    /// How many runs may look for the shortest plan that breaks the same promise
    #[arg(long, value_name = "RUNS", default_value_t = 100)]
    pub shrink: u32,

    /// Print one JSON object instead of a summary
    #[arg(long)]
    pub json: bool,
}

impl SimArgs {
    /// How long the plan may go on.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.minutes))
    }

    /// The overlay that the nodes start with.
    #[must_use]
    pub fn shape(&self) -> Overlay {
        self.overlay.overlay(&servers(self.servers as usize))
    }

    /// The command that does the same again.
    #[must_use]
    pub fn command(&self) -> String {
        let Self {
            nodes,
            seed,
            minutes,
            ..
        } = self;
        let plan = self.plan.as_ref();
        let mut plan = plan.map_or(String::new(), |path| {
            format!(" --plan '{}'", path.display())
        });
        match self.overlay {
            Kind::Mesh => {}
            Kind::HyParView => plan += " --overlay hyparview",
            Kind::ClientServer => {
                plan += &format!(" --overlay client-server --servers {}", self.servers);
            }
        }
        if let Some(count) = self.random {
            plan += &format!(" --random {count}");
        }
        for Promise { figure, value } in &self.at_most {
            plan += &format!(" --at-most {figure}={value}");
        }
        format!("foundation sim --nodes {nodes} --seed {seed} --minutes {minutes}{plan}")
    }
}

/// The names of the first so many nodes.
pub(super) fn servers(count: usize) -> Vec<Box<str>> {
    (0..count)
        .map(|number| format!("n{number}").into())
        .collect()
}

/// A figure of the report, and what it may be at most.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// The figure's name, as `--json` has it.
    pub figure: String,
    /// Its bound.
    pub value: f64,
}

impl Promise {
    fn parse(text: &str) -> Result<Self, String> {
        let (figure, value) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` has no bound: healed_s=10 has one"))?;
        let value: f64 = value
            .parse()
            .map_err(|_| format!("`{value}` is no number; 0.3 is one"))?;
        if !Report::FIGURES.contains(&figure) {
            let known = Report::FIGURES.join(", ");
            return Err(format!("there is no figure `{figure}`: they are {known}"));
        }
        Ok(Self {
            figure: figure.to_owned(),
            value,
        })
    }
}
