//! How much of a narrow way is used for something?
//!
//! Role       Two whole nodes over a way of 1 MB/s, of which twice as much is wanted: readings that are worth something
//!            for half a second, a copy that is worth what has come of it, and calls that wait for a quarter of a
//!            second. Once all of it goes as messages go that name no channel, and once each over its own.
//! Sabotages  Seen red: readings that do not take each other's place; a copy with the priority of readings; calls over
//!            the channel of the copy.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foundation_actors::{Name, NodeExt, Ref};
use foundation_cluster::channel::Channel;
use foundation_cluster::transport::simulated::Link;
use foundation_cluster::{Builder, WorldClusterExt};
use foundation_macros::{Message, actor};
use foundation_runtime::{Node, Priority, Process, SendOptions, World};

use common::simulate;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const RATE: u64 = 1_000_000;
const RUN: Duration = Duration::from_secs(20);
const GAUGES: u64 = 20;
const READING_BYTES: usize = 10_000;
const FRESH: Duration = ms(500);
const PIECE_BYTES: usize = 50_000;
const ANSWERED: Duration = ms(250);

#[derive(Debug, Message)]
#[message(local, crate = foundation_actors)]
enum Nothing {}

/// What has come.
#[derive(Clone, Default)]
struct Figures {
    /// Bytes of readings that came in time, and of the copy.
    fresh: Arc<AtomicU64>,
    copied: Arc<AtomicU64>,
    /// Calls that were answered in time, and all.
    answered: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
}

impl Figures {
    fn shares(&self) -> (f64, f64, f64) {
        let of = |figure: &AtomicU64| figure.load(Ordering::Relaxed) as f64;
        let all = RATE as f64 * RUN.as_secs_f64();
        let answered = of(&self.answered) / of(&self.calls);
        (of(&self.fresh) / all, of(&self.copied) / all, answered)
    }
}

/// Takes all of it.
struct Yard(Figures);

const YARD: Name<Yard> = Name::new("yard");

#[actor(crate = foundation_actors)]
impl Yard {
    #[init]
    fn init(figures: Figures) -> Self {
        Self(figures)
    }

    #[cast]
    fn reading(&mut self, made: Duration, text: String) {
        let node = foundation_runtime::me().expect("it is a process").node();
        if node.now().saturating_sub(made) <= FRESH {
            let bytes = text.len() as u64;
            self.0.fresh.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    #[cast]
    fn piece(&mut self, text: String) {
        let bytes = text.len() as u64;
        self.0.copied.fetch_add(bytes, Ordering::Relaxed);
    }

    #[call]
    fn ask(&self) {}
}

/// How each of the three goes.
struct Plan {
    readings: fn(u64) -> SendOptions,
    copy: SendOptions,
    calls: SendOptions,
}

async fn start(world: &World, name: &str) -> Node {
    let builder = Builder::new(Node::builder().name(name)).seed("a:7000");
    let builder = builder
        .channel(Channel::named("readings").monotonic())
        .channel(Channel::named("copies").priority(Priority::Low));
    let started = builder.start_in(world, &world.network()).await;
    started.expect("it starts")
}

async fn run(world: World, plan: Plan) -> Figures {
    let [a, b] = [start(&world, "a").await, start(&world, "b").await];
    let together = async || a.peer("b").is_some() && b.peer("a").is_some();
    world.eventually(ms(60_000), together).await;
    assert_eq!(a.now(), b.now(), "the age of a reading is by one clock");
    let figures = Figures::default();
    let yard = b.start::<Yard>(figures.clone()).await.expect("it starts");
    b.register(YARD.as_str(), yard.pid()).expect("it is free");
    let link = Link::new(ms(2), ms(5), 0.0).and_then(|link| link.rate(RATE));
    let link = link.expect("there is such a link");
    world.network().set_link("a", "b", link);
    let over = |options: SendOptions| -> Ref<Yard> {
        let yard = a.remote("b").at(YARD);
        yard.over(options).expect("there is such a channel")
    };
    for gauge in 0..GAUGES {
        let yard = over((plan.readings)(gauge));
        let body = async move |me: Process<Nothing>| loop {
            // Who is late says so by its time.
            let text = "r".repeat(READING_BYTES);
            let _ = yard.reading(me.node().now(), text);
            me.node().sleep(ms(100)).await;
        };
        a.spawn_fn(body).expect("there is room");
    }
    let yard = over(plan.copy);
    let copy = async move |me: Process<Nothing>| loop {
        let _ = yard.piece("p".repeat(PIECE_BYTES));
        me.node().sleep(ms(1)).await;
    };
    a.spawn_fn(copy).expect("there is room");
    let (yard, noted) = (over(plan.calls), figures.clone());
    let calls = async move |me: Process<Nothing>| loop {
        let answer = yard.ask().timeout(ANSWERED).await;
        noted.calls.fetch_add(1, Ordering::Relaxed);
        noted
            .answered
            .fetch_add(answer.is_ok().into(), Ordering::Relaxed);
        me.node().sleep(ms(100)).await;
    };
    a.spawn_fn(calls).expect("there is room");
    world.advance(RUN).await;
    figures
}

/// The shares of several seeds: of fresh readings, of the copy, and of calls that were answered in time.
fn shares(plan: fn() -> Plan) -> Vec<(f64, f64, f64)> {
    let shares = std::cell::RefCell::new(Vec::new());
    simulate(3, async |world| {
        let figures = run(world, plan()).await;
        shares.borrow_mut().push(figures.shares());
    });
    shares.into_inner()
}

#[test]
fn channels_make_more_of_a_narrow_way() {
    let one = shares(|| Plan {
        readings: |_| SendOptions::channel("data"),
        copy: SendOptions::channel("data"),
        calls: SendOptions::channel("data"),
    });
    let each = shares(|| Plan {
        readings: |gauge| SendOptions::channel("readings").key(gauge).within(FRESH),
        copy: SendOptions::channel("copies"),
        calls: SendOptions::channel("coordination"),
    });
    for (one, each) in one.iter().zip(&each) {
        let (before, after) = (one.0 + one.1, each.0 + each.1);
        assert!(before * 1.4 < after, "used are {one:?} and then {each:?}");
        assert!(0.4 < each.0, "few readings came in time: {each:?}");
        assert!(one.2 < 0.1 && 0.8 < each.2, "calls: {one:?}, {each:?}");
    }
}
