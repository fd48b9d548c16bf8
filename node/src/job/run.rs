//! How does a job begin, and what did it come to?
//!
//! Role       Starts the tree on a node, real or simulated; waits; audits; reports.
//! Inputs     An open input and a [`Setup`].
//! Outputs    [`Underway`], then a [`Report`]; or [`JobError`].
//! Invariant  `lost` and `doubled` are found by comparing, client by client, what the router has read
//!            with what the table has counted: neither takes the other's word.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use foundation::prelude::*;
use foundation::{ApplicationError, Promise, Running, SimError, promise};

use super::chaos::DEFAULT_CHANCE;
use super::router::{Facts, ROUTER};
use super::spread::{Blow, Faults, GUESTS, HOST, Mishap, Nodes, Spread, node_name};
use super::table::{Ledger, TABLE};
use super::tree::CLIENTS;
use super::work::ClientName;
use super::{AllRead, Job, Outcome, bystander, tree};
use crate::input::{Input, InputError};
use crate::log::{Report, Run};

/// How a job is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// How often the input is read.
    pub passes: u32,
    /// The probability with which a line kills its process.
    pub chaos: f64,
    /// What chaos follows from.
    pub seed: u64,
    /// How many client processes may live at once.
    pub clients_max: usize,
    /// Whether to read slowly, for people to see.
    pub paced: bool,
    /// Whether the world is simulated: then nothing is read on another thread.
    pub simulated: bool,
}

/// Why a job could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The input broke off. What came before was counted; nothing is reported.
    Input(InputError),
    /// The tree did not start. Nothing was read.
    Start(ApplicationError),
    /// The tree gave up, for this reason. Nothing is reported.
    Failed(Reason),
    /// A process that knows the result gave no answer. Nothing is reported.
    Silent(CallError),
    /// This node did not come. Nothing was read.
    Alone(String),
    /// The other nodes could not be started. Nothing was read.
    Nodes(String),
    /// The two copies of the table do not agree. Nothing is reported.
    Copies,
    /// The simulated world could not run it.
    Simulation(SimError),
}

/// A job that is being done.
pub struct Underway {
    pub(super) node: Node,
    pub(super) setup: Setup,
    pub(super) job: Arc<Job>,
    pub(crate) tree: Running,
    done: Promise<Outcome>,
    /// What was read, when all is counted.
    read: Option<AllRead>,
    begun: Duration,
}

/// Starts a job on `node`.
///
/// # Errors
/// [`JobError::Start`]; nothing of it is left.
pub async fn start(node: &Node, input: Input, setup: Setup) -> Result<Underway, JobError> {
    begin(node, input, setup, None).await
}

/// Starts a job on `node` and on as many others, which are `n2` and on, are connected or about to be,
/// and have [`host_tree`](super::host_tree). Fails when they are not there within `bound`.
///
/// # Errors
/// [`JobError`]; nothing of it is left.
pub async fn start_spread(
    node: &Node,
    input: Input,
    setup: Setup,
    nodes: u32,
    faults: Box<dyn Faults>,
    mishaps: &[Mishap],
) -> Result<Underway, JobError> {
    let until = node.now() + TOGETHER;
    for number in 2..=nodes {
        let name = node_name(number);
        // It may be connected, and have no host yet.
        let host = node.remote(&name).at(HOST);
        while host.greet().timeout(secs(1)).await.is_err() {
            if node.now() >= until {
                return Err(JobError::Alone(name));
            }
            node.sleep(ms(5)).await;
        }
    }
    let spread = Arc::new(Spread::new(nodes, faults, mishaps));
    begin(node, input, setup, Some(spread)).await
}

async fn begin(
    node: &Node,
    input: Input,
    setup: Setup,
    spread: Option<Arc<Spread>>,
) -> Result<Underway, JobError> {
    let begun = node.now();
    let (reply, done) = promise(node);
    let job = Arc::new(Job::new(input, &setup, spread, reply));
    let tree = tree::tree(&job)
        .start(node)
        .await
        .map_err(JobError::Start)?;
    Ok(Underway {
        node: node.clone(),
        setup,
        job,
        tree,
        done: done.timeout(Duration::MAX),
        read: None,
        begun,
    })
}

/// Does a job in a simulated world that `setup.seed` decides, and reports it.
///
/// # Errors
/// [`JobError`], as the job's; [`JobError::Simulation`] when the world can't go on.
pub fn simulate(input: Input, setup: Setup) -> Result<Report, JobError> {
    let setup = Setup {
        simulated: true,
        ..setup
    };
    let simulated = World::simulate(setup.seed, |world| async move {
        let node = world.node();
        let mut underway = start(&node, input, setup).await?;
        underway.counted().await?;
        let report = underway.report(0).await?;
        underway.stop(secs(60)).await;
        Ok(report)
    });
    let (report, world) = simulated.map_err(JobError::Simulation)?;
    report.map(|mut report: Report| {
        report.run.trace_hash = Some(format!("{:016x}", world.trace_hash));
        report
    })
}

impl Underway {
    /// Waits until all is counted.
    ///
    /// # Errors
    /// [`JobError`]: the input broke off, or the tree gave up.
    pub async fn counted(&mut self) -> Result<(), JobError> {
        if self.read.is_some() {
            return Ok(());
        }
        let mut ended = pin!(self.tree.ended());
        let done = &mut self.done;
        let read = poll_fn(|cx| {
            if let Poll::Ready(outcome) = pin!(&mut *done).poll(cx) {
                return Poll::Ready(match outcome {
                    Ok(Outcome::Counted(read)) => Ok(read),
                    Ok(Outcome::Broken(error)) => Err(JobError::Input(error)),
                    Err(error) => Err(JobError::Silent(error)),
                });
            }
            let ended = ended.as_mut().poll(cx);
            ended.map(|reason| Err(JobError::Failed(reason)))
        })
        .await?;
        self.read = Some(read);
        Ok(())
    }

    /// Whether all is counted by now.
    ///
    /// # Errors
    /// As [`Underway::counted`].
    pub async fn is_counted(&mut self) -> Result<bool, JobError> {
        let node = self.node.clone();
        let counted = foundation::time::timeout_on(&node, Duration::ZERO, self.counted()).await;
        counted.transpose().map(|counted| counted.is_some())
    }

    /// Lets no more be read. What was read is counted all the same.
    pub fn read_no_more(&self) {
        drop(self.node.at(ROUTER).read_no_more());
    }

    /// Turns chaos off, or on: to what was asked for, else to one line of a hundred.
    pub fn toggle_chaos(&self) {
        let chance = match (self.job.chaos.chance() > 0.0, self.setup.chaos > 0.0) {
            (true, _) => 0.0,
            (false, true) => self.setup.chaos,
            (false, false) => DEFAULT_CHANCE,
        };
        self.job.chaos.set_chance(chance);
    }

    /// Kills the supervisor of the clients, and so all of them.
    pub fn kill_clients(&self) {
        self.kill(&self.clients());
    }

    /// Kills the process of the tree that has this name.
    pub fn kill(&self, name: &str) {
        if let Some(pid) = self.node.whereis(name) {
            self.node.exit(pid, Reason::Kill);
        }
    }

    /// How the nodes of the job are, if they are several.
    #[must_use]
    pub fn nodes(&self) -> Option<Nodes> {
        self.job.spread.as_ref().map(|spread| spread.state())
    }

    /// Lets something happen to a node of the job; the first is spared.
    pub fn strike(&self, blow: Blow, node: u32) {
        if let Some(spread) = &self.job.spread {
            spread.strike(blow, node);
        }
    }

    /// Lets something happen to one of the nodes beside the first: a kill is for the table's node,
    /// and a partition for another, if that is up.
    pub fn strike_some(&self, blow: Blow) {
        let Some(nodes) = self.nodes() else {
            return;
        };
        let up = |number: &u32| nodes.nodes[*number as usize - 1].up;
        let others: Vec<u32> = (2..).take(nodes.nodes.len() - 1).filter(up).collect();
        let wanted = others.iter().find(|number| match blow {
            Blow::Kill => nodes.table == Some(**number),
            Blow::Partition => nodes.table != Some(**number),
        });
        if let Some(node) = wanted.or(others.first()) {
            self.strike(blow, *node);
        }
    }

    /// What the supervisor of the clients is called.
    pub(crate) fn clients(&self) -> String {
        match self.job.spread {
            Some(_) => GUESTS.as_str().to_owned(),
            None => CLIENTS.as_str().to_owned(),
        }
    }

    /// Lets one more process loop for ever, if there may be one more.
    pub async fn block_one(&self) {
        bystander::block_one(&self.node).await;
    }

    /// What the job has come to. `grown` is by how much resident memory has.
    ///
    /// # Errors
    /// [`JobError::Silent`].
    pub async fn report(&self, grown: u64) -> Result<Report, JobError> {
        let seconds = self.elapsed().as_secs_f64();
        let read = match &self.read {
            Some(read) => read.clone(),
            None => self.ask(|| self.node.at(ROUTER).all_read()).await?,
        };
        let facts = read.facts;
        let ledger = self.ask(|| self.node.at(TABLE).audit()).await?;
        self.compare(&ledger).await?;
        let (lost, doubled) = audit(read.lines, &ledger, facts);
        let stats = self.node.stats();
        let run = Run {
            processes_spawned: stats.spawned,
            crashes: stats.crashed,
            restarts: facts.restarts + ledger.tables.saturating_sub(1),
            peak_processes: stats.processes_peak as u64,
            peak_bytes_per_process: grown / (stats.processes_peak as u64).max(1),
            seconds,
            lost,
            doubled,
            seed: self.setup.seed,
            nodes: self.nodes(),
            ..Run::default()
        };
        Ok(Report::new(
            &ledger.totals,
            &ledger.totals.findings(facts.pass),
            run,
        ))
    }

    /// When all is counted, the copies of the table are the same, if there are two.
    async fn compare(&self, keeper: &Ledger) -> Result<(), JobError> {
        let front = self.job.spread.as_ref().and_then(|spread| spread.front());
        let (Some(front), Some(_)) = (front, &self.read) else {
            return Ok(());
        };
        // A table that has just been lost with its node is nothing to wait for.
        match front.sums().timeout(COMPARING).await {
            Ok(sums) if sums != keeper.sums() => Err(JobError::Copies),
            _ => Ok(()),
        }
    }

    /// Asks, and asks again whoever is just being started again.
    async fn ask<R: 'static>(&self, ask: impl Fn() -> Call<R>) -> Result<R, JobError> {
        let until = self.node.now() + PATIENCE;
        loop {
            match ask().timeout(PATIENCE).await {
                Ok(answer) => return Ok(answer),
                Err(error) if self.node.now() >= until => return Err(JobError::Silent(error)),
                Err(_) => self.node.sleep(ms(1)).await,
            }
        }
    }

    /// How long it has been going on.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.node.now().saturating_sub(self.begun)
    }

    /// Ends its processes in order; whoever does not yield within `bound` is killed.
    pub async fn stop(self, bound: Duration) {
        // Who did not yield is named when the node ends.
        drop(self.tree.stop(bound).await);
    }
}

/// How long the table on another node may take to be compared with its copy.
const COMPARING: Duration = Duration::from_secs(2);
/// How long other nodes may take to come.
const TOGETHER: Duration = Duration::from_secs(30);
/// How long a busy process may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines that were read and not counted, and lines that were counted more often than read. What
/// the clients still have is neither.
fn audit(read: Vec<(ClientName, u64)>, ledger: &Ledger, facts: Facts) -> (u64, u64) {
    let read: BTreeMap<_, _> = read.into_iter().collect();
    let counted: BTreeMap<_, _> = ledger.rows().into_iter().collect();
    let handed_out: u64 = read.values().sum();
    let (mut lost, mut doubled) = (facts.read.saturating_sub(handed_out), 0);
    for (client, &lines) in &read {
        let counted = counted.get(client).map_or(0, |row| row.lines);
        lost += lines.saturating_sub(counted);
        doubled += counted.saturating_sub(lines);
    }
    for (client, row) in &counted {
        if !read.contains_key(client) {
            doubled += row.lines;
        }
    }
    (lost.saturating_sub(facts.waiting), doubled)
}

impl fmt::Display for JobError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => write!(out, "{error}"),
            Self::Start(error) => write!(out, "{error}"),
            Self::Failed(reason) => write!(out, "the job gave up: {reason}"),
            Self::Silent(error) => write!(out, "the job gave no result: {error}"),
            Self::Alone(name) => write!(out, "the node {name} did not come"),
            Self::Nodes(error) => write!(out, "the other nodes did not start: {error}"),
            Self::Copies => out.write_str("the two copies of the table do not agree"),
            Self::Simulation(error) => write!(out, "the simulation stopped: {error}"),
        }
    }
}

impl std::error::Error for JobError {}
