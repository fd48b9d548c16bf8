//! Does what follows something come after it, over nodes and networks as they are?
//!
//! Role       Whole nodes over a simulated network. Actors that answer what they hear with more, beside an
//!            oracle that knows what came before each message; then single rules: answers, bounds, losses, times that run
//!            out.

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use foundation_actors::{Name, NodeExt, Ref};
use foundation_cluster::channel::{Channel, ChannelFigures};
use foundation_cluster::overlay::{Overlay, client_server};
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{Builder, NodeClusterExt, WorldClusterExt};
use foundation_macros::actor;
use foundation_runtime::{Node, SendOptions, World};

use common::simulate;

const MINUTE: Duration = Duration::from_secs(60);
const TALKER: Name<Talker> = Name::new("talker");
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What was sent to whom, and all that was before it.
struct Event {
    to: usize,
    before: BTreeSet<u32>,
}

#[derive(Default)]
struct Oracle {
    history: Vec<Event>,
    past: [BTreeSet<u32>; 4],
    heard: [Vec<u32>; 4],
    disorders: usize,
}

impl Oracle {
    fn sent(&mut self, from: usize, to: usize) -> u32 {
        let number = self.history.len() as u32;
        let before = self.past[from].clone();
        self.past[from].insert(number);
        self.history.push(Event { to, before });
        number
    }

    fn heard(&mut self, at: usize, number: u32) {
        let before = &self.history[number as usize].before;
        let here = before
            .iter()
            .filter(|it| self.history[**it as usize].to == at);
        let missing = here.filter(|it| !self.heard[at].contains(it)).count();
        self.disorders += usize::from(missing > 0);
        self.past[at].extend(before.iter().copied());
        self.past[at].insert(number);
        self.heard[at].push(number);
    }
}

/// Tells others when it hears something, and notes what.
struct Talker {
    at: usize,
    oracle: Arc<Mutex<Oracle>>,
    others: Vec<Ref<Talker>>,
}

impl Talker {
    fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().expect("nobody panics with it")
    }

    fn tell(&self, to: usize, hops: u32, size: usize) {
        let number = self.oracle().sent(self.at, to);
        let told = self.others[to].hear(number, hops, "x".repeat(size));
        told.expect("there is room");
    }
}

#[actor(crate = foundation_actors)]
impl Talker {
    #[cast(local)]
    fn meet(&mut self, others: Vec<Ref<Talker>>) {
        self.others = others;
    }

    #[cast]
    fn hear(&mut self, number: u32, hops: u32, text: String) {
        drop(text);
        self.oracle().heard(self.at, number);
        if hops > 0 {
            let away = 1 + (number as usize + hops as usize) % 3;
            self.tell((self.at + away) % 4, hops - 1, 20);
            self.tell((self.at + 1 + away % 3) % 4, hops - 1, 20);
        }
    }

    /// Tells this one, and says so.
    #[call]
    fn pass_on(&mut self, to: usize, size: usize) {
        self.tell(to, 0, size);
    }

    #[call]
    fn heard(&self) -> Vec<u32> {
        self.oracle().heard[self.at].clone()
    }
}

/// Four nodes, with a talker each, which talk so.
struct Meeting {
    nodes: Vec<Node>,
    oracle: Arc<Mutex<Oracle>>,
    options: SendOptions,
}

impl Meeting {
    async fn new(world: &World, channels: &[Channel], options: impl Into<SendOptions>) -> Self {
        Self::over(Overlay::FullMesh, world, channels, options.into()).await
    }

    async fn over(
        overlay: Overlay,
        world: &World,
        channels: &[Channel],
        options: SendOptions,
    ) -> Self {
        let mut nodes = Vec::new();
        for name in NAMES {
            let builder = Builder::new(Node::builder().name(name)).seed("a:7000");
            let builder = builder.overlay(overlay.clone());
            let builder = channels.iter().cloned().fold(builder, Builder::channel);
            let started = builder.start_in(world, &world.network()).await;
            nodes.push(started.expect("it starts"));
        }
        let meet = |node: &Node| {
            NAMES
                .iter()
                .all(|name| node.name() == *name || node.peer(name).is_some())
        };
        world
            .eventually(MINUTE, async || nodes.iter().all(meet))
            .await;
        let oracle = Arc::default();
        for (at, node) in nodes.iter().enumerate() {
            let talker = Talker {
                at,
                oracle: Arc::clone(&oracle),
                others: Vec::new(),
            };
            node.start::<Talker>(talker)
                .name(TALKER)
                .await
                .expect("it starts");
        }
        let meeting = Self {
            nodes,
            oracle,
            options,
        };
        for at in 0..4 {
            let others = (0..4).map(|to| meeting.from(at, to)).collect();
            meeting.nodes[at]
                .at(TALKER)
                .meet(others)
                .expect("it is there");
        }
        meeting
    }

    /// The talker of a node, as it is seen from another.
    fn from(&self, at: usize, to: usize) -> Ref<Talker> {
        let node = &self.nodes[at];
        match at == to {
            true => node.at(TALKER),
            false => {
                let far = node.remote(NAMES[to]).at(TALKER);
                far.over(self.options.clone())
                    .expect("there is such a channel")
            }
        }
    }

    /// This one tells the other something of this size.
    async fn tell(&self, from: usize, to: usize, size: usize) {
        let talker = self.nodes[from].at(TALKER);
        talker.pass_on(to, size).await.expect("it is there");
    }

    async fn heard(&self, at: usize) -> Vec<u32> {
        self.nodes[at]
            .at(TALKER)
            .heard()
            .await
            .expect("it is there")
    }

    async fn until_heard(&self, world: &World, at: usize, count: usize) -> Vec<u32> {
        let all = async || self.heard(at).await.len() >= count;
        world.eventually(MINUTE, all).await;
        self.heard(at).await
    }

    /// What this node's channel `gossip` did with that one.
    async fn figures(&self, at: usize, peer: usize) -> Option<ChannelFigures> {
        let cluster = self.nodes[at].cluster();
        let peers = cluster.nodes().await.expect("it has a cluster");
        let of = peers.into_iter().filter(|it| &*it.who.name == NAMES[peer]);
        let mut channels = of.flat_map(|it| it.channels);
        channels.find(|it| it.channel == "gossip")
    }

    /// How many of that node's messages wait here for what they follow, and how many did not.
    async fn following(&self, at: usize, peer: usize) -> (u64, u64) {
        let figures = self.figures(at, peer).await;
        figures.map_or((0, 0), |it| (it.following, it.disordered))
    }

    fn disorders(&self) -> usize {
        self.oracle.lock().expect("nobody panics with it").disorders
    }
}

/// Between these two everything takes so long.
fn slow(world: &World, one: &str, other: &str, time: Duration) {
    let link = Link::new(time, time, 0.0).expect("there is such a link");
    world.network().set_link(one, other, link);
}

/// Much is said, on ways that take from one to 80 milliseconds.
async fn talk(world: &World, meeting: &Meeting, resets: bool) -> usize {
    let link = Link::new(ms(1), ms(80), 0.05).expect("there is such a link");
    world.network().set_default_link(link);
    for round in 0..10 {
        for at in 0..4 {
            let talker = meeting.nodes[at].at(TALKER);
            let number = meeting.oracle.lock().expect("free").sent(at, at);
            talker.hear(number, 4, String::new()).expect("it is there");
        }
        world.advance(ms(70)).await;
        if resets && round % 3 == 1 {
            let one = round % 4;
            world
                .network()
                .reset(NAMES[one], NAMES[(one + 1 + round % 3) % 4]);
        }
    }
    let all = || {
        let oracle = meeting.oracle.lock().expect("free");
        oracle.heard.iter().map(Vec::len).sum::<usize>() == 40 * 31
    };
    world.eventually(MINUTE, async || all()).await;
    meeting.disorders()
}

#[test]
fn what_follows_something_comes_after_it() {
    let disorders = Mutex::new(0);
    simulate(6, |world| {
        let disorders = &disorders;
        async move {
            let meeting = Meeting::new(&world, &[], "gossip").await;
            *disorders.lock().expect("free") += talk(&world, &meeting, false).await;
        }
    });
    let disorders = disorders.into_inner().expect("free");
    assert!(
        disorders > 20,
        "{disorders}: the network keeps the order by itself"
    );
    simulate(12, |world| async move {
        let meeting = Meeting::new(&world, &[], SendOptions::channel("gossip").causal()).await;
        assert_eq!(talk(&world, &meeting, false).await, 0);
    });
}

#[test]
fn what_is_acknowledged_keeps_its_order_over_lost_connections() {
    simulate(12, |world| async move {
        let channels = [Channel::named("gossip").lanes(3).causal_within(MINUTE)];
        let sure = SendOptions::channel("gossip").causal().acknowledged();
        let meeting = Meeting::new(&world, &channels, sure).await;
        assert_eq!(talk(&world, &meeting, true).await, 0);
        world.advance(ms(3_000)).await;
        for (at, peer) in (0..4).flat_map(|at| (0..4).map(move |peer| (at, peer))) {
            let figures = meeting.figures(at, peer).await;
            assert_eq!(figures.map_or(0, |it| it.unheard), 0, "{at} of {peer}");
        }
    });
}

/// Three nodes are connected to the first alone: what they say to each other waits for a connection.
#[test]
fn what_waits_for_a_connection_is_followed_too() {
    simulate(6, |world| async move {
        let causal = SendOptions::channel("gossip").causal();
        let overlay = Overlay::ClientServer(client_server::Config::new(["a"]));
        let meeting = Meeting::over(overlay, &world, &[], causal).await;
        assert_eq!(talk(&world, &meeting, false).await, 0);
    });
}

#[test]
fn no_newer_message_takes_the_place_of_an_older_one() {
    simulate(1, |world| async move {
        let causal = SendOptions::channel("gossip").causal();
        let meeting = Meeting::new(&world, &[Channel::named("gossip").monotonic()], causal).await;
        slow(&world, "b", "c", ms(500));
        for _ in 0..10 {
            meeting.tell(1, 2, 10).await;
        }
        meeting.until_heard(&world, 2, 10).await;
    });
}

#[test]
fn an_answer_is_followed_too() {
    simulate(3, |world| async move {
        let causal = SendOptions::channel("coordination").causal();
        let meeting = Meeting::new(&world, &[], causal).await;
        meeting.tell(1, 2, 10).await;
        meeting.until_heard(&world, 2, 1).await;
        slow(&world, "b", "c", ms(900));
        // B tells C, and then answers A: what A then tells C comes after it.
        meeting
            .from(0, 1)
            .pass_on(2, 10)
            .await
            .expect("it is there");
        meeting.tell(0, 2, 10).await;
        assert_eq!(meeting.until_heard(&world, 2, 3).await, [0, 1, 2]);
        assert_eq!(meeting.disorders(), 0);
    });
}

/// B tells C something that takes its time, and D after it; D tells C.
async fn triangle(world: &World, meeting: &Meeting) {
    // So that their lanes are open.
    meeting.tell(1, 2, 10).await;
    meeting.tell(3, 2, 10).await;
    meeting.until_heard(world, 2, 2).await;
    slow(world, "b", "c", ms(1_500));
    meeting.tell(1, 2, 10).await;
    meeting.tell(1, 3, 10).await;
    meeting.until_heard(world, 3, 1).await;
    meeting.tell(3, 2, 10).await;
    world.advance(ms(100)).await;
    assert_eq!(meeting.heard(2).await.len(), 2);
    assert_eq!(meeting.following(2, 3).await, (1, 0));
}

#[test]
fn nothing_waits_longer_than_its_channel_says() {
    simulate(3, |world| async move {
        let channels = [Channel::named("gossip").causal_within(ms(400))];
        let causal = SendOptions::channel("gossip").causal();
        let meeting = Meeting::new(&world, &channels, causal).await;
        let begun = world.now();
        triangle(&world, &meeting).await;
        assert_eq!(meeting.until_heard(&world, 2, 3).await[2..], [4]);
        let took = world.now() - begun;
        assert!(ms(400) < took && took < ms(1_500), "{took:?}");
        assert_eq!(meeting.following(2, 3).await, (0, 1));
        assert_eq!(meeting.until_heard(&world, 2, 4).await[2..], [4, 2]);
    });
}

#[test]
fn what_was_lost_is_not_waited_for_once_its_connection_stands_again() {
    simulate(3, |world| async move {
        let channels = [Channel::named("gossip").causal_within(MINUTE)];
        let causal = SendOptions::channel("gossip").causal();
        let meeting = Meeting::new(&world, &channels, causal).await;
        triangle(&world, &meeting).await;
        slow(&world, "b", "c", ms(5));
        let begun = world.now();
        world.network().reset("b", "c");
        assert_eq!(meeting.until_heard(&world, 2, 3).await[2..], [4]);
        assert!(world.now() - begun < ms(10_000));
        assert_eq!(meeting.following(2, 3).await, (0, 0));
    });
}

#[test]
fn for_a_node_that_has_left_nobody_waits() {
    simulate(3, |world| async move {
        let channels = [Channel::named("gossip").causal_within(MINUTE)];
        let causal = SendOptions::channel("gossip").causal();
        let meeting = Meeting::new(&world, &channels, causal).await;
        triangle(&world, &meeting).await;
        world.network().partition("b", "c");
        let begun = world.now();
        meeting.nodes[1]
            .cluster()
            .leave(ms(1_000))
            .await
            .expect("it is in one");
        assert_eq!(meeting.until_heard(&world, 2, 3).await[2..], [4]);
        assert!(world.now() - begun < ms(20_000));
    });
}

#[test]
fn for_what_is_dropped_in_its_time_nobody_waits() {
    simulate(3, |world| async move {
        let channels = [Channel::named("gossip").causal_within(MINUTE)];
        let causal = SendOptions::channel("gossip").causal().within(ms(500));
        let meeting = Meeting::new(&world, &channels, causal).await;
        let link = Link::new(ms(1), ms(1), 0.0).and_then(|link| link.rate(100_000));
        world
            .network()
            .set_link("b", "c", link.expect("there is such a link"));
        // The first of it takes some seconds, so that the last is of no use when it could go.
        for _ in 0..4 {
            meeting.tell(1, 2, 100_000).await;
        }
        meeting.tell(1, 3, 10).await;
        meeting.until_heard(&world, 3, 1).await;
        meeting.tell(3, 2, 10).await;
        let begun = world.now();
        let last = async || meeting.heard(2).await.contains(&5);
        world.eventually(MINUTE, last).await;
        assert!(world.now() - begun < ms(15_000));
        let figures = meeting.figures(1, 2).await.expect("it was used");
        assert!(0 < figures.expired, "{figures:?}");
        assert!(!meeting.heard(2).await.contains(&3));
        assert_eq!(meeting.following(2, 3).await, (0, 0));
    });
}
