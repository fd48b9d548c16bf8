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

use super::router::ROUTER;
use super::router::machine::Facts;
use super::table::{Ledger, TABLE};
use super::work::ClientName;
use super::{Job, Outcome, tree};
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
    /// The simulated world could not run it.
    Simulation(SimError),
}

/// A job that is being done.
pub struct Underway {
    node: Node,
    setup: Setup,
    pub(crate) job: Arc<Job>,
    tree: Running,
    done: Promise<Outcome>,
    begun: Duration,
}

/// Starts a job on `node`.
///
/// # Errors
/// [`JobError::Start`]; nothing of it is left.
pub async fn start(node: &Node, input: Input, setup: Setup) -> Result<Underway, JobError> {
    start_in(node, input, setup, false).await
}

async fn start_in(
    node: &Node,
    input: Input,
    setup: Setup,
    simulated: bool,
) -> Result<Underway, JobError> {
    let begun = node.now();
    let (reply, done) = promise(node);
    let job = Arc::new(Job::new(input, &setup, simulated, reply));
    let tree = tree::tree(&job).start(node).await.map_err(JobError::Start)?;
    Ok(Underway {
        node: node.clone(),
        setup,
        job,
        tree,
        done: done.timeout(Duration::MAX),
        begun,
    })
}

/// Does a job in a simulated world that `setup.seed` decides, and reports it.
///
/// # Errors
/// [`JobError`], as the job's; [`JobError::Simulation`] when the world can't go on.
pub fn simulate(input: Input, setup: Setup) -> Result<Report, JobError> {
    let simulated = World::simulate(setup.seed, |world| async move {
        let node = world.node();
        let mut underway = start_in(&node, input, setup, true).await?;
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
        let mut ended = pin!(self.tree.ended());
        let mut done = pin!(&mut self.done);
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = done.as_mut().poll(cx) {
                return Poll::Ready(match outcome {
                    Ok(Outcome::Counted) => Ok(()),
                    Ok(Outcome::Broken(error)) => Err(JobError::Input(error)),
                    Err(error) => Err(JobError::Silent(error)),
                });
            }
            let ended = ended.as_mut().poll(cx);
            ended.map(|reason| Err(JobError::Failed(reason)))
        })
        .await
    }

    /// Lets no more be read. What was read is counted all the same.
    pub fn read_no_more(&self) {
        drop(self.node.at(ROUTER).ended());
    }

    /// What the job has come to. `grown` is by how much resident memory has.
    ///
    /// # Errors
    /// [`JobError::Silent`].
    pub async fn report(&self, grown: u64) -> Result<Report, JobError> {
        let seconds = self.elapsed().as_secs_f64();
        let router = self.node.at(ROUTER);
        let facts = router.facts().timeout(PATIENCE).await?;
        let read = router.read_by_client().timeout(PATIENCE).await?;
        let ledger = self.node.at(TABLE).audit().timeout(PATIENCE).await?;
        let (lost, doubled) = audit(read, &ledger, facts);
        let stats = self.node.stats();
        let run = Run {
            processes_spawned: stats.spawned,
            crashes: stats.crashed,
            restarts: facts.restarts,
            peak_processes: stats.processes_peak as u64,
            peak_bytes_per_process: grown / (stats.processes_peak as u64).max(1),
            seconds,
            lost,
            doubled,
            seed: self.setup.seed,
            ..Run::default()
        };
        Ok(Report::new(&ledger.totals, &ledger.totals.findings(facts.pass), run))
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

/// How long a busy process may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lines that were read and not counted, and lines that were counted more often than read. What
/// the clients still have is neither.
fn audit(read: Vec<(ClientName, u64)>, ledger: &Ledger, facts: Facts) -> (u64, u64) {
    let read: BTreeMap<_, _> = read.into_iter().collect();
    let counted: BTreeMap<_, _> = ledger.rows().into_iter().collect();
    let (mut lost, mut doubled) = (0, 0);
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

impl From<CallError> for JobError {
    fn from(error: CallError) -> Self {
        Self::Silent(error)
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => write!(out, "{error}"),
            Self::Start(error) => write!(out, "{error}"),
            Self::Failed(reason) => write!(out, "the job gave up: {reason}"),
            Self::Silent(error) => write!(out, "the job gave no result: {error}"),
            Self::Simulation(error) => write!(out, "the simulation stopped: {error}"),
        }
    }
}

impl std::error::Error for JobError {}
