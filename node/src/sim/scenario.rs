//! How does a simulated cluster go through its plan?
//!
//! Role       Starts the nodes, lets the faults come at their times, looks who sees whom, and counts.
//! Limit      After the end, nodes have [`FIND_BOUND`] to find each other.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use foundation::cluster::faults::{Fault, Plan, Shape};
use foundation::cluster::overlay::{Epoch, Overlay, client_server, hyparview};
use foundation::cluster::transport::simulated::Link;
use foundation::cluster::{Builder, NodeClusterExt as _, SimNetwork};
use foundation::disk::DiskSpeed;
use foundation::prelude::*;

use super::args::{SimArgs, servers};
use super::audit::{Audit, Rest};
use super::report::Report;
use super::traffic::{self, Ledger};
use super::{clerk, journal, rumour, verdict};

/// How often it looks who sees whom.
const LOOK: Duration = ms(100);
/// How long one node speaks with another, where not all are connected to all.
const PARTNER: Duration = secs(10);
/// How long nodes may take to find each other when nothing is cut any more.
const FIND_BOUND: Duration = secs(60);
/// How many turns the processes of a node may take in a second, in the mean over a run.
const STEPS_MAX: u64 = 50_000;

/// Runs the whole of it.
pub(super) fn run(args: &SimArgs, plan: &Plan) -> Result<Report, String> {
    let (nodes, length) = (args.nodes as usize, args.length());
    let plan = plan.faults().to_vec();
    let overlay = args.shape();
    let audit = args.audits().then(Arc::default);
    let run = World::simulate(args.seed, |world| async move {
        let seconds = (length + FIND_BOUND).as_secs();
        world.bound_steps(STEPS_MAX.saturating_mul(nodes as u64 * seconds));
        let mut scenario = Scenario::new(world, nodes, overlay);
        scenario.audit = audit;
        scenario.start_all().await?;
        scenario.go_through(plan, length).await?;
        scenario.seen().await
    });
    let (seen, world) = run.map_err(|error| error.to_string())?;
    let mut report = seen?;
    report.seed = args.seed;
    report.hash = format!("{:016x}", world.trace_hash);
    report.virtual_seconds = world.time.as_secs_f64();
    Ok(report)
}

struct Scenario {
    world: World,
    network: SimNetwork,
    overlay: Overlay,
    /// Those that are up, by number.
    nodes: Vec<Option<Node>>,
    /// Those of which nothing runs.
    paused: BTreeSet<usize>,
    ledger: Arc<Ledger>,
    /// What is looked at as well, if it is.
    audit: Option<Arc<Audit>>,
    /// Who crashed and when, as long as somebody does not know.
    crashes: Vec<(Node, Duration)>,
    /// Since when everything is healed, as long as somebody does not see it.
    healing: Option<Duration>,
    joined: Option<Duration>,
    complete: Option<Duration>,
    crash_known: Option<Duration>,
    healed: Option<Duration>,
    /// What was ordered last and when, as long as not all have it.
    switching: Option<(Epoch, Duration)>,
    switched: Option<Duration>,
}

impl Scenario {
    fn new(world: World, nodes: usize, overlay: Overlay) -> Self {
        Self {
            network: world.network(),
            overlay,
            world,
            nodes: vec![None; nodes],
            paused: BTreeSet::new(),
            ledger: Arc::default(),
            audit: None,
            crashes: Vec::new(),
            healing: None,
            joined: None,
            complete: None,
            crash_known: None,
            healed: None,
            switching: None,
            switched: None,
        }
    }

    async fn start_all(&mut self) -> Result<(), String> {
        for number in 0..self.nodes.len() {
            self.start(number).await?;
        }
        Ok(())
    }

    async fn start(&mut self, number: usize) -> Result<(), String> {
        let builder = Node::builder().name(format!("n{number}").as_str());
        let builder = Builder::new(builder).seed("n0:7000");
        let builder = builder.overlay(self.overlay.clone());
        let builder = match &self.audit {
            Some(_) => clerk::furnish(builder),
            None => builder,
        };
        let node = builder.start_in(&self.world, &self.network).await;
        let node = node.map_err(|error| format!("n{number} did not start: {error}"))?;
        let pause = match self.overlay {
            Overlay::FullMesh => Duration::ZERO,
            _ => PARTNER,
        };
        traffic::start(&node, self.nodes.len(), pause, &self.ledger).await?;
        if let Some(audit) = &self.audit {
            audit.undisturbed(node.name());
            audit.is_up(node.name(), true);
            clerk::start(&node, self.nodes.len(), audit).await?;
            rumour::start(&node, self.nodes.len(), audit).await?;
            journal::start(&node, audit).await?;
        }
        self.nodes[number] = Some(node);
        Ok(())
    }

    async fn go_through(
        &mut self,
        plan: Vec<(Duration, Fault)>,
        length: Duration,
    ) -> Result<(), String> {
        let mut faults = VecDeque::from(plan);
        while self.world.now() < length {
            let now = self.world.now();
            while let Some((_, fault)) = faults.pop_front_if(|(when, _)| *when <= now) {
                self.happen(fault).await?;
            }
            self.look();
            self.look_at_switch().await?;
            let next = faults.front().map_or(length, |(when, _)| *when);
            let pause = next.saturating_sub(now).clamp(ms(1), LOOK);
            self.world.sleep(pause).await;
        }
        self.mend();
        let end = self.world.now() + FIND_BOUND;
        while self.world.now() < end && (self.is_apart() || self.switching.is_some()) {
            self.look();
            self.look_at_switch().await?;
            self.world.sleep(LOOK).await;
        }
        self.look();
        if let Some(audit) = &self.audit {
            let up: Vec<&Node> = self.nodes.iter().flatten().collect();
            verdict::reach(&self.world, &up, audit).await;
            let mut books = audit.books();
            for (node, _) in &self.crashes {
                books.broke("a crash was not noticed by all", node.name());
            }
            if let Some((epoch, _)) = &self.switching {
                books.broke("an overlay was not taken by all", format!("{epoch:?}"));
            }
        }
        Ok(())
    }

    /// What of a fault the audit has to know: whose calls cannot be measured.
    fn note(&self, fault: Fault) {
        let Some(audit) = &self.audit else {
            return;
        };
        let (number, why, rests) = match fault {
            Fault::Pause(number) => (number, Rest::Pause, true),
            Fault::Resume(number) => (number, Rest::Pause, false),
            Fault::Slow(number, turn) => (number, Rest::Slow, !turn.is_zero()),
            Fault::ClockJump(number, _) => (number, Rest::Jump, false),
            _ => return,
        };
        audit.disturbed(&format!("n{number}"), why, rests);
    }

    /// At the end everything passes again, and all clocks go right.
    fn mend(&mut self) {
        self.network.heal_all();
        self.paused.clear();
        let up: Vec<&Node> = self.nodes.iter().flatten().collect();
        for (at, a) in up.iter().enumerate() {
            self.world.resume(a);
            if let Some(audit) = &self.audit {
                audit.undisturbed(a.name());
            }
            self.world.slow(a, Duration::ZERO);
            self.world.clock_rate(a, 1.0);
            slow_disk(&self.world, a.name(), Duration::ZERO);
            for b in &up[at + 1..] {
                self.network.set_link(a.name(), b.name(), Link::default());
            }
        }
    }

    async fn happen(&mut self, fault: Fault) -> Result<(), String> {
        self.note(fault);
        let (world, network, now) = (&self.world, &self.network, self.world.now());
        let name = |number: usize| format!("n{number}");
        // A plan that was read names no node that is down.
        let on = |number: usize, f: &dyn Fn(&Node)| self.nodes[number].iter().for_each(f);
        match fault {
            Fault::Crash(number) | Fault::PowerOff(number) => {
                self.paused.remove(&number);
                if let Some(node) = self.nodes[number].take() {
                    if let Some(audit) = &self.audit {
                        audit.is_up(node.name(), false);
                        audit
                            .books()
                            .disks
                            .lost(node.name(), matches!(fault, Fault::PowerOff(_)));
                    }
                    match fault {
                        Fault::Crash(_) => world.crash(&node),
                        _ => world.power_off(&node),
                    }
                    self.crashes.push((node, now));
                }
            }
            Fault::Restart(number) => self.start(number).await?,
            Fault::Pause(number) => {
                on(number, &|node| world.pause(node));
                self.paused.insert(number);
            }
            Fault::Resume(number) => {
                on(number, &|node| world.resume(node));
                self.paused.remove(&number);
            }
            Fault::Slow(number, turn) => on(number, &|node| world.slow(node, turn)),
            Fault::SlowDisk(number, each) => slow_disk(world, &name(number), each),
            Fault::ClockRate(number, rate) => on(number, &|node| world.clock_rate(node, rate)),
            Fault::ClockJump(number, ahead) => on(number, &|node| world.clock_jump(node, ahead)),
            Fault::Split(count) => {
                let names: Vec<String> = (0..self.nodes.len()).map(name).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let (side, other) = names.split_at(count);
                network.split(side, other);
            }
            Fault::Cut(a, b) => network.partition(&name(a), &name(b)),
            Fault::CutOneWay(a, b) => network.partition_one_way(&name(a), &name(b)),
            Fault::Link(a, b, link) => network.set_link(&name(a), &name(b), link),
            Fault::Heal => {
                network.heal_all();
                self.healing = Some(now);
            }
            Fault::Switch(shape) => {
                let first = self.nodes.iter().flatten().next();
                let first = first.ok_or("no node is up to order an overlay")?;
                let ordered = first.cluster().switch(overlay_of(shape)).await;
                let ordered = ordered.map_err(|error| format!("`{fault}`: {error}"))?;
                self.switching = Some((ordered, now));
            }
            // A kind that a later plan has.
            _ => return Err(format!("`{fault}` is not known here")),
        }
        Ok(())
    }

    /// Looks who sees whom, as far as somebody still waits for that.
    fn look(&mut self) {
        let now = self.world.now();
        if self.joined.is_none() && self.see_first() {
            self.joined = Some(now);
        }
        let waits = self.complete.is_none() || self.healing.is_some();
        if waits && !self.is_apart() {
            self.complete.get_or_insert(now);
            if let Some(since) = self.healing.take() {
                self.healed = self.healed.max(Some(now - since));
            }
        }
        let up: Vec<&Node> = self.nodes.iter().flatten().collect();
        let sees = |gone: &Node| {
            up.iter()
                .any(|node| node.peer(gone.name()) == Some(gone.id()))
        };
        self.crashes.retain(|(gone, since)| {
            let known = !sees(gone);
            if known {
                self.crash_known = self.crash_known.max(Some(now - *since));
            }
            !known
        });
    }

    /// Looks whether all have the overlay that was ordered, and are connected as it wants.
    async fn look_at_switch(&mut self) -> Result<(), String> {
        let Some((ordered, since)) = &self.switching else {
            return Ok(());
        };
        if !self.paused.is_empty() {
            // They do not answer.
            return Ok(());
        }
        let up: Vec<&Node> = self.nodes.iter().flatten().collect();
        for node in &up {
            let cluster = node.cluster();
            let epoch = cluster.epoch().await.map_err(|error| error.to_string())?;
            if epoch.mark() < ordered.mark() {
                return Ok(());
            }
        }
        for node in &up {
            let peers = node.cluster().nodes().await;
            let peers = peers.map_err(|error| error.to_string())?;
            let near = peers.iter().filter(|peer| peer.is_neighbour).count();
            let is_there = match &ordered.overlay {
                Overlay::FullMesh => near + 1 == up.len(),
                Overlay::ClientServer(servers) => {
                    let others = up.iter().filter(|other| other.id() != node.id());
                    let servers = |node: &&&Node| servers.is_server(node.name());
                    near >= others.filter(servers).count()
                }
                _ => 0 < near,
            };
            if !is_there {
                return Ok(());
            }
        }
        self.switched = self.switched.max(Some(self.world.now() - *since));
        self.switching = None;
        Ok(())
    }

    fn see_first(&self) -> bool {
        let Some(first) = &self.nodes[0] else {
            return false;
        };
        let others = self.nodes[1..].iter().flatten();
        others
            .into_iter()
            .all(|node| node.peer("n0") == Some(first.id()))
    }

    /// Whether one does not see all others that are up. Asked often, and of a thousand nodes: who joined last is
    /// asked first.
    fn is_apart(&self) -> bool {
        let up: Vec<&Node> = self.nodes.iter().flatten().collect();
        up.iter().rev().any(|node| !sees_all(node, &up))
    }

    /// How many nodes do not see all others that are up.
    fn apart(&self) -> u64 {
        let up: Vec<&Node> = self.nodes.iter().flatten().collect();
        up.iter().filter(|node| !sees_all(node, &up)).count() as u64
    }

    async fn seen(&self) -> Result<Report, String> {
        let up: Vec<&Node> = self.nodes.iter().flatten().collect();
        let mut ends = 0;
        for node in &up {
            let peers = node.cluster().nodes().await;
            ends += peers.map_err(|error| error.to_string())?.len() as u64;
        }
        let (sums, count) = (self.ledger.sums(), up.len() as u64);
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        Ok(Report {
            hash: String::new(),
            seed: 0,
            nodes: self.nodes.len() as u32,
            virtual_seconds: 0.0,
            wall_seconds: 0.0,
            messages: sums.acknowledged,
            failed: sums.failed,
            bytes: self.network.traffic().bytes,
            joined_all_s: seconds(self.joined),
            views_complete_s: seconds(self.complete),
            crash_known_s: seconds(self.crash_known),
            healed_s: seconds(self.healed),
            switched_s: seconds(self.switched),
            connections: ends / 2,
            full_mesh_connections: count * count.saturating_sub(1) / 2,
            lost: sums.lost,
            doubled: sums.doubled,
            apart: self.apart(),
            promises: self.audit.as_ref().map(|audit| audit.broken()),
            peak_rss_bytes: 0,
        })
    }
}

/// A disk takes so long until it begins with something; as long as any, when that is no time.
fn slow_disk(world: &World, name: &str, each: Duration) {
    let usual = DiskSpeed::default();
    let each = each.max(usual.each);
    world.disk(name).set_speed(DiskSpeed { each, ..usual });
}

/// An overlay of a plan.
fn overlay_of(shape: Shape) -> Overlay {
    match shape {
        Shape::HyParView => Overlay::HyParView(hyparview::Config::default()),
        Shape::ClientServer(count) => {
            Overlay::ClientServer(client_server::Config::new(servers(count)))
        }
        _ => Overlay::FullMesh,
    }
}

/// Whether this one sees all others of these.
fn sees_all(node: &Node, up: &[&Node]) -> bool {
    let mut others = up.iter().rev().filter(|other| other.id() != node.id());
    others.all(|other| node.peer(other.name()) == Some(other.id()))
}
