//! Do nodes keep their promises on a network that breaks in every way?
//!
//! Role       Five nodes for a minute of virtual time under faults that a seed chooses: partitions
//!            both ways and one way, bad links, clocks that are fast or slow, nodes that crash or
//!            fall silent and are started again.
//! Checks     Every call ends within its bound. What one process sends to another arrives in its
//!            order and at most once. Whoever watches a process of a node that was lost is told.
//!            When all is healed every node sees every other, and no call fails.
//! Run        `FOUNDATION_SEEDS=2000 cargo test -p foundation-cluster --test faults` for more than a
//!            change waits for; `FOUNDATION_SEED=17` for one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation_actors::{Name, NodeExt};
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{BuilderExt, NodeClusterExt, NodeEvent, SimNetwork, WorldClusterExt};
use foundation_macros::actor;
use foundation_runtime::{CallError, Node, NodeId, Pid, Process, Reason, Rng, World};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const SEEDS: u64 = 24;
const CALL_BOUND: Duration = Duration::from_secs(2);
/// How long after a loss everybody knows it: silence, two ticks, and the way.
const KNOWN_BOUND: Duration = Duration::from_secs(6);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Takes numbers of others, and looks whether they are in order.
#[derive(Default)]
struct Sink {
    last: BTreeMap<Pid, u64>,
    taken: u64,
}

const SINK: Name<Sink> = Name::new("sink");

#[actor(crate = foundation_actors)]
impl Sink {
    #[cast]
    fn put(&mut self, from: Pid, number: u64) {
        let last = self.last.insert(from, number);
        assert!(
            last < Some(number),
            "{number} of {from:?} came after {last:?}"
        );
        self.taken += 1;
    }

    #[call]
    fn echo(&self, number: u64) -> u64 {
        number
    }

    #[call]
    fn whose(&self, cx: &mut foundation_actors::Cx<Self>) -> Pid {
        cx.self_ref().pid()
    }

    #[call]
    fn taken(&self) -> u64 {
        self.taken
    }
}

/// What all clients have seen together.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    failed: AtomicU64,
    told: AtomicU64,
    /// Who is watched, from where.
    watched: Mutex<BTreeMap<(NodeId, Pid), bool>>,
}

impl Seen {
    /// The watchers of this node are gone.
    fn forget(&self, node: NodeId) {
        let mut watched = self.watched.lock().expect("nobody panics with it");
        watched.retain(|(watcher, _), _| *watcher != node);
    }
}

/// Calls, sends and watches, as long as its node lives.
async fn client(me: Process<NodeEvent>, seed: u64, seen: Arc<Seen>) {
    let (node, mut rng) = (me.node(), Rng::new(seed));
    let others: Vec<&str> = NAMES
        .into_iter()
        .filter(|name| *name != node.name())
        .collect();
    let mut number = 0;
    loop {
        node.sleep(ms(20 + rng.below(200) as u64)).await;
        let sink = node.remote(others[rng.below(others.len())]).at(SINK);
        number += 1;
        // Without a connection it is a dead letter.
        sink.put(me.pid(), number).expect("it can travel");
        let begun = node.now();
        let answer = sink.echo(number).timeout(CALL_BOUND).await;
        let took = node.now() - begun;
        assert!(
            took <= CALL_BOUND + ms(1),
            "a call of {CALL_BOUND:?} took {took:?}"
        );
        match answer {
            Ok(echo) => {
                assert_eq!(echo, number);
                seen.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(CallError::NoConnection | CallError::Timeout | CallError::NoProc) => {
                seen.failed.fetch_add(1, Ordering::Relaxed);
            }
            Err(other) => panic!("a call failed by {other:?}"),
        }
        if let Ok(pid) = sink.whose().timeout(CALL_BOUND).await {
            watch(&node, pid, &seen);
        }
    }
}

/// Watches a process from one of its own, once.
fn watch(node: &Node, pid: Pid, seen: &Arc<Seen>) {
    let key = (node.id(), pid);
    let before = seen
        .watched
        .lock()
        .expect("nobody panics with it")
        .insert(key, false);
    if before == Some(false) {
        return;
    }
    let seen = Arc::clone(seen);
    let watcher = node.spawn_fn(async move |me: Process<NodeEvent>| {
        let down = me.node().down(pid).await;
        assert_eq!(
            down.reason,
            Reason::NoConnection,
            "sinks do not end by themselves"
        );
        seen.told.fetch_add(1, Ordering::Relaxed);
        seen.watched
            .lock()
            .expect("nobody panics with it")
            .insert(key, true);
    });
    watcher.expect("there is room");
}

struct Cluster {
    world: World,
    network: SimNetwork,
    nodes: Vec<Node>,
    seen: Arc<Seen>,
    rng: Rng,
}

impl Cluster {
    async fn start(world: World) -> Self {
        let network = SimNetwork::new(&world);
        let rng = Rng::new(world.random());
        let (nodes, seen) = (Vec::new(), Arc::default());
        let mut cluster = Self {
            world,
            network,
            nodes,
            seen,
            rng,
        };
        for name in NAMES {
            let node = cluster.node(name).await;
            cluster.nodes.push(node);
        }
        cluster
    }

    async fn node(&mut self, name: &str) -> Node {
        let plan = Node::builder().name(name).seed("a:7000").seed("b:7000");
        let node = plan
            .start_in(&self.world, &self.network)
            .await
            .expect("it starts");
        let sink = node.start::<Sink>(Sink::default()).name(SINK).await;
        sink.expect("the name is free");
        let (seed, seen) = (self.rng.next_u64(), Arc::clone(&self.seen));
        let started = node.spawn_fn(move |me| client(me, seed, seen));
        started.expect("there is room");
        node
    }

    /// A node is started again in place of one that is lost.
    async fn replace(&mut self, at: usize) {
        // Nobody asks a dead watcher.
        self.seen.forget(self.nodes[at].id());
        self.nodes[at] = self.node(NAMES[at]).await;
    }

    async fn fault(&mut self) {
        let (a, b) = (self.rng.below(NAMES.len()), self.rng.below(NAMES.len()));
        let network = self.network.clone();
        match self.rng.below(13) {
            0 if a != b => network.partition(NAMES[a], NAMES[b]),
            1 if a != b => network.partition_one_way(NAMES[a], NAMES[b]),
            2 => {
                let (left, right) = NAMES.split_at(1 + self.rng.below(4));
                network.split(left, right);
            }
            3..=6 => network.heal_all(),
            7 => {
                self.world.crash(&self.nodes[a]);
                self.replace(a).await;
            }
            8 => {
                self.world.power_off(&self.nodes[a]);
                let pause = ms(self.rng.below(8_000) as u64);
                self.world.sleep(pause).await;
                self.replace(a).await;
            }
            9 => {
                let bad = Link::new(ms(1), ms(300), 0.3).expect("there are such");
                network.set_link(NAMES[a], NAMES[b], bad);
            }
            11 => {
                let rate = 0.9 + self.rng.below(200) as f64 / 1000.0;
                self.world.clock_rate(&self.nodes[a], rate);
            }
            10 => network.set_link(NAMES[a], NAMES[b], Link::default()),
            _ => {}
        }
    }

    async fn check(&self) {
        for node in &self.nodes {
            for other in self.nodes.iter().filter(|other| other.id() != node.id()) {
                let seen = async || node.peer(other.name()) == Some(other.id());
                self.world.eventually(ms(40_000), seen).await;
            }
            let peers = node.cluster().nodes().await.expect("it has a cluster");
            assert_eq!(peers.len(), NAMES.len() - 1, "and nobody else");
        }
        self.world.sleep(KNOWN_BOUND).await;
        let living: Vec<NodeId> = self.nodes.iter().map(Node::id).collect();
        for ((watcher, pid), told) in &*self.seen.watched.lock().expect("nobody panics with it") {
            let is_lost = !living.contains(&pid.node());
            assert!(
                *told || !is_lost,
                "{watcher:?} was not told of the loss of {pid:?}"
            );
        }
        let failed = self.seen.failed.load(Ordering::Relaxed);
        self.world.sleep(ms(5_000)).await;
        let later = self.seen.failed.load(Ordering::Relaxed);
        assert_eq!(later, failed, "calls fail though all is well");
    }
}

/// What there was of it all.
async fn run(world: World) -> [u64; 4] {
    let mut cluster = Cluster::start(world.clone()).await;
    let end = world.now() + Duration::from_secs(60);
    while world.now() < end {
        cluster.fault().await;
        let pause = ms(200 + cluster.rng.below(4_000) as u64);
        world.sleep(pause).await;
    }
    cluster.network.heal_all();
    for node in &cluster.nodes {
        world.clock_rate(node, 1.0);
    }
    for a in NAMES {
        for b in NAMES {
            cluster.network.set_link(a, b, Link::default());
        }
    }
    cluster.check().await;
    let mut taken = 0;
    for node in &cluster.nodes {
        taken += node.at(SINK).taken().await.expect("it lives");
    }
    let seen = &cluster.seen;
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    [of(&seen.answered), of(&seen.failed), of(&seen.told), taken]
}

#[test]
fn promises_hold_under_faults() {
    let variable = |name| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds: Vec<u64> = match variable("FOUNDATION_SEED") {
        Some(seed) => vec![seed],
        None => (0..variable("FOUNDATION_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let mut sums = [0; 4];
    for seed in &seeds {
        let (seen, report) = World::simulate(*seed, run)
            .unwrap_or_else(|error| panic!("FOUNDATION_SEED={seed}: {error}"));
        if seed % 10 == 0 {
            let (_, again) = World::simulate(*seed, run).expect("it did end");
            assert_eq!(
                report.trace_hash, again.trace_hash,
                "seed {seed} is not the same twice"
            );
        }
        sums.iter_mut()
            .zip(seen)
            .for_each(|(sum, seen)| *sum += seen);
    }
    let [answered, failed, told, taken] = sums;
    println!(
        "{answered} calls answered, {failed} failed, {told} watchers told, {taken} casts taken"
    );
    if 10 <= seeds.len() {
        assert!(failed > 0 && told > 0, "nothing happened");
        assert!(
            failed < answered && failed < taken,
            "hardly anything worked"
        );
    }
}
