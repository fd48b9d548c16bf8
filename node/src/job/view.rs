//! What does the job look like at this moment?
//!
//! Role       Gathers a [`Snapshot`] by asking the processes themselves.
//! Inputs     A job that is underway; the caller says when to look.
//! Outputs    Snapshots; a branch that does not answer is red, one that has just come back yellow.
//! Owns       What the last look saw, for rates; a probe process.
//! Limit      A look waits at most [`PATIENCE`] for each process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foundation::prelude::*;
use foundation::time::timeout_on;
use foundation::{Counts, ProcessInfo, Stuck};

use super::bystander::BYSTANDERS;
use super::probe::{Latencies, probe};
use super::reader::READER;
use super::router::{Facts, ROUTER};
use super::run::Underway;
use super::table::{Glance, TABLE};
use super::tree::COUNTING;
use crate::log::Finding;
use crate::memory;
use crate::screen::{Branch, Found, Ledger, Phase, Snapshot, State, Throughput};

const PATIENCE: Duration = ms(100);
/// A branch that was started again is shown as dead for so long: it takes less than a frame ...
const DEATH: Duration = ms(500);
/// ... and as catching up for so long.
const RECOVERY: Duration = ms(1500);
const HISTORY_MAX: usize = 240;

/// Looks at a job again and again.
pub struct Watcher {
    input: String,
    /// The name of the clients' supervisor.
    clients: String,
    latencies: Arc<Latencies>,
    branches: BTreeMap<String, Seen>,
    facts: Facts,
    glance: Glance,
    ledger: Ledger,
    children: BTreeMap<String, u64>,
    looked: Duration,
    counted: u64,
    throughput: Throughput,
}

/// What was seen of a branch.
#[derive(Debug, Default)]
struct Seen {
    pid: Option<Pid>,
    alive: bool,
    /// When it was seen to have been started again.
    begun: Option<Duration>,
    restarts: u64,
    reductions: u64,
    rate: f64,
    mailbox: u64,
}

impl Watcher {
    /// Begins to look at a job that reads `input`, and starts the probe.
    #[must_use]
    pub fn new(underway: &Underway, input: String) -> Self {
        let latencies = Arc::new(Latencies::default());
        let shared = Arc::clone(&latencies);
        let options = SpawnOptions::new().code("Probe");
        // Without a probe there is nothing to show in its place, and all else goes on.
        drop(
            underway
                .node
                .spawn_fn_with(&options, |me| probe(me, shared)),
        );
        Self {
            input,
            clients: underway.clients(),
            latencies,
            branches: BTreeMap::new(),
            facts: Facts::default(),
            glance: Glance::default(),
            ledger: Ledger::default(),
            children: BTreeMap::new(),
            looked: underway.node.now(),
            counted: 0,
            throughput: Throughput::default(),
        }
    }

    /// One look.
    pub async fn look(&mut self, underway: &Underway, phase: Phase) -> Snapshot {
        let node = &underway.node;
        // The table before and after the router: a line that is counted has been taken on, and one
        // that is settled has been counted.
        let before = node.at(TABLE).glance().timeout(PATIENCE).await;
        let facts = node.at(ROUTER).facts().timeout(PATIENCE).await;
        let after = node.at(TABLE).glance().timeout(PATIENCE).await;
        if let (Ok(before), Ok(facts), Ok(after)) = (before, facts, after) {
            self.ledger = ledger(&before, &facts, &after);
            (self.facts, self.glance) = (facts, after);
        }
        let top = underway.tree.supervisor().count_children();
        self.count(ROOT, timeout_on(node, PATIENCE, top).await);
        let counting = node.at(COUNTING);
        let counting = timeout_on(node, PATIENCE, counting.count_children()).await;
        self.count(COUNTING.as_str(), counting);
        let bystanders = node.at(BYSTANDERS);
        let bystanders = timeout_on(node, PATIENCE, bystanders.count_children()).await;
        self.count(BYSTANDERS.as_str(), bystanders);
        let now = node.now();
        let passed = now.saturating_sub(self.looked).as_secs_f64().max(1e-3);
        self.looked = now;
        for name in branches(&self.clients) {
            let info = match node.whereis(&name) {
                Some(pid) => node.info(pid, PATIENCE).await.ok().flatten(),
                None => None,
            };
            self.branches
                .entry(name)
                .or_default()
                .see(info, now, passed);
        }
        self.measure(node, passed);
        self.snapshot(underway, phase)
    }

    /// Notes how many children a branch has, if it has said so in time.
    fn count(&mut self, name: &str, counted: Option<Result<Counts, CallError>>) {
        if let Some(Ok(counts)) = counted {
            self.children.insert(name.to_owned(), counts.active as u64);
        }
    }

    fn measure(&mut self, node: &Node, passed: f64) {
        let counted = self.glance.parsed + self.glance.malformed;
        let rate = counted.saturating_sub(self.counted) as f64 / passed;
        self.counted = counted;
        let stats = node.stats();
        let shown = &mut self.throughput;
        shown.rate = rate;
        shown.peak_rate = shown.peak_rate.max(rate);
        if shown.history.len() == HISTORY_MAX {
            shown.history.remove(0);
        }
        shown.history.push(rate as u64);
        shown.processes = stats.processes as u64;
        shown.peak_processes = stats.processes_peak as u64;
        shown.crashes = stats.crashed;
        shown.restarts = self.facts.restarts;
        shown.p99 = self.latencies.p99();
    }

    fn snapshot(&self, underway: &Underway, phase: Phase) -> Snapshot {
        let (facts, glance) = (&self.facts, &self.glance);
        let chaos = underway.job.chaos.chance();
        let phase = match phase {
            Phase::Running if facts.held_up => Phase::Paused,
            phase => phase,
        };
        let progress = underway.job.size.map(|size| match size {
            0 => 1.0,
            size => facts.bytes as f64 / size as f64,
        });
        Snapshot {
            input: self.input.clone(),
            pass: facts.pass + 1,
            passes: underway.setup.passes,
            progress,
            elapsed: underway.elapsed(),
            phase,
            seed: underway.setup.seed,
            chaos: (chaos > 0.0).then_some(chaos),
            tree: self.tree(),
            nodes: underway.nodes(),
            throughput: self.throughput.clone(),
            findings: glance.news.latest.iter().rev().map(found).collect(),
            bursts: glance.news.bursts,
            storms: glance.news.storms,
            watchdog: underway
                .node
                .stuck()
                .iter()
                .rev()
                .filter_map(stuck)
                .collect(),
            ledger: self.ledger,
        }
    }

    fn tree(&self) -> Vec<Branch> {
        let children = |name: &str| self.children.get(name).copied().unwrap_or_default();
        let row = |name: &str, depth, children, out| {
            let seen = self.branches.get(name);
            Branch {
                name: name.to_owned(),
                depth,
                state: seen.map_or(State::Red, |seen| seen.state(self.looked)),
                children,
                restarts: seen.map_or(0, |seen| seen.restarts),
                rate: seen.map_or(0.0, |seen| seen.rate),
                mailbox: seen.map_or(0, |seen| seen.mailbox) + out,
                memory: None,
            }
        };
        let root = Branch {
            name: ROOT.to_owned(),
            depth: 0,
            state: State::Ok,
            children: children(ROOT),
            restarts: 0,
            rate: 0.0,
            mailbox: 0,
            memory: memory::resident(),
        };
        let mut clients = row(&self.clients, 2, self.facts.living, self.facts.out);
        clients.restarts += self.facts.restarts;
        vec![
            root,
            row(COUNTING.as_str(), 1, children(COUNTING.as_str()), 0),
            row(TABLE.as_str(), 2, 0, 0),
            clients,
            row(ROUTER.as_str(), 1, 0, 0),
            row(READER.as_str(), 1, 0, 0),
            row(BYSTANDERS.as_str(), 1, children(BYSTANDERS.as_str()), 0),
        ]
    }
}

/// The top of the tree.
const ROOT: &str = "job";

/// What was taken on and what was counted, at about the same moment: `before` and `after` it was
/// asked what `facts` says.
fn ledger(before: &Glance, facts: &Facts, after: &Glance) -> Ledger {
    let taken_on = facts.taken_on();
    let settled = taken_on.saturating_sub(facts.waiting);
    let counted = after.parsed + after.malformed;
    Ledger {
        // What was taken on and counted since it was asked.
        read: taken_on.max(counted),
        counted: after.parsed,
        malformed: after.malformed,
        waiting: taken_on.saturating_sub(counted),
        lost: settled.saturating_sub(counted),
        doubled: (before.parsed + before.malformed).saturating_sub(taken_on),
    }
}

fn branches(clients: &str) -> [String; 6] {
    [
        COUNTING.as_str(),
        TABLE.as_str(),
        clients,
        ROUTER.as_str(),
        READER.as_str(),
        BYSTANDERS.as_str(),
    ]
    .map(str::to_owned)
}

impl Seen {
    fn see(&mut self, info: Option<ProcessInfo>, now: Duration, passed: f64) {
        self.alive = info.is_some();
        let Some(info) = info else {
            (self.rate, self.mailbox) = (0.0, 0);
            return;
        };
        if self.pid != Some(info.pid) {
            if self.pid.is_some() {
                self.restarts += 1;
                self.begun = Some(now);
            }
            self.reductions = 0;
            self.pid = Some(info.pid);
        }
        self.rate = info.reductions.saturating_sub(self.reductions) as f64 / passed;
        self.reductions = info.reductions;
        self.mailbox = info.message_queue_len as u64;
    }

    fn state(&self, now: Duration) -> State {
        let since = self.begun.map(|begun| now.saturating_sub(begun));
        match since {
            _ if !self.alive => State::Red,
            Some(since) if since < DEATH => State::Red,
            Some(since) if since < RECOVERY => State::Recovering,
            _ => State::Ok,
        }
    }
}

fn found(finding: &Finding) -> Found {
    match finding {
        Finding::Burst(burst) => Found::Burst {
            start: burst.start,
            client: String::from_utf8_lossy(&burst.client).into_owned(),
            requests: burst.requests,
        },
        Finding::Storm(storm) => Found::Storm {
            start: storm.start,
            client: String::from_utf8_lossy(&storm.client).into_owned(),
            responses: storm.responses,
            errors: storm.errors,
        },
    }
}

/// What the watchdog says of a handler that has not come back.
fn stuck(stuck: &Stuck) -> Option<String> {
    let name = stuck.name.as_ref().unwrap_or(&stuck.code);
    let held = stuck.held.as_secs_f64();
    (!stuck.returned).then(|| format!("{} {name} has held a scheduler for {held:.2} s", stuck.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_finds_what_is_missing_and_what_is_too_much() {
        let glance = |parsed| Glance {
            parsed,
            ..Glance::default()
        };
        // The second router: 40 lines were counted before it, and it has passed over 30 of them.
        let facts = Facts {
            before: 40,
            read: 90,
            skipped: 30,
            waiting: 25,
            ..Facts::default()
        };
        let lost_and_doubled = |before, after| {
            let ledger = ledger(&glance(before), &facts, &glance(after));
            (ledger.read, ledger.waiting, ledger.lost, ledger.doubled)
        };
        assert_eq!(lost_and_doubled(75, 75), (100, 25, 0, 0));
        assert_eq!(lost_and_doubled(60, 80), (100, 20, 0, 0));
        assert_eq!(lost_and_doubled(70, 70), (100, 30, 5, 0));
        assert_eq!(lost_and_doubled(90, 120), (120, 0, 0, 0));
        assert_eq!(lost_and_doubled(103, 103), (103, 0, 0, 3));
    }
}
