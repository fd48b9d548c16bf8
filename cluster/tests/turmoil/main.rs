//! Do nodes hold together over TCP and TLS as real machines speak them, on a network that turmoil simulates?
//!
//! Role       One host of turmoil for each node, which lives there in a hosted world: the code that opens and
//!            takes sockets, and TLS over them, under plans of faults, which worlds of ours go through as well.
//! Run        `cargo test -p foundation-cluster --features tls,turmoil --test turmoil`

#![allow(
    clippy::disallowed_methods,
    reason = "files of certificates, and tokio's clock is turmoil's here"
)]

#[path = "../common/authority.rs"]
mod authority;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use foundation_actors::{Name, NodeExt};
use foundation_cluster::faults::{Fault, Plan};
use foundation_cluster::{Builder, Secret, Tls};
use foundation_macros::actor;
use foundation_runtime::{Node, Pid, World};

use authority::{Authority, Folder};

const SECOND: Duration = Duration::from_secs(1);
/// How long all may take to see each other when nothing is wrong.
const TOGETHER: Duration = Duration::from_secs(60);

/// The certificates of nodes on hosts `n0` and on.
struct Papers {
    _folder: Folder,
    of: Vec<Tls>,
}

impl Papers {
    fn new(name: &str, count: usize) -> Arc<Self> {
        let folder = Folder::new(name);
        let ca = Authority::new(&folder, "ca");
        let sign = |host: String| ca.signs(&folder, &host, &host, |_| {});
        let of = (0..count).map(|at| sign(format!("n{at}"))).collect();
        let _folder = folder;
        Arc::new(Self { _folder, of })
    }
}

/// What all nodes have seen, which no crash reaches.
#[derive(Default)]
struct Seen {
    /// Whom each sees, as (name, incarnation).
    views: BTreeMap<usize, BTreeSet<String>>,
    /// Which start of each runs.
    starts: BTreeMap<usize, u64>,
    /// The last number that one process took of another.
    last: BTreeMap<(Pid, Pid), u64>,
    came: u64,
    disorders: Vec<String>,
}

type Shared = Arc<Mutex<Seen>>;

fn lock(seen: &Shared) -> MutexGuard<'_, Seen> {
    seen.lock().expect("nobody panics with it")
}

/// Takes numbers.
struct Log(Shared);

const LOG: Name<Log> = Name::new("log");

#[actor(crate = foundation_actors)]
impl Log {
    #[init]
    fn init(seen: Shared) -> Self {
        Self(seen)
    }

    #[cast]
    fn note(&mut self, from: Pid, number: u64, text: String, cx: &mut foundation_actors::Cx<Self>) {
        let mut seen = lock(&self.0);
        seen.came += 1;
        let last = seen.last.insert((from, cx.pid()), number);
        if last >= Some(number) || text.len() as u64 != size(number) {
            let disorder = format!("{number} of {from} after {last:?}, {} bytes", text.len());
            seen.disorders.push(disorder);
        }
    }
}

/// Some are so large that they go in parts, over a connection of their own.
fn size(number: u64) -> u64 {
    match number % 50 {
        7 => 150_000,
        small => small,
    }
}

fn name(at: usize) -> String {
    format!("a@n{at}")
}

/// The life of one node: it tells all that it sees a number now and then, and notes whom it sees.
async fn live(world: World, at: usize, start: u64, papers: &Papers, seen: Shared) {
    let builder = Builder::new(Node::builder().name(name(at).as_str()))
        .secret(Secret::new([7; 32]).expect("it is long enough"))
        .tls(papers.of[at].clone())
        .listen("0.0.0.0:7000")
        .seed("n0:7000")
        .seed("n1:7000");
    let node = builder.start_within(&world).await.expect("it starts");
    let log = node.start::<Log>(Arc::clone(&seen)).name(LOG);
    let own = log.await.expect("it starts").pid();
    lock(&seen).starts.insert(at, start);
    let mut number = 0;
    loop {
        world.sleep(SECOND / 5).await;
        let peers = node.peers();
        let view = peers.iter().map(|(name, id)| format!("{name} {id:?}"));
        lock(&seen).views.insert(at, view.collect());
        for (peer, _) in &peers {
            let log = node.remote(peer).at(LOG);
            for _ in 0..2 {
                number += 1;
                // Who is lost meanwhile is told nothing.
                let _ = log.note(own, number, "x".repeat(size(number) as usize));
            }
        }
    }
}

/// A simulation by turmoil, and what its nodes have seen.
struct Stage<'a> {
    sim: turmoil::Sim<'a>,
    count: usize,
    seen: Shared,
    down: BTreeSet<usize>,
}

impl Stage<'_> {
    fn new(seed: u64, count: usize, papers: &Arc<Papers>) -> Self {
        let mut builder = turmoil::Builder::new();
        builder
            .rng_seed(seed)
            .simulation_duration(Duration::from_secs(3600))
            .tick_duration(Duration::from_millis(5))
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(20))
            .tcp_capacity(1024);
        let mut sim = builder.build();
        let seen = Shared::default();
        for at in 0..count {
            let (papers, seen) = (Arc::clone(papers), Arc::clone(&seen));
            let starts = Arc::new(AtomicU64::new(0));
            sim.host(format!("n{at}"), move || {
                let (papers, seen) = (Arc::clone(&papers), Arc::clone(&seen));
                let start = starts.fetch_add(1, Ordering::Relaxed);
                async move {
                    // A node that is started again is a newer one.
                    let seed = (seed << 20) + start;
                    let body = |world| live(world, at, start, &papers, seen);
                    World::hosted(seed, body)
                        .await
                        .map(drop)
                        .map_err(Into::into)
                }
            });
        }
        Self {
            sim,
            count,
            seen,
            down: BTreeSet::new(),
        }
    }

    fn step(&mut self) {
        self.sim.step().expect("no host fails");
    }

    fn pass(&mut self, time: Duration) {
        let end = self.sim.elapsed() + time;
        while self.sim.elapsed() < end {
            self.step();
        }
    }

    /// Whether all see all that are up, and nobody else.
    fn is_whole(&self) -> bool {
        let seen = lock(&self.seen);
        let up = (0..self.count).filter(|at| !self.down.contains(at));
        let views: Vec<_> = up.map(|at| seen.views.get(&at)).collect();
        let count = views.len();
        let ids: BTreeSet<&String> = views.iter().flatten().copied().flatten().collect();
        ids.len() == count
            && views
                .iter()
                .all(|view| view.is_some_and(|it| it.len() + 1 == count))
    }

    fn until_whole(&mut self, what: &str) -> Duration {
        let begun = self.sim.elapsed();
        loop {
            // Views are as old as a fifth of a second.
            self.pass(SECOND / 2);
            let took = self.sim.elapsed() - begun;
            if self.is_whole() {
                return took;
            }
            assert!(took < TOGETHER, "{what}: {:?}", lock(&self.seen).views);
        }
    }

    fn go_through(&mut self, plan: &Plan) {
        for (when, fault) in plan.faults() {
            while self.sim.elapsed() < *when {
                self.step();
            }
            self.happen(*fault);
        }
    }

    fn happen(&mut self, fault: Fault) {
        let host = |at: usize| format!("n{at}");
        match fault {
            // Both: turmoil tells nobody that a host is gone.
            Fault::Crash(at) | Fault::PowerOff(at) => {
                self.sim.crash(host(at));
                self.down.insert(at);
                lock(&self.seen).views.remove(&at);
            }
            Fault::Restart(at) => {
                self.sim.bounce(host(at));
                self.down.remove(&at);
            }
            Fault::Cut(a, b) => self.sim.partition(host(a), host(b)),
            Fault::CutOneWay(a, b) => self.sim.partition_oneway(host(a), host(b)),
            Fault::Split(count) => self.split(count),
            Fault::Heal => self.heal(),
            // What a network does not do.
            _ => {}
        }
    }

    fn pairs(&self) -> Vec<(String, String)> {
        let pairs = (0..self.count).flat_map(|b| (0..b).map(move |a| (a, b)));
        pairs
            .map(|(a, b)| (format!("n{a}"), format!("n{b}")))
            .collect()
    }

    fn split(&mut self, count: usize) {
        for left in 0..count {
            for right in count..self.count {
                self.sim.partition(format!("n{left}"), format!("n{right}"));
            }
        }
    }

    fn heal(&mut self) {
        for (a, b) in self.pairs() {
            self.sim.repair(a, b);
        }
    }
}

/// What a run was like, to compare it with another.
#[derive(Debug, PartialEq)]
struct Course {
    times: Vec<Duration>,
    came: u64,
}

fn whole_parted_and_whole(seed: u64, papers: &Arc<Papers>, count: usize) -> Course {
    let mut stage = Stage::new(seed, count, papers);
    let mut times = vec![stage.until_whole("they do not come together")];
    stage.happen(Fault::Split(count / 2));
    stage.pass(10 * SECOND);
    assert!(!stage.is_whole(), "nobody has noticed");
    stage.happen(Fault::Heal);
    times.push(stage.until_whole("they do not come together again"));
    let last = count - 1;
    stage.happen(Fault::Crash(last));
    times.push(stage.until_whole("who is gone is still seen"));
    stage.happen(Fault::Restart(last));
    times.push(stage.until_whole("who came back is not seen"));
    let seen = lock(&stage.seen);
    assert_eq!(seen.disorders, [""; 0], "seed {seed}");
    assert_eq!(seen.starts[&last], 1);
    let came = seen.came;
    Course { times, came }
}

#[test]
fn nodes_come_together_part_and_come_together_again() {
    let papers = Papers::new("whole", 5);
    for seed in 0..10 {
        let course = whole_parted_and_whole(seed, &papers, 5);
        assert!(400 < course.came, "seed {seed}: {course:?}");
    }
}

#[test]
fn thirty_of_them_do_so_too() {
    let papers = Papers::new("thirty", 30);
    whole_parted_and_whole(1, &papers, 30);
}

#[test]
fn equal_seeds_are_equal() {
    let papers = Papers::new("equal", 4);
    let run = |seed| whole_parted_and_whole(seed, &papers, 4);
    let course = run(3);
    assert_eq!(course, run(3));
    // Two seeds may come to the same by chance: it is not much that is compared.
    assert!((4..10).any(|other| run(other) != course));
}

/// The plans of `foundation sim`, as far as a network and its hosts have such faults.
#[test]
fn plans_of_faults_break_no_order_and_all_are_whole_after_them() {
    let papers = Papers::new("plans", 5);
    for seed in 0..20 {
        let plan = Plan::random(seed, 5, 60 * SECOND, 12);
        let mut stage = Stage::new(seed, 5, &papers);
        stage.go_through(&plan);
        stage.heal();
        for at in std::mem::take(&mut stage.down) {
            stage.happen(Fault::Restart(at));
        }
        stage.until_whole("something does not heal");
        let seen = lock(&stage.seen);
        assert_eq!(seen.disorders, [""; 0], "seed {seed}, {plan}");
    }
}
