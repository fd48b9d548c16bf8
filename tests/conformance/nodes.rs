//! Nodes that come and go, and who is told (B190, B191, B224).
//!
//! Role       Each body runs in memory, over a network in memory, and over sockets.
//! Source     otp: net_kernel:monitor_nodes/1, erlang:monitor_node/2

use std::time::Duration;

use foundation::prelude::*;
use foundation::{Destination, Envelope, Loopback, NodeChange, NodeId, promise};

use crate::scene::{BOUND, plan};
use crate::support::{Got, LONG, Note, Puppet};

/// How the two nodes are to be connected.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Memory,
    Network,
    Sockets,
}

/// A node, and another one that is not connected with it yet.
struct Pair {
    world: World,
    way: Way,
    here: Node,
    there: Option<Node>,
    wire: Option<Loopback>,
}

impl Pair {
    async fn new(world: &World, way: Way) -> Self {
        let (here, there) = match way {
            Way::Memory => (world.node(), Some(world.start("there"))),
            Way::Network => {
                let [here] = world.nodes(["main"], async |_| {}).await;
                (here, None)
            }
            Way::Sockets => (plan("main").start().await.expect("it listens"), None),
        };
        Self {
            world: world.clone(),
            way,
            here,
            there,
            wire: None,
        }
    }

    /// The other node, which does `app` before it is connected, if it can.
    async fn join(&mut self, app: impl AsyncFn(&Node)) -> Node {
        let there = match self.way {
            Way::Memory => {
                let there = self.there.clone().expect("it was started");
                app(&there).await;
                self.wire = Some(self.world.connect(&self.here, &there));
                there
            }
            Way::Network => {
                let (world, network) = (&self.world, self.world.network());
                let there = Node::builder().name("there").seed("main:7000");
                let there = there.start_in(world, &network).await.expect("it listens");
                app(&there).await;
                there
            }
            Way::Sockets => {
                let address = self.here.cluster().own().await.expect("it has one").address;
                let there = plan("there").seed(address).start().await;
                let there = there.expect("it listens");
                app(&there).await;
                let nodes = [self.here.clone(), there.clone()];
                self.world.at_end(move || async move {
                    for node in nodes {
                        node.shutdown(BOUND).await.expect("its processes end");
                    }
                });
                there
            }
        };
        let (a, b) = (&self.here, &there);
        let both = async || a.peer("there").is_some() && b.peer("main").is_some();
        self.world.eventually(BOUND, both).await;
        self.there = Some(there.clone());
        there
    }

    /// The two lose each other: by what is between them, or because one leaves.
    async fn lose(&self) {
        let there = self.there.as_ref().expect("it has joined");
        match &self.wire {
            Some(wire) => wire.cut(),
            None if self.world.is_simulated() && self.world.random().is_multiple_of(2) => {
                self.world.partition(&self.here, there);
            }
            None => {
                let left = self.here.cluster().leave(BOUND).await;
                left.expect("it is in a cluster");
            }
        }
        let alone = async || self.here.peer("there").is_none() && there.peer("main").is_none();
        self.world.eventually(BOUND, alone).await;
    }
}

/// Runs a body over one way between nodes.
macro_rules! over_each {
    ($($test:ident: $body:ident;)+) => {$(
        mod $test {
            use foundation::prelude::*;

            use super::{Pair, Way, $body as body};

            #[foundation::test]
            async fn in_memory(w: World) {
                body(Pair::new(&w, Way::Memory).await).await;
            }

            #[foundation::test(seeds = 30)]
            async fn over_a_network(w: World) {
                body(Pair::new(&w, Way::Network).await).await;
            }

            #[foundation::test(real)]
            async fn over_sockets(w: World) {
                body(Pair::new(&w, Way::Sockets).await).await;
            }
        }
    )+};
}

over_each! {
    b190: b190_a_node_comes_before_its_signals_and_goes_after_them;
    b191: b191_a_node_that_is_watched_twice_goes_twice;
    b224: b224_asked_twice_is_told_twice_and_last;
    taken_back: what_was_taken_back_is_not_told;
}

fn name_of(got: &Got) -> Option<(bool, &str)> {
    match got {
        Got::Node(NodeChange::Up { name, .. }) => Some((true, name)),
        Got::Node(NodeChange::Down { name, .. }) => Some((false, name)),
        _ => None,
    }
}

/// Sends notes to whoever is called `subject` on each node that comes, as long as it is there.
async fn greet(node: &Node) {
    let (ready, watches) = promise(node);
    let greeter = |mut me: Process<NodeChange>| async move {
        me.monitor_nodes();
        ready.send(());
        // It may have come before.
        let mut target = me.node().peer("main");
        for n in 0.. {
            if let Some(node) = target {
                let to = Destination::Name(node, "subject".into());
                let note = Envelope::plain(Note(n));
                me.node().send_envelope(&to, note).expect("portable");
            }
            let pause = Duration::from_millis(if target.is_some() { 1 } else { 1000 });
            match me.receive(Ok).timeout(pause).await {
                Ok(Mail::Msg(NodeChange::Up { node, .. })) => target = Some(node),
                Ok(Mail::Msg(NodeChange::Down { .. })) => target = None,
                Ok(other) => panic!("{other:?} came"),
                Err(_) => {}
            }
        }
    };
    let options = SpawnOptions::new().name("greeter");
    node.spawn_fn_with(&options, greeter).expect("spawned");
    watches.timeout(LONG).await.expect("it watches");
}

/// B190: a node's coming is told before anything that it sends, its going after all of that.
async fn b190_a_node_comes_before_its_signals_and_goes_after_them(mut pair: Pair) {
    let subject = Puppet::start(&pair.here);
    pair.here.register("subject", &subject).expect("free");
    subject.ask(|me| me.monitor_nodes()).await;
    pair.join(greet).await;
    subject.log_of(5).await;
    pair.lose().await;
    let gone = async || {
        let log = subject.log().await;
        log.iter().any(|got| name_of(got) == Some((false, "there")))
    };
    pair.world.eventually(LONG, gone).await;
    pair.world.sleep(Duration::from_millis(20)).await;
    let log = subject.log().await;
    let (first, last) = (log.first().and_then(name_of), log.last().and_then(name_of));
    assert_eq!(
        (first, last),
        (Some((true, "there")), Some((false, "there")))
    );
    let between = &log[1..log.len() - 1];
    assert!(
        between.iter().all(|got| matches!(got, Got::Note(_))),
        "{log:?}"
    );
}

/// B191: a node that one process watches twice goes twice, for this process alone; one that is not
/// there goes at once.
async fn b191_a_node_that_is_watched_twice_goes_twice(mut pair: Pair) {
    let (twice, once) = (Puppet::start(&pair.here), Puppet::start(&pair.here));
    twice.ask(|me| me.monitor_node("there")).await;
    let there = NodeId::unconnected("there");
    let name = "there".into();
    let absent = Got::Node(NodeChange::Down { node: there, name });
    assert_eq!(twice.log_of(1).await, [absent]);
    let node = pair.join(async |_| {}).await.id();
    twice
        .ask(|me| (me.monitor_node("there"), me.monitor_node("there")))
        .await;
    once.ask(|me| me.monitor_node("there")).await;
    pair.lose().await;
    let down = || {
        Got::Node(NodeChange::Down {
            node,
            name: "there".into(),
        })
    };
    assert_eq!(twice.log_of(3).await[1..], [down(), down()]);
    assert_eq!(once.log_of(1).await, [down()]);
}

/// B224: who has asked twice is told twice, after the exits and DOWNs that the loss leads to.
async fn b224_asked_twice_is_told_twice_and_last(mut pair: Pair) {
    let subject = Puppet::trapping(&pair.here);
    subject
        .ask(|me| (me.monitor_nodes(), me.monitor_nodes()))
        .await;
    let there = pair.join(async |_| {}).await;
    let up = subject.log_of(2).await;
    assert!(
        up.iter().all(|got| name_of(got) == Some((true, "there"))),
        "{up:?}"
    );
    let others = [Puppet::start(&there), Puppet::start(&there)];
    for other in &others {
        subject.link(other).await;
        subject.monitor(other).await;
    }
    pair.lose().await;
    let log = subject.log_of(8).await;
    assert_eq!(log.len(), 8, "{log:?}");
    let ends = |got: &Got| {
        matches!(got, Got::Exit(_, reason) | Got::Down(Down { reason, .. })
        if *reason == Reason::NoConnection)
    };
    assert!(log[2..6].iter().all(ends), "{log:?}");
    assert!(
        log[6..]
            .iter()
            .all(|got| name_of(got) == Some((false, "there"))),
        "{log:?}"
    );
}

/// Nothing is told any more of what was taken back, nor to the dead.
async fn what_was_taken_back_is_not_told(mut pair: Pair) {
    let (subject, dead) = (Puppet::start(&pair.here), Puppet::start(&pair.here));
    let begin = |me: &mut crate::support::Hands| {
        assert!(!me.demonitor_nodes() && !me.demonitor_node("there"));
        me.monitor_nodes();
        me.monitor_nodes();
    };
    subject.ask(begin).await;
    dead.ask(begin).await;
    pair.join(async |_| {}).await;
    assert_eq!(subject.log_of(2).await.len(), 2);
    subject
        .ask(|me| {
            me.monitor_node("there");
            me.monitor_node("there");
            assert!(me.demonitor_nodes() && me.demonitor_node("there"));
        })
        .await;
    pair.here.exit(&dead, Reason::Kill);
    pair.here.down(&dead).await;
    // What else there is on a node has letters of its own to a node that is lost.
    let mut letters = pair.here.dead_letters(1_000);
    pair.lose().await;
    let log = subject.log_of(3).await;
    assert_eq!(name_of(&log[2]), Some((false, "there")));
    pair.world.sleep(Duration::from_millis(20)).await;
    assert_eq!(subject.log().await.len(), 3);
    let to_dead = std::iter::from_fn(|| letters.try_next()).filter(|it| it.to == Some(dead.pid()));
    assert_eq!(to_dead.count(), 0, "the dead are told");
    assert!(!subject.ask(|me| me.demonitor_node("there")).await);
}
