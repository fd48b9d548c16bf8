//! Do items flow no faster than they are wanted?
//!
//! Source     elixir: GenStage

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::prelude::*;
use foundation::stage::{Cancel, Ended, Overflow, PushError, Stage, Subscribe};
use foundation::time;
use futures::StreamExt;

use crate::support::{Death, LONG, Log, boom, inside};

/// Numbers from 0 on, and how many were made.
fn counted(made: &Arc<AtomicUsize>) -> impl Iterator<Item = usize> + Send + use<> {
    let made = Arc::clone(made);
    (0..).inspect(move |_| {
        made.fetch_add(1, Ordering::SeqCst);
    })
}

/// Nothing is made that was not asked for, and what was asked for arrives in order.
#[foundation::test]
async fn a_stage_makes_what_is_wanted(node: Node) {
    let made = Arc::new(AtomicUsize::new(0));
    let stage = Stage::from_iter(counted(&made))
        .start(&node)
        .await
        .expect("started");
    assert_eq!(made.load(Ordering::SeqCst), 0);
    let mut items = stage.subscribe(Subscribe::new().max_demand(10).min_demand(4));
    for expected in 0..50 {
        assert_eq!(items.next().await, Some(expected));
        let most = expected + 1 + 10;
        assert!(made.load(Ordering::SeqCst) <= most, "at {expected}");
    }
    let batch = items.next_batch().await.expect("endless");
    assert_eq!(batch[0], 50);
    assert!(batch.len() <= 10);
    drop(items);
    let mut one = stage.subscribe(Subscribe::new().max_demand(1));
    let next = one.next().await.expect("endless");
    let so_far = made.load(Ordering::SeqCst);
    assert_eq!(one.next().await, Some(next + 1));
    assert!(made.load(Ordering::SeqCst) <= so_far + 1, "one at a time");
}

/// The first batch is what was asked for, to the item: no more, and of an endless source no less.
#[foundation::test]
async fn a_batch_is_as_large_as_the_demand(node: Node) {
    for most in [1, 2, 10] {
        let made = Arc::new(AtomicUsize::new(0));
        let stage = Stage::from_iter(counted(&made));
        let stage = stage.start(&node).await.expect("started");
        let mut items = stage.subscribe(Subscribe::new().max_demand(most));
        let batch = items.next_batch().await.expect("endless");
        assert_eq!(batch.len(), most);
    }
}

/// Each item goes to one of several, none twice, and the end is told to each.
#[foundation::test]
async fn consumers_share_the_items(w: World) {
    let node = w.node();
    let stage = Stage::queue().start(&node).await.expect("started");
    let death = Death::of(&node, &stage).await;
    let mut tasks = Vec::new();
    for most in [1, 7, 30] {
        let mut items = stage.subscribe(Subscribe::new().max_demand(most));
        let read = async move {
            let mut got = Vec::new();
            while let Some(item) = items.next().await {
                got.push(item);
                time::yield_now().await;
            }
            assert_eq!(items.ended(), Some(&Ended::Done));
            got
        };
        tasks.push(Task::spawn_nolink(&node, read).expect("spawned"));
    }
    w.eventually(LONG, async || {
        stage.standing().await.expect("answers").subscribers == 3
    })
    .await;
    for item in 0..200_u32 {
        stage.push(item).await.expect("there is room");
    }
    stage.close();
    let mut all = Vec::new();
    for task in tasks {
        let got = task.await.expect("it ends");
        assert!(got.is_sorted(), "{got:?}");
        all.extend(got);
    }
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
    assert_eq!(death.reason().await, Reason::Normal);
}

struct Adder {
    sum: u64,
    seen: u64,
}

#[actor]
impl Adder {
    #[init]
    fn init(numbers: Ref<Stage<u64>>, cx: &mut Cx<Self>) -> Self {
        let items = numbers.subscribe(Subscribe::new().max_demand(5));
        cx.attach(items, AdderMsg::Add);
        Self { sum: 0, seen: 0 }
    }

    #[cast]
    fn add(&mut self, number: u64) {
        self.sum += number;
        self.seen += 1;
    }

    #[call]
    fn sum(&self) -> (u64, u64) {
        (self.sum, self.seen)
    }
}

/// An actor gets the items as messages of its own, and serves others between them.
#[foundation::test]
async fn an_actor_attaches_a_subscription(w: World) {
    let node = w.node();
    let stage = Stage::from_iter(1..=100_u64)
        .start(&node)
        .await
        .expect("started");
    let adder = node.start::<Adder>(stage).await.expect("started");
    w.eventually(LONG, async || adder.sum().await == Ok((5050, 100)))
        .await;
}

/// Every subscriber of a broadcast gets every item that it wants; one that ends holds nobody up.
#[foundation::test]
async fn a_broadcast_reaches_all(w: World) {
    let node = w.node();
    let stage = Stage::queue()
        .broadcast()
        .start(&node)
        .await
        .expect("started");
    let log = Log::default();
    let mut readers = Vec::new();
    for (name, odd_only) in [("all", false), ("odd", true)] {
        let (stage, log) = (stage.clone(), log.clone());
        let read = async move {
            let demand = Subscribe::new().max_demand(3);
            let mut items = stage.subscribe(match odd_only {
                true => demand.select(|item: &u32| item % 2 == 1),
                false => demand,
            });
            while let Some(item) = items.next().await {
                log.note(format!("{name} {item}"));
            }
        };
        readers.push(Task::spawn_nolink(&node, read).expect("spawned"));
    }
    let sleeper = {
        let stage = stage.clone();
        node.spawn_fn(move |_: Process<crate::support::Word>| async move {
            let mut items = stage.subscribe(Subscribe::new().max_demand(1));
            items.next().await;
            std::future::pending::<()>().await;
        })
    };
    let sleeper = sleeper.expect("spawned");
    let members = async |count| stage.standing().await.expect("answers").subscribers == count;
    w.eventually(LONG, async || members(3).await).await;
    for item in 1..=20_u32 {
        stage.push(item).await.expect("there is room");
    }
    // The sleeper has asked for one and then two, and holds the others up until it ends.
    assert!(log.count("all 20") == 0);
    node.exit(&sleeper, Reason::Kill);
    log.until(&w, "all 20").await;
    log.until(&w, "odd 19").await;
    stage.close();
    for reader in readers {
        reader.await.expect("the end is told");
    }
    let of = |name: &str| {
        let lines = log.all().into_iter();
        let of_name = lines.filter_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
        of_name
            .map(|item| item.parse().expect("a number"))
            .collect::<Vec<u32>>()
    };
    assert_eq!(of("all"), (1..=20).collect::<Vec<_>>());
    assert_eq!(of("odd"), (1..=20).step_by(2).collect::<Vec<_>>());
}

/// A subscription that is dropped at any moment holds nobody up.
#[foundation::test]
async fn a_dropped_subscription_is_gone(w: World) {
    let node = w.node();
    let stage = Stage::queue()
        .broadcast()
        .start(&node)
        .await
        .expect("started");
    // Never polled; polled once; joined and asking.
    drop(stage.subscribe(Subscribe::new()));
    let mut once = stage.subscribe(Subscribe::new());
    assert!(futures::poll!(std::pin::pin!(once.next())).is_pending());
    drop(once);
    let mut asking = stage.subscribe(Subscribe::new());
    {
        let mut next = std::pin::pin!(asking.next());
        assert!(futures::poll!(next.as_mut()).is_pending());
        w.eventually(LONG, async || {
            let _ = futures::poll!(next.as_mut());
            stage.standing().await.expect("answers").demand > 0
        })
        .await;
    }
    drop(asking);
    w.eventually(LONG, async || {
        stage.standing().await.expect("answers").subscribers == 0
    })
    .await;
    let mut items = stage.subscribe(Subscribe::new());
    let mut next = std::pin::pin!(items.next());
    assert!(futures::poll!(next.as_mut()).is_pending());
    w.eventually(LONG, async || {
        let _ = futures::poll!(next.as_mut());
        stage.standing().await.expect("answers").demand > 0
    })
    .await;
    stage.push(7_u8).await.expect("there is room");
    assert_eq!(next.await, Some(7));
}

/// An item goes to the one whose partition it is.
#[foundation::test]
async fn partitions_keep_apart(node: Node) {
    let stage = Stage::from_iter(0..60_u64).partition(3, |item| *item);
    let stage = stage.start(&node).await.expect("started");
    let mut tasks = Vec::new();
    for part in 0..3 {
        let items = stage.subscribe(Subscribe::new().max_demand(4).partition(part));
        tasks.push(Task::spawn_nolink(&node, items.collect::<Vec<u64>>()).expect("spawned"));
    }
    for (part, task) in tasks.into_iter().enumerate() {
        let expected = (0..60).filter(|item| item % 3 == part as u64);
        assert_eq!(task.await, Ok(expected.collect()));
    }
}

/// Pushers wait for room; what they had brought in time arrives, in their order.
#[foundation::test]
async fn pushers_are_held_back(w: World) {
    let node = w.node();
    let stage = Stage::queue()
        .buffer(8)
        .start(&node)
        .await
        .expect("started");
    let mut pushers = Vec::new();
    for pusher in 0..10_u32 {
        let stage = stage.clone();
        let push = async move {
            for nth in 0..50_u32 {
                let pushed = stage.push_all(vec![(pusher, nth)], LONG).await;
                pushed.expect("there will be room");
            }
        };
        pushers.push(Task::spawn_nolink(&node, push).expect("spawned"));
    }
    let watched = stage.clone();
    let read = async move {
        let mut items = watched.subscribe(Subscribe::new().max_demand(3));
        let (mut next, mut most) = ([0_u32; 10], 0);
        for _ in 0..500 {
            let (pusher, nth) = items.next().await.expect("more is pushed");
            assert_eq!(next[pusher as usize], nth);
            next[pusher as usize] += 1;
            most = most.max(watched.standing().await.expect("answers").buffered);
        }
        most
    };
    let most = inside(&node, move |_| read).await;
    assert!(most <= 8, "{most} waited where there is room for 8");
    for pusher in pushers {
        pusher.await.expect("all was taken");
    }
}

/// A push that is not taken comes back, and says why.
#[foundation::test]
async fn a_push_that_is_not_taken_comes_back(node: Node) {
    let stage = Stage::queue().buffer(2).max_pushers(1).start(&node).await;
    let stage = stage.expect("started");
    stage
        .push_all(vec![1, 2], LONG)
        .await
        .expect("there is room");
    let timeout = stage.push_all(vec![3], ms(5)).await;
    assert_eq!(timeout, Err(PushError::Call(CallError::Timeout)));
    let full = stage.push_all(vec![4, 5], LONG).await;
    assert_eq!(full, Err(PushError::Full(vec![4, 5])));
    stage.close();
    let closed = stage.push(6).await;
    assert_eq!(closed, Err(PushError::Closed(vec![6])));
    // The push that timed out was in the queue all the same: it may still be taken, and is.
    let all: Vec<u32> = stage.subscribe(Subscribe::new()).collect().await;
    assert_eq!(all, [1, 2, 3]);
    node.down(&stage).await;
    let gone = stage.push(7).await;
    assert_eq!(gone, Err(PushError::Call(CallError::NoProc)));
    // Nothing is held back where the oldest give way.
    let stage = Stage::queue().buffer(2).overflow(Overflow::KeepLast);
    let stage = stage.start(&node).await.expect("started");
    for item in 0..5 {
        stage.push(item).await.expect("always room");
    }
    assert_eq!(stage.standing().await.expect("answers").dropped, 3);
    stage.close();
    let kept: Vec<u32> = stage.subscribe(Subscribe::new()).collect().await;
    assert_eq!(kept, [3, 4]);
}

/// A stage in the middle consumes one and produces for others; demand goes through it.
#[foundation::test]
async fn a_stage_in_the_middle(node: Node) {
    let made = Arc::new(AtomicUsize::new(0));
    let numbers = Stage::from_iter(counted(&made))
        .start(&node)
        .await
        .expect("started");
    let even = numbers.subscribe(Subscribe::new().max_demand(10));
    let even = even.filter(|number| std::future::ready(number % 2 == 0));
    let even = Stage::from_stream(even)
        .start(&node)
        .await
        .expect("started");
    let mut items = even.subscribe(Subscribe::new().max_demand(5));
    for expected in (0..60).step_by(2) {
        assert_eq!(items.next().await, Some(expected));
    }
    assert!(made.load(Ordering::SeqCst) <= 60 + 2 * 5 + 10 + 2);
    // It ends with what it consumes, and so do those behind it.
    node.exit(&numbers, boom());
    let mut rest = 0;
    inside(&node, move |_| async move {
        let mut items = even.subscribe(Subscribe::new().cancel(Cancel::Temporary));
        while items.next().await.is_some() {
            rest += 1;
        }
        assert!(rest < 30);
        let why = items.ended().cloned();
        // The one in the middle may have asked for more just before, or just after.
        let ends = [boom(), Reason::NoProc].map(Ended::Down);
        let gone = Ended::Failed(CallError::NoProc);
        let gone = why
            .as_ref()
            .is_some_and(|why| ends.contains(why) || *why == gone);
        assert!(gone, "{why:?}");
    })
    .await;
}
