//! Do channels do what they promise?
//!
//! Role       Whole nodes over a simulated network: order, isolation, refusals, the newest that wins,
//!            times that run out, credit, compression and priorities, each on a way where it matters.

mod common;
#[path = "common/store.rs"]
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foundation_actors::{NodeExt, Ref};
use foundation_cluster::channel::{Channel, ChannelFigures};
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{Builder, NodeClusterExt, WorldClusterExt};
use foundation_runtime::{
    CallError, Mail, NoChannel, Node, Priority, Reason, SendError, SendOptions, World, promise,
    time,
};

use common::simulate;
use store::{STORE, Store};

const MINUTE: Duration = Duration::from_secs(60);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two nodes with these channels, and a store on the second.
async fn pair(world: &World, channels: &[Channel]) -> [Node; 2] {
    pair_with(world, channels, channels, Store::default()).await
}

async fn pair_with(world: &World, a: &[Channel], b: &[Channel], store: Store) -> [Node; 2] {
    let start = async |name: &str, channels: &[Channel]| {
        let builder = Builder::new(Node::builder().name(name)).seed("a:7000");
        let builder = channels.iter().cloned().fold(builder, Builder::channel);
        builder
            .start_in(world, &world.network())
            .await
            .expect("it starts")
    };
    let nodes = [start("a", a).await, start("b", b).await];
    let together = async || nodes[0].peer("b").is_some() && nodes[1].peer("a").is_some();
    world.eventually(MINUTE, together).await;
    let store = nodes[1].spawn(store).expect("there is room");
    nodes[1].register("store", store.pid()).expect("it is free");
    nodes
}

fn store_at(node: &Node, options: impl Into<SendOptions>) -> Ref<Store> {
    let store = node.remote("b").at(STORE);
    store.over(options).expect("there is such a channel")
}

async fn figures(node: &Node, channel: &str) -> ChannelFigures {
    let peers = node.cluster().nodes().await.expect("it has a cluster");
    let all = peers.into_iter().flat_map(|peer| peer.channels);
    let mut found = all.filter(|figures| &*figures.channel == channel);
    found
        .next()
        .unwrap_or_else(|| panic!("{channel} was not used"))
}

/// Tells the store so many, from a process of its own.
fn tell(node: &Node, to: Ref<Store>, sender: u32, count: u32, size: usize) {
    let body = async move |_: foundation_runtime::Process<Nothing>| {
        for number in 0..count {
            to.keep(sender, number, "reading ".repeat(size / 8))
                .expect("there is room");
            if number % 8 == 7 {
                time::sleep(ms(1)).await;
            }
        }
    };
    node.spawn_fn(body).expect("there is room");
}

#[derive(Debug, foundation_macros::Message)]
#[message(local, crate = foundation_actors)]
enum Nothing {}

async fn until_seen(world: &World, store: &Ref<Store>, count: usize) -> Vec<(u32, u32)> {
    let all = async || store.seen().await.is_ok_and(|seen| seen.len() >= count);
    world.eventually(10 * MINUTE, all).await;
    store.seen().await.expect("it is there")
}

#[test]
fn a_pair_keeps_its_order_on_lanes_of_any_speed() {
    simulate(8, |world| async move {
        let [a, b] = pair(&world, &[Channel::named("wide").lanes(4)]).await;
        let link = Link::new(ms(1), ms(40), 0.05).expect("there is such a link");
        world.network().set_link("a", "b", link);
        for sender in 0..6 {
            let size = if sender == 5 { 200_000 } else { 80 };
            tell(&a, store_at(&a, "wide"), sender, 40, size);
        }
        let seen = until_seen(&world, &b.at(STORE), 240).await;
        for sender in 0..6 {
            let numbers = seen.iter().filter(|it| it.0 == sender).map(|it| it.1);
            assert!(numbers.eq(0..40), "sender {sender} is out of order");
        }
        let figures = figures(&a, "wide").await;
        assert!(figures.open > 1, "one lane for all");
        assert_eq!((figures.messages, figures.queued), (240, 0));
    });
}

/// Who leaves in order leaves nothing behind that was sent before.
#[test]
fn who_leaves_waits_for_what_lanes_hold() {
    simulate(6, |world| async move {
        let [a, b] = pair(&world, &[Channel::named("wide").lanes(4)]).await;
        let link = Link::new(ms(1), ms(40), 0.05).expect("there is such a link");
        world.network().set_link("a", "b", link);
        for sender in 0..6 {
            tell(&a, store_at(&a, "wide"), sender, 40, 2_000);
        }
        world.advance(ms(20)).await;
        assert!(0 < figures(&a, "wide").await.queued, "there is something");
        a.cluster().leave(10 * MINUTE).await.expect("it is in one");
        let seen = b.at(STORE).seen().await.expect("it is there");
        assert_eq!(seen.len(), 240);
    });
    // Where nothing gets through, it leaves in time all the same.
    simulate(3, |world| async move {
        let [a, _b] = pair(&world, &[Channel::named("wide").lanes(4)]).await;
        world.network().partition("a", "b");
        tell(&a, store_at(&a, "wide"), 1, 40, 2_000);
        world.advance(ms(20)).await;
        let begun = world.now();
        a.cluster().leave(ms(2_000)).await.expect("it is in one");
        assert!(world.now() - begun <= ms(2_100), "it has a bound");
    });
}

#[test]
fn one_key_keeps_its_order_whoever_sends() {
    simulate(4, |world| async move {
        let [a, b] = pair(&world, &[Channel::named("wide").lanes(8)]).await;
        for number in 0..60 {
            let to = store_at(&a, SendOptions::channel("wide").key("all of them"));
            let body = async move |_: foundation_runtime::Process<Nothing>| {
                to.keep(0, number, String::new()).expect("there is room");
            };
            a.spawn_fn(body).expect("there is room");
            world.advance(ms(1)).await;
        }
        let seen = until_seen(&world, &b.at(STORE), 60).await;
        assert!(seen.iter().map(|it| it.1).eq(0..60), "{seen:?}");
        assert_eq!(figures(&a, "wide").await.open, 1);
    });
}

#[test]
fn a_channel_that_a_node_lacks_is_an_error_and_never_another() {
    simulate(2, |world| async move {
        let [a, b] = pair_with(&world, &[Channel::named("mine")], &[], Store::default()).await;
        let missing = a
            .remote("b")
            .at(STORE)
            .over("yours")
            .expect_err("no such channel");
        let known = ["data", "coordination", "gossip", "events", "mine"].map(Arc::from);
        let error = NoChannel {
            name: "yours".into(),
            known: known.to_vec(),
        };
        assert_eq!(missing, error);
        let far = store_at(&a, "mine");
        // Of the first nobody knows yet that the other node has no such channel.
        assert_eq!(far.keep(0, 0, String::new()), Ok(()));
        let asked = far.echo("x".into()).await;
        assert_eq!(asked, Err(CallError::NoChannel("mine".into())));
        let told = far.keep(0, 1, String::new());
        assert_eq!(told, Err(SendError::NoChannel("mine".into())));
        assert_eq!(b.at(STORE).seen().await, Ok(Vec::new()));
        assert_eq!(figures(&a, "mine").await.unsent, 2);
        // The connection itself is as it was.
        let usual = a.remote("b").at(STORE);
        assert_eq!(usual.echo("x".into()).await, Ok("x".into()));
    });
}

#[test]
fn a_call_and_its_answer_go_over_the_channel() {
    simulate(2, |world| async move {
        let [a, b] = pair(&world, &[]).await;
        let far = store_at(&a, "coordination");
        for _ in 0..10 {
            assert_eq!(far.echo("x".repeat(100)).await, Ok("x".repeat(100)));
        }
        let (there, back) = (
            figures(&a, "coordination").await,
            figures(&b, "coordination").await,
        );
        assert_eq!((there.messages, back.messages), (10, 10));
        assert!(1000 < back.bytes && there.bytes == there.wire_bytes);
    });
}

/// A way on which 1 MB passes in a second.
fn narrow(world: &World) {
    let link = Link::new(ms(1), ms(1), 0.0).and_then(|link| link.rate(1_000_000));
    let link = link.expect("there is such a link");
    world.network().set_link("a", "b", link);
}

#[test]
fn the_newest_wins_on_a_monotonic_channel() {
    simulate(4, |world| async move {
        let [a, b] = pair(&world, &[Channel::named("state").monotonic()]).await;
        narrow(&world);
        // Two seconds of states in a tenth of it, of two senders and for one key.
        for sender in 0..2 {
            tell(&a, store_at(&a, "state"), sender, 800, 1000);
        }
        let keyed = store_at(&a, SendOptions::channel("state").key(7));
        tell(&a, keyed, 2, 400, 1000);
        let last = async || {
            let seen = b.at(STORE).seen().await.expect("it is there");
            [(0, 799), (1, 799), (2, 399)]
                .iter()
                .all(|last| seen.contains(last))
        };
        world.eventually(MINUTE, last).await;
        let seen = b.at(STORE).seen().await.expect("it is there");
        let figures = figures(&a, "state").await;
        assert!(figures.superseded > 500, "{figures:?}");
        assert_eq!(seen.len() as u64 + figures.superseded, 2000, "{figures:?}");
        for sender in 0..3 {
            let numbers: Vec<u32> = seen
                .iter()
                .filter(|it| it.0 == sender)
                .map(|it| it.1)
                .collect();
            assert!(numbers.is_sorted(), "it went back: {numbers:?}");
        }
    });
}

#[test]
fn what_has_waited_too_long_is_not_sent() {
    simulate(2, |world| async move {
        let [a, b] = pair(&world, &[]).await;
        let soon = SendOptions::channel("gossip").within(ms(200));
        let far = store_at(&a, soon);
        assert_eq!(far.echo("x".into()).await, Ok("x".into()));
        narrow(&world);
        // Two seconds of it at once: what is behind the first of it is of no use when it could go.
        tell(&a, far.clone(), 0, 200, 10_000);
        world.advance(ms(100)).await;
        let begun = world.now();
        let asked = far.echo("y".into()).timeout(MINUTE).await;
        assert_eq!(asked, Err(CallError::Timeout));
        assert!(
            world.now() - begun < ms(5000),
            "the caller is told when it is known"
        );
        world.advance(ms(20_000)).await;
        let seen = b.at(STORE).seen().await.expect("it is there");
        let figures = figures(&a, "gossip").await;
        assert!(figures.expired > 20, "{figures:?}");
        assert_eq!(seen.len() as u64 + figures.expired, 201, "{figures:?}");
        assert!(seen.len() > 20, "{}", seen.len());
    });
}

#[test]
fn credit_holds_a_sender_to_the_pace_of_its_receiver() {
    for (credit, bound) in [(None, 1000), (Some(20_000), 45)] {
        simulate(2, |world| async move {
            let mut channel = Channel::named("paced");
            if let Some(bytes) = credit {
                channel = channel.credit(bytes);
            }
            let most_waiting = Arc::new(AtomicU64::new(0));
            let slow = Store {
                pace: ms(2),
                most_waiting: Arc::clone(&most_waiting),
                ..Store::default()
            };
            let channels = [channel];
            let [a, b] = pair_with(&world, &channels, &channels, slow).await;
            tell(&a, store_at(&a, "paced"), 0, 1000, 1000);
            until_seen(&world, &b.at(STORE), 1000).await;
            let most = most_waiting.load(Ordering::Relaxed);
            match credit {
                // As between processes of one node, a mailbox takes what comes.
                None => assert!(500 < most, "{most} waited"),
                Some(_) => assert!(most < bound, "{most} waited, {bound} may"),
            }
            let held = figures(&a, "paced").await.held;
            assert_eq!(held > 0, credit.is_some(), "{held}");
        });
    }
}

#[test]
fn what_is_compressed_takes_less_of_a_narrow_way() {
    simulate(1, |world| async move {
        let channels = [
            Channel::named("small").compressed(),
            Channel::named("plain"),
        ];
        let [a, b] = pair(&world, &channels).await;
        narrow(&world);
        let mut took = Vec::new();
        for (turn, channel) in ["plain", "small"].into_iter().enumerate() {
            let begun = world.now();
            tell(&a, store_at(&a, channel), turn as u32, 500, 2000);
            until_seen(&world, &b.at(STORE), 500 * (turn + 1)).await;
            took.push(world.now() - begun);
        }
        let (plain, small) = (figures(&a, "plain").await, figures(&a, "small").await);
        assert_eq!(plain.wire_bytes, plain.bytes);
        assert!(small.wire_bytes * 4 < small.bytes, "{small:?}");
        assert!(took[1] * 10 < took[0] * 6, "{took:?}");
    });
}

#[test]
fn calls_of_high_priority_pass_what_is_of_low() {
    for (bulk, bound) in [(Priority::High, None), (Priority::Low, Some(ms(200)))] {
        simulate(2, |world| async move {
            let channels = [Channel::named("bulk").priority(bulk)];
            let [a, b] = pair(&world, &channels).await;
            narrow(&world);
            let far = store_at(&a, "coordination");
            assert_eq!(far.echo("x".into()).await, Ok("x".into()));
            // Ten seconds of it.
            for sender in 0..4 {
                tell(&a, store_at(&a, "bulk"), sender, 250, 10_000);
            }
            world.advance(ms(1500)).await;
            let mut longest = Duration::ZERO;
            for _ in 0..20 {
                let begun = world.now();
                assert_eq!(far.echo("x".into()).timeout(MINUTE).await, Ok("x".into()));
                longest = longest.max(world.now() - begun);
                world.advance(ms(50)).await;
            }
            if let Some(bound) = bound {
                assert!(longest < bound, "{longest:?}");
                // It is not starved, either.
                let seen = b.at(STORE).seen().await.expect("it is there");
                assert!(seen.len() > 100, "{}", seen.len());
            } else {
                assert!(ms(200) < longest, "{longest:?}: the way is not busy");
            }
        });
    }
}

/// Sends so many, one each few milliseconds, while connections come and go.
async fn over_losses(world: &World, [a, b]: &[Node; 2], options: SendOptions) -> Vec<(u32, u32)> {
    for sender in 0..3 {
        let to = store_at(a, options.clone());
        let body = async move |_: foundation_runtime::Process<Nothing>| {
            for number in 0..100 {
                let size = if number % 20 == 7 { 150_000 } else { 50 };
                let told = to.keep(sender, number, "x".repeat(size));
                assert_eq!(told, Ok(()), "sender {sender}, {number}");
                time::sleep(ms(40)).await;
            }
        };
        a.spawn_fn(body).expect("there is room");
    }
    for _ in 0..6 {
        world.advance(ms(200 + world.node().random() % 400)).await;
        world.network().reset("a", "b");
    }
    let together = async || a.peer("b").is_some() && b.peer("a").is_some();
    world.eventually(MINUTE, together).await;
    world.advance(ms(8_000)).await;
    b.at(STORE).seen().await.expect("it is there")
}

#[test]
fn what_is_to_be_acknowledged_comes_once_over_lost_connections() {
    let lost = AtomicU64::new(0);
    simulate(6, |world| {
        let lost = &lost;
        async move {
            let nodes = pair(&world, &[Channel::named("sure").lanes(2)]).await;
            let plain = over_losses(&world, &nodes, "sure".into()).await;
            lost.fetch_add(300 - plain.len() as u64, Ordering::Relaxed);
        }
    });
    assert!(lost.into_inner() > 0, "nothing is ever lost on the way");
    simulate(6, |world| async move {
        let nodes = pair(&world, &[Channel::named("sure").lanes(2)]).await;
        let sure = SendOptions::channel("sure").acknowledged();
        let seen = over_losses(&world, &nodes, sure).await;
        for sender in 0..3 {
            let numbers: Vec<u32> = seen
                .iter()
                .filter(|it| it.0 == sender)
                .map(|it| it.1)
                .collect();
            assert!(
                numbers.iter().copied().eq(0..100),
                "sender {sender}: {numbers:?}"
            );
        }
        let figures = figures(&nodes[0], "sure").await;
        assert_eq!((figures.unheard, figures.unacknowledged), (0, 0));
    });
}

#[test]
fn what_is_kept_goes_to_no_other_incarnation() {
    simulate(3, |world| async move {
        let [a, b] = pair(&world, &[]).await;
        let sure = store_at(&a, SendOptions::channel("events").acknowledged());
        assert_eq!(sure.keep(0, 0, String::new()), Ok(()));
        world.advance(ms(1000)).await;
        assert_eq!(b.at(STORE).seen().await, Ok(vec![(0, 0)]));
        world.crash(&b);
        world
            .eventually(MINUTE, async || a.peer("b").is_none())
            .await;
        assert_eq!(sure.keep(0, 1, String::new()), Ok(()), "it may come back");
        let app = async |node: &Node| {
            let store = node.spawn(Store::default()).expect("there is room");
            node.register("store", store.pid()).expect("it is free");
        };
        let again = Builder::new(Node::builder().name("b")).seed("a:7000");
        let again = again
            .start_in(&world, &world.network())
            .await
            .expect("it starts");
        app(&again).await;
        world
            .eventually(MINUTE, async || a.peer("b") == Some(again.id()))
            .await;
        assert_eq!(sure.keep(0, 2, String::new()), Ok(()));
        world.advance(ms(5000)).await;
        assert_eq!(again.at(STORE).seen().await, Ok(vec![(0, 2)]));
    });
}

#[test]
fn a_lost_lane_is_the_loss_of_the_node_and_all_begins_again() {
    simulate(4, |world| async move {
        let [a, b] = pair(&world, &[]).await;
        let far = store_at(&a, "coordination");
        let there = b.at(STORE).pid();
        let (watching, watched) = promise(&a);
        let watch = async move |mut me: foundation_runtime::Process<Nothing>| {
            let watch = me.monitor(there);
            if let Mail::Down(down) = me.recv().await {
                assert_eq!(down.monitor, watch);
                watching.send(down.reason);
            }
        };
        a.spawn_fn(watch).expect("there is room");
        assert_eq!(far.echo("x".into()).await, Ok("x".into()));
        narrow(&world);
        let (asking, asked) = promise(&a);
        let call = far.clone();
        let ask = async move |_: foundation_runtime::Process<Nothing>| {
            let answer = call.echo("z".repeat(2_000_000)).timeout(MINUTE).await;
            asking.send(answer.map(|text| text.len()));
        };
        a.spawn_fn(ask).expect("there is room");
        world.advance(ms(1)).await;
        // The newest is a lane; the connection of the two nodes is as it was.
        world.network().reset_last("a", "b");
        assert_eq!(
            asked.timeout(ms(1000)).await,
            Ok(Err(CallError::NoConnection))
        );
        assert_eq!(watched.timeout(ms(1000)).await, Ok(Reason::NoConnection));
        let again = async || far.echo("y".into()).timeout(ms(500)).await == Ok("y".into());
        world.eventually(MINUTE, again).await;
    });
}
