//! What becomes of a start on another node when the connection is lost, at any moment of it?
//!
//! Role       Two nodes over a simulated network with a delay; a fault of each kind at each
//!            millisecond of a start, for each kind of start. It ends, whoever failed left no child,
//!            and whoever did not is told once of its child's end, if it was to be.

use std::time::Duration;

use foundation_actors::{Cx, NodeExt, Offers, Remote, RemoteSpawnError, Supervisor};
use foundation_cluster::WorldClusterExt;
use foundation_cluster::transport::simulated::Link;
use foundation_macros::actor;
use foundation_runtime::{Mail, Node, Pid, Process, Reason, World, promise, time};

const MINUTE: Duration = Duration::from_secs(60);
/// When a start and its fault are over: more than twice what silence takes to be a loss.
const OVER: Duration = Duration::from_secs(30);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Debug, foundation_macros::Message)]
#[message(local, crate = foundation_actors)]
enum Nothing {}

struct Errand;

#[actor(crate = foundation_actors)]
impl Errand {
    #[init]
    async fn init(traps: bool, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(traps);
        time::sleep(ms(7)).await;
        Self
    }

    #[call]
    fn works(&self) -> bool {
        true
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Nothing passes any more, either way, until all is over.
    Cut,
    /// Nothing passes from the starter to the child.
    CutThere,
    /// Nothing passes from the child to the starter.
    CutBack,
    /// Nothing passes for a while that is too short to be a loss.
    Pause,
    /// The connection is reset, and there is a new one soon.
    Reset,
}

const FAULTS: [Fault; 5] = [
    Fault::Cut,
    Fault::CutThere,
    Fault::CutBack,
    Fault::Pause,
    Fault::Reset,
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Plain,
    Linked,
    Watched,
}

const KINDS: [Kind; 3] = [Kind::Plain, Kind::Linked, Kind::Watched];

/// What the starter has seen when all is over.
struct Seen {
    start: Result<Pid, RemoteSpawnError>,
    /// Why it ended, as often as that was told.
    ends: Vec<Reason>,
}

/// Starts one, and listens until all is over.
async fn starter(mut me: Process<Nothing>, b: Remote, kind: Kind, bound: Duration) -> Seen {
    me.trap_exit(true);
    let traps = bound < ms(1000);
    let start = match kind {
        Kind::Plain => b.spawn::<Errand>(traps).timeout(bound).await,
        Kind::Linked => b.spawn_link::<Errand>(traps).timeout(bound).await,
        Kind::Watched => {
            let start = b.spawn_monitor::<Errand>(traps).timeout(bound).await;
            start.map(|(errand, _)| errand)
        }
    };
    let start = start.map(|errand| errand.pid());
    let (mut ends, until) = (Vec::new(), me.node().now() + OVER);
    while let Some(left) = until.checked_sub(me.node().now()) {
        match me.recv().timeout(left).await {
            Ok(Mail::Exit(exit)) => ends.push(exit.reason),
            Ok(Mail::Down(down)) => ends.push(down.reason),
            Ok(other) => panic!("{other:?}"),
            Err(_) => break,
        }
    }
    Seen { start, ends }
}

/// The errands on a node.
async fn errands(node: &Node) -> Vec<Pid> {
    let mut found = Vec::new();
    for pid in node.processes() {
        let info = node.info(pid, MINUTE).await.expect("it answers");
        if info.is_some_and(|info| info.initial_call == "Errand") {
            found.push(pid);
        }
    }
    found
}

async fn check(world: World, fault: Fault, kind: Kind, at: Duration, bound: Duration) {
    let app = async |node: &Node| {
        let offers = Supervisor::one_for_one().child(Offers::new().offer::<Errand>());
        offers.start(node).await.expect("it starts");
    };
    let [a, b] = world.nodes(["a", "b"], app).await;
    let slow = Link::new(ms(10), ms(10), 0.0).expect("there is such a link");
    world.network().set_link("a", "b", slow);
    let (reply, seen) = promise(&a);
    let remote = a.remote("b");
    let body = async move |me: Process<Nothing>| {
        reply.send(starter(me, remote, kind, bound).await);
    };
    let process = a.spawn_fn(body).expect("spawned");
    a.sleep(at).await;
    match fault {
        Fault::Cut => world.partition(&a, &b),
        Fault::CutThere => world.network().partition_one_way("a", "b"),
        Fault::CutBack => world.network().partition_one_way("b", "a"),
        Fault::Pause => {
            world.partition(&a, &b);
            a.sleep(ms(1000)).await;
            world.heal();
        }
        Fault::Reset => world.network().reset("a", "b"),
    }
    let seen: Seen = seen.timeout(MINUTE).await.expect("it does not hang");
    let left = errands(&b).await;
    let what = format!(
        "{fault:?} {at:?} {kind:?} {bound:?}: {:?} {:?}",
        seen.start, seen.ends
    );
    match (&seen.start, kind) {
        (Err(RemoteSpawnError::NoConnection | RemoteSpawnError::Timeout), _) => {
            assert_eq!(seen.ends, [], "{what}");
            assert_eq!(left, [], "{what}");
        }
        (Err(_), _) => panic!("{what}"),
        (Ok(pid), Kind::Plain) => {
            assert_eq!(seen.ends, [], "{what}");
            assert!(left.is_empty() || left == [*pid], "{what}");
        }
        (Ok(pid), Kind::Linked | Kind::Watched) => {
            assert!(seen.ends.len() <= 1, "{what}");
            // A linked one ends, unless it traps exits; one that ended was told of.
            let alive = left == [*pid];
            assert!(alive || left.is_empty(), "{what}");
            assert!(alive || seen.ends.len() == 1, "{what}");
        }
    }
    // It still works, once there is a way.
    world.heal();
    let together = async || a.peer("b") == Some(b.id()) && b.peer("a") == Some(a.id());
    world.eventually(MINUTE, together).await;
    a.down(&process).await;
    let again = a.remote("b").spawn::<Errand>(false).await;
    assert_eq!(again.expect(&what).works().await, Ok(true), "{what}");
}

fn sweep(fault: Fault, bound: Duration) {
    for kind in KINDS {
        for at in (0..60).step_by(4).map(ms) {
            let seed = at.as_millis() as u64;
            let run = World::simulate(seed, |world| check(world, fault, kind, at, bound));
            run.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
}

#[test]
fn a_connection_is_lost_at_any_moment_of_a_start() {
    for fault in FAULTS {
        sweep(fault, ms(20_000));
    }
}

#[test]
fn a_start_is_given_up_while_nothing_passes() {
    for fault in FAULTS {
        sweep(fault, ms(45));
    }
}
