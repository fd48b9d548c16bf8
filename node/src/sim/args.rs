//! What may be said to `foundation sim`?

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, value_parser};

use super::report::Report;
use crate::cluster::config::Kind;
use foundation::cluster::overlay::Overlay;
#[cfg(feature = "planted")]
use foundation::planted::Bug;

pub(crate) const EXAMPLES: &str = "\
Examples:
  foundation sim                                 five nodes for a minute, and the faults shipped
  foundation sim --nodes 50 --seed 7             more of them, and another order of events
  foundation sim --nodes 200 --overlay hyparview each node is connected to a few
  foundation sim --plan faults.txt --json        your own faults, for scripts
  foundation sim --random 20 --seed 9            faults that the seed decides
  foundation sim --seeds 200                     many seeds, looked at more closely
  foundation sim --at-most healed_s=10           a promise of your own, too

A plan that breaks a promise is made shorter while it still does, and printed.

A plan is a text with one fault a line: when, what, and whom.
  10s   crash n4                 killed: the others see its connections reset
  12s   power_off n3             gone in silence
  20s   restart n4               a new one in its place
  22s   pause n1                 nothing of it runs, until `resume n1`
  25s   slow n2 10ms             each turn of a process takes so long; 0ms ends it
  26s   slow_disk n2 50ms        its disk takes so long to begin; 0ms ends it
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

/// How many faults each of many seeds goes through.
const RANDOM: u32 = 20;
/// What many seeds start with, in turn.
const OVERLAYS: [Kind; 3] = [Kind::Mesh, Kind::HyParView, Kind::ClientServer];

/// How to simulate a cluster.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct SimArgs {
    /// How many nodes, `n0` and on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(2..=1000))]
    pub nodes: u32,

    /// Who is connected to whom: `mesh`, all to all, `hyparview`, each to a few, or `client-server`,
    /// all to some [default: mesh, and with --seeds each in turn]
    #[arg(long, value_enum)]
    pub overlay: Option<Kind>,

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

    /// Also looks at order, doubles, links, monitors, starts on other nodes, groups and global names
    #[arg(long)]
    pub audit: bool,

    /// So many seeds from `--seed` on, with the audit, and 20 random faults unless said otherwise; each
    /// tenth runs again in another process, where it has to be the same
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["plan", "json"], value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub seeds: Option<u32>,

    /// How many of many seeds run at once [default: as many as there are cores]
    #[arg(long, value_name = "COUNT", requires = "seeds", value_parser = value_parser!(u32).range(1..=1000))]
    pub jobs: Option<u32>,

    /// A fault in the code of all nodes
    #[cfg(feature = "planted")]
    #[arg(long, value_name = "BUG", value_parser = planted)]
    pub plant: Option<Bug>,

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

/// The fault of this name.
#[cfg(feature = "planted")]
fn planted(name: &str) -> Result<Bug, String> {
    let mut all = Bug::ALL.into_iter();
    let found = all.find(|bug| format!("{bug:?}") == name);
    found.ok_or_else(|| format!("there is no such fault; they are {:?}", Bug::ALL))
}

impl SimArgs {
    /// How long the plan may go on.
    #[must_use]
    pub fn length(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.minutes))
    }

    /// Whether it looks at more than numbers that are sent and taken.
    #[must_use]
    pub fn audits(&self) -> bool {
        self.audit || self.seeds.is_some()
    }

    /// One run of those of `--seeds`.
    #[must_use]
    pub fn one(&self, seed: u64) -> Self {
        Self {
            seed,
            seeds: None,
            audit: true,
            random: self.random.or(Some(RANDOM)),
            overlay: self
                .overlay
                .or(Some(OVERLAYS[seed as usize % OVERLAYS.len()])),
            ..self.clone()
        }
    }

    /// The overlay that the nodes start with.
    #[must_use]
    pub fn shape(&self) -> Overlay {
        self.overlay
            .unwrap_or(Kind::Mesh)
            .overlay(&servers(self.servers as usize))
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
            None => {}
            Some(Kind::Mesh) => plan += " --overlay mesh",
            Some(Kind::HyParView) => plan += " --overlay hyparview",
            Some(Kind::ClientServer) => {
                plan += &format!(" --overlay client-server --servers {}", self.servers);
            }
        }
        if let Some(count) = self.random {
            plan += &format!(" --random {count}");
        }
        if self.audit {
            plan += " --audit";
        }
        #[cfg(feature = "planted")]
        if let Some(bug) = &self.plant {
            plan += &format!(" --plant {bug:?}");
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
