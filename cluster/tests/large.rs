//! Do large messages stay out of everybody's way, and in order?
//!
//! Role       Whole nodes over a simulated network: large and small messages of several senders keep
//!            each sender's order, over a lost and renewed connection too; and small calls pass
//!            while large messages are on their way.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{NodeClusterExt, WorldClusterExt, desk};
use foundation_runtime::{Mail, Node, Pid, Process, Reason, SpawnOptions, promise};

use common::simulate;

const MINUTE: Duration = Duration::from_secs(60);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Debug, serde::Serialize, serde::Deserialize, foundation_macros::Message)]
#[message(crate = foundation_actors)]
struct Load {
    sender: u8,
    number: u32,
    text: String,
}

#[derive(Debug, foundation_macros::Message)]
#[message(local, crate = foundation_actors)]
enum Nothing {}

async fn app(_: &Node) {}

/// How large the message of this number is: one in seven is.
fn size(number: u32) -> usize {
    match number % 7 {
        3 => 150_000 + number as usize,
        _ => number as usize % 100,
    }
}

fn text(sender: u8, size: usize) -> String {
    char::from(b'a' + sender).to_string().repeat(size)
}

/// Sends so many, with a rest now and then.
async fn send(me: Process<Nothing>, to: Pid, sender: u8, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let text = text(sender, size(number));
        let load = Load {
            sender,
            number,
            text,
        };
        // While the nodes are not connected it goes nowhere.
        let _ = me.send(to, load);
        if number % 5 == 0 {
            foundation_runtime::time::sleep(ms(3)).await;
        }
    }
}

/// Counts what comes of each sender until it has seen this number of all; none may come twice or
/// after a later one.
async fn receive(mut me: Process<Load>, senders: u8, last: u32) -> BTreeMap<u8, (u32, u32)> {
    let mut seen: BTreeMap<u8, (u32, u32)> = BTreeMap::new();
    while seen.len() < usize::from(senders) || seen.values().any(|(_, at)| *at != last) {
        let Mail::Msg(load) = me.recv().await else {
            continue;
        };
        assert!(
            load.text == text(load.sender, size(load.number)),
            "it is torn"
        );
        let (count, at) = seen.entry(load.sender).or_insert((0, 0));
        assert!(
            *count == 0 || *at < load.number,
            "{} after {at}",
            load.number
        );
        (*count, *at) = (*count + 1, load.number);
    }
    seen
}

#[test]
fn each_sender_keeps_its_order() {
    simulate(10, |world| async move {
        let [a, b] = world.nodes(["a", "b"], app).await;
        let link = Link::new(ms(1), ms(20), 0.02).expect("there is such a link");
        world.network().set_link("a", "b", link);
        let (tell, told) = promise(&b);
        let body = async |me| tell.send(receive(me, 4, 39).await);
        let there = b.spawn_fn(body).expect("there is room").pid();
        for sender in 0..4 {
            let body = move |me| send(me, there, sender, 0..40);
            a.spawn_fn(body).expect("there is room");
        }
        let seen = told.timeout(5 * MINUTE).await.expect("all comes");
        assert!(seen.values().all(|it| *it == (40, 39)), "{seen:?}");
    });
}

#[test]
fn nothing_of_a_lost_connection_comes_after_it() {
    simulate(20, |world| async move {
        let [a, b] = world.nodes(["a", "b"], app).await;
        let (tell, told) = promise(&b);
        let body = async |me| tell.send(receive(me, 3, 999).await);
        let there = b.spawn_fn(body).expect("there is room").pid();
        for sender in 0..3 {
            let body = move |me| send(me, there, sender, 0..100);
            a.spawn_fn(body).expect("there is room");
        }
        let cut = 20 + world.node().random() % 80;
        world.advance(ms(cut)).await;
        world.network().reset("a", "b");
        let again = async || a.peer("b").is_some() && b.peer("a").is_some();
        world.eventually(MINUTE, again).await;
        world.advance(ms(500)).await;
        for sender in 0..3 {
            let body = move |me| send(me, there, sender, 990..1000);
            a.spawn_fn(body).expect("there is room");
        }
        let seen = told.timeout(5 * MINUTE).await.expect("the last comes");
        assert!(
            seen.values().all(|(count, _)| (1..=110).contains(count)),
            "{seen:?}"
        );
    });
}

#[test]
fn small_messages_pass_large_ones() {
    simulate(5, |world| async move {
        let [a, b] = world.nodes(["a", "b"], app).await;
        let (tell, told) = promise(&b);
        let body = async |me| tell.send(receive(me, 1, 3).await);
        let there = b.spawn_fn(body).expect("there is room").pid();
        a.spawn_fn(move |me| send(me, there, 0, 0..4))
            .expect("there is room");
        // Nobody else waits for any of it.
        let topology = desk::topology(&a, ms(500)).await.expect("it has a cluster");
        assert_eq!(topology.missing, 0);
        told.timeout(MINUTE).await.expect("all comes");
    });
}

#[test]
fn nothing_comes_after_the_news_of_a_loss() {
    simulate(10, |world| async move {
        let [a, b] = world.nodes(["a", "b"], app).await;
        let (tell, told) = promise(&b);
        let watching = async move |mut me: Process<Load>| {
            let mut count = 0;
            let Mail::Msg(_) = me.recv().await else {
                return;
            };
            let sender = me.node().peer("a").expect("it has sent something");
            let watch = me.monitor_name_at(sender, "sender");
            let mut end = None;
            loop {
                let wait = foundation_runtime::time::timeout(ms(20_000), me.recv()).await;
                match wait {
                    Some(Mail::Msg(_)) => {
                        assert_eq!(end, None, "a message came after the news");
                        count += 1;
                    }
                    Some(Mail::Down(down)) if down.monitor == watch => end = Some(down.reason),
                    Some(_) => {}
                    None => break,
                }
            }
            tell.send((count, end));
        };
        let there = b.spawn_fn(watching).expect("there is room").pid();
        let body = move |me| send(me, there, 0, 0..400);
        let options = SpawnOptions::new().name("sender");
        a.spawn_fn_with(&options, body).expect("there is room");
        let link = Link::new(ms(50), ms(100), 0.0).expect("there is such a link");
        world.network().set_link("a", "b", link);
        world.advance(ms(600 + world.node().random() % 200)).await;
        b.cluster().evict("a").await.expect("it is connected");
        let (count, end) = told.timeout(5 * MINUTE).await.expect("it ends");
        assert_eq!(end, Some(Reason::NoConnection));
        assert!(0 < count && count < 399, "{count} came");
    });
}
