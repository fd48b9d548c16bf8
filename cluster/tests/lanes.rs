//! Does a channel find out how many lanes it needs?
//!
//! Role       Whole nodes over ways that limit each connection, or all of them together.

mod common;
#[path = "common/store.rs"]
mod store;

use std::time::Duration;

use foundation_actors::NodeExt;
use foundation_cluster::channel::{Channel, ChannelFigures, LANES_TUNED};
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{Builder, NodeClusterExt, WorldClusterExt};
use foundation_runtime::{Node, Process, World, time};

use common::simulate;
use store::{STORE, Store};

const MINUTE: Duration = Duration::from_secs(60);
/// How many bytes a message has.
const SIZE: usize = 10_000;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Debug, foundation_macros::Message)]
#[message(local, crate = foundation_actors)]
enum Nothing {}

async fn start(world: &World, name: &str, channel: &Channel) -> Node {
    let builder = Builder::new(Node::builder().name(name)).seed("a:7000");
    let builder = builder.channel(channel.clone());
    let started = builder.start_in(world, &world.network()).await;
    started.expect("it starts")
}

/// Two nodes with a store on the second, and what comes over this link.
async fn pair(world: &World, channel: &Channel, link: Link) -> [Node; 2] {
    let nodes = [
        start(world, "a", channel).await,
        start(world, "b", channel).await,
    ];
    let together = async || nodes[0].peer("b").is_some() && nodes[1].peer("a").is_some();
    world.eventually(MINUTE, together).await;
    let store = nodes[1].spawn(Store::default()).expect("there is room");
    nodes[1].register("store", store.pid()).expect("it is free");
    world.network().set_link("a", "b", link);
    nodes
}

/// So many senders send all they may, or one message each so often.
fn send(node: &Node, senders: u32, each: Option<Duration>) {
    for sender in 0..senders {
        let to = node.remote("b").at(STORE);
        let to = to.over("wide").expect("there is such a channel");
        let body = async move |_: Process<Nothing>| {
            for number in 0.. {
                let told = to.keep(sender, number, "x".repeat(SIZE));
                told.expect("there is room");
                time::sleep(each.unwrap_or(ms(1))).await;
            }
        };
        node.spawn_fn(body).expect("there is room");
    }
}

async fn figures(node: &Node) -> ChannelFigures {
    let peers = node.cluster().nodes().await.expect("it has a cluster");
    let all = peers.into_iter().flat_map(|peer| peer.channels);
    let mut wide = all.filter(|figures| figures.channel == "wide");
    wide.next().expect("it was used")
}

/// What the store saw is in the order of each sender, and nothing is missing: how many messages.
async fn check(node: &Node, senders: u32) -> usize {
    let seen = node.at(STORE).seen().await.expect("it is there");
    for sender in 0..senders {
        let numbers = seen.iter().filter(|it| it.0 == sender).map(|it| it.1);
        let count = numbers.clone().count() as u32;
        assert!(numbers.eq(0..count), "sender {sender} is out of order");
    }
    seen.len()
}

/// A way on which one connection carries a megabyte a second, and four carry four.
fn limits_each() -> Link {
    let link = Link::new(ms(1), ms(3), 0.0).and_then(|link| link.stream_rate(1_000_000));
    link.expect("there is such a link")
}

#[test]
fn lanes_are_opened_while_they_let_more_through() {
    simulate(3, |world| async move {
        let [a, b] = pair(&world, &Channel::named("wide"), limits_each()).await;
        send(&a, 8, None);
        world.advance(ms(20_000)).await;
        let figures = figures(&a).await;
        let all = u32::from(LANES_TUNED);
        assert_eq!((figures.lanes, figures.open), (all, all), "{figures:?}");
        let before = check(&b, 8).await;
        world.advance(ms(10_000)).await;
        let megabytes = (check(&b, 8).await - before) * SIZE / 1_000_000;
        assert!((35..=41).contains(&megabytes), "{megabytes} in ten seconds");
    });
}

#[test]
fn a_channel_of_one_lane_keeps_to_it() {
    simulate(1, |world| async move {
        let [a, b] = pair(&world, &Channel::named("wide").lanes(1), limits_each()).await;
        send(&a, 8, None);
        world.advance(ms(20_000)).await;
        assert_eq!(figures(&a).await.open, 1);
        let megabytes = check(&b, 8).await * SIZE / 1_000_000;
        assert!(megabytes <= 21, "{megabytes} in 20 seconds");
    });
}

#[test]
fn a_way_that_is_full_gets_no_more_lanes() {
    simulate(3, |world| async move {
        let link = Link::new(ms(1), ms(3), 0.0).and_then(|link| link.rate(1_000_000));
        let link = link.expect("there is such a link");
        let [a, b] = pair(&world, &Channel::named("wide"), link).await;
        send(&a, 8, None);
        let mut more = 0;
        for _ in 0..200 {
            world.advance(ms(1000)).await;
            more += u32::from(figures(&a).await.lanes > 1);
        }
        assert!((1..25).contains(&more), "{more} seconds of 200 with more");
        let megabytes = check(&b, 8).await * SIZE / 1_000_000;
        assert!(190 < megabytes, "{megabytes} in 200 seconds");
    });
}

#[test]
fn one_sender_and_little_traffic_need_one_lane() {
    for (senders, each) in [(1, None), (8, Some(ms(200)))] {
        simulate(1, |world| async move {
            let [a, b] = pair(&world, &Channel::named("wide"), limits_each()).await;
            send(&a, senders, each);
            world.advance(ms(30_000)).await;
            assert_eq!(figures(&a).await.open, 1, "{senders} senders");
            check(&b, senders).await;
        });
    }
}
