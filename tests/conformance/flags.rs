//! Flags and the dictionary: where messages are counted, priorities, trapping, values that die with
//! their process (B062-B067).
//!
//! Source     otp: erlang:process_flag/2, erlang:put/2

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{BadOption, Priority, ProcessRef, QueueData, time};

use crate::support::{LONG, Note, Puppet, run, times};

#[foundation::test]
async fn b062_the_flag_returns_what_it_was_and_the_queue_keeps_its_order(node: Node) {
    let options = SpawnOptions::new().message_queue_data(QueueData::OffHeap);
    let started = options.clone().with("message_queue_data=off_heap");
    assert_eq!(started, Ok(options.clone()));
    let (done, seen) = foundation::promise(&node);
    let body = move |mut me: Process<Note>| async move {
        let own = me.address();
        assert_eq!(me.info().message_queue_data, QueueData::OffHeap);
        for n in 0..3 {
            own.send(Note(n)).expect("local");
        }
        let was = me.message_queue_data(QueueData::OnHeap);
        own.send(Note(3)).expect("local");
        let last = me.message_queue_data(QueueData::OffHeap);
        let mut order = Vec::new();
        while order.len() < 4 {
            if let Mail::Msg(Note(n)) = me.recv().await {
                order.push(n);
            }
        }
        done.send((was, last, me.info().message_queue_data, order));
    };
    node.spawn_fn_with(&options, body).expect("spawned");
    let (off, on) = (QueueData::OffHeap, QueueData::OnHeap);
    let seen = seen.timeout(LONG).await.expect("it answers");
    assert_eq!(seen, (off, on, off, vec![0, 1, 2, 3]));
}

#[foundation::test]
async fn b063_a_bad_value_is_refused(node: Node) {
    let bad = |text: &str| {
        let refused = SpawnOptions::new().with(text);
        assert_eq!(refused, Err(BadOption(text.into())));
    };
    bad("message_queue_data=maybe");
    bad("message_queue_data");
    bad("mailbox=0:reject");
    bad("mailbox=10:panic");
    let kept = node.spawn_fn(|me: Process<Note>| async move {
        assert_eq!(me.info().message_queue_data, QueueData::OnHeap);
    });
    let kept = kept.expect("spawned");
    assert!(matches!(
        node.down(kept).await.reason,
        Reason::Normal | Reason::NoProc
    ));
}

/// Processes that take turns for ever, and how many they took together.
#[derive(Clone, Default)]
struct Turns {
    count: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Turns {
    fn get(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    fn start(&self, node: &Node, priority: Priority, processes: usize) {
        let options = SpawnOptions::new().priority(priority);
        for _ in 0..processes {
            let turns = self.clone();
            let body = move |_: Process<Note>| async move {
                while !turns.stop.load(Ordering::SeqCst) {
                    turns.count.fetch_add(1, Ordering::SeqCst);
                    time::yield_now().await;
                }
            };
            node.spawn_fn_with(&options, body).expect("spawned");
        }
    }

    /// Waits without letting time pass, which stands still in a simulation while anybody can run.
    async fn reach(&self, count: u64) {
        while self.get() < count {
            time::yield_now().await;
        }
    }
}

/// B065: beside busy normal processes, low ones make progress: about every eighth turn.
#[foundation::test]
async fn b065_low_makes_progress_beside_normal(w: World) {
    let node = w.node();
    let (low, normal) = (Turns::default(), Turns::default());
    let enough = times(&w, 20_000, 800);
    let (at, seen) = (normal.clone(), low.clone());
    let judge = node.spawn_fn(move |_: Process<Note>| async move {
        while at.get() < enough {
            time::yield_now().await;
        }
        let turns = (seen.get(), at.get());
        at.stop.store(true, Ordering::SeqCst);
        seen.stop.store(true, Ordering::SeqCst);
        let (low, normal) = turns;
        assert!(low > normal / 100, "low: {low}, normal: {normal}");
        assert!(low < normal, "low: {low}, normal: {normal}");
    });
    let death = crate::support::Death::of(&node, judge.expect("spawned")).await;
    normal.start(&node, Priority::Normal, 4);
    low.start(&node, Priority::Low, 4);
    assert_eq!(death.reason().await, Reason::Normal);
}

/// Lets many of `upper` run while `lower` is busy: how many turns `lower` had meanwhile.
async fn starve(w: &World, upper: Priority, lower: Priority) -> u64 {
    const MANY: u64 = 32;
    let (node, turns) = (w.node(), Turns::default());
    let each = times(w, 500, 30);
    let (begun, first, last) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(0)),
    );
    let options = SpawnOptions::new().priority(upper);
    let mut all: Vec<ProcessRef<Note>> = Vec::new();
    for _ in 0..MANY {
        let (turns, begun) = (turns.clone(), Arc::clone(&begun));
        let (first, last) = (Arc::clone(&first), Arc::clone(&last));
        let body = move |mut me: Process<Note>| async move {
            me.recv().await;
            if begun.fetch_add(1, Ordering::SeqCst) + 1 == MANY {
                first.store(turns.get(), Ordering::SeqCst);
            }
            while begun.load(Ordering::SeqCst) < MANY {
                time::yield_now().await;
            }
            for _ in 0..each {
                time::yield_now().await;
            }
            let _ = last.compare_exchange(0, turns.get(), Ordering::SeqCst, Ordering::SeqCst);
        };
        all.push(node.spawn_fn_with(&options, body).expect("spawned").0);
    }
    turns.start(&node, lower, 8);
    turns.reach(20).await;
    for process in &all {
        process.send(Note(0)).expect("local");
    }
    for process in &all {
        node.down(process).await;
    }
    turns.reach(turns.get() + 20).await;
    turns.stop.store(true, Ordering::SeqCst);
    last.load(Ordering::SeqCst) - first.load(Ordering::SeqCst)
}

/// B066: while `high` processes can run, normal ones do not, and they go on after; `max` goes
/// before `high`. (A worker may be in the middle of a normal one's turn when the high ones begin.)
#[foundation::test]
async fn b066_high_goes_before_normal_and_max_before_high(w: World) {
    let slack = times(&w, 16, 0);
    for (upper, lower) in [
        (Priority::High, Priority::Normal),
        (Priority::Max, Priority::High),
        (Priority::Max, Priority::Normal),
    ] {
        let turns = starve(&w, upper, lower).await;
        assert!(
            turns <= slack,
            "{lower:?} had {turns} turns beside {upper:?}"
        );
    }
}

/// otp: setting a flag returns what it was.
#[foundation::test]
async fn a_flag_returns_its_old_value(node: Node) {
    let p = Puppet::start(&node);
    let traps = p.ask(|me| (me.trap_exit(true), me.trap_exit(true), me.trap_exit(false)));
    assert_eq!(traps.await, (false, true, true));
    let levels = p.ask(|me| {
        let levels = [
            Priority::Low,
            Priority::Max,
            Priority::High,
            Priority::Normal,
        ];
        levels.map(|level| me.set_priority(level))
    });
    use Priority::{High, Low, Max, Normal};
    assert_eq!(levels.await, [Normal, Low, Max, High]);
    assert_eq!(p.info().await.priority, "normal");
}

/// B067: `put` returns the old value or nothing, `erase` takes it out, and the dictionary dies
/// with the process.
#[foundation::test]
async fn b067_the_dictionary_dies_with_its_process(node: Node) {
    let witness = Arc::new(());
    let held = Arc::clone(&witness);
    run(&node, |me: Process<Note>| async move {
        assert_eq!(me.put("k", 1_u32), None);
        assert_eq!(me.put("k", 2_u32), Some(1));
        assert_eq!(me.get::<u32>("k"), Some(2));
        assert_eq!(me.get::<String>("k"), None);
        assert_eq!(me.erase::<String>("k"), None);
        assert_eq!(me.info().dictionary, ["k"]);
        assert_eq!(me.erase::<u32>("k"), Some(2));
        assert_eq!(me.erase::<u32>("k"), None);
        assert_eq!(me.get::<u32>("k"), None);
        assert!(me.put("held", held).is_none());
    })
    .await;
    let other = Puppet::start(&node);
    assert!(other.ask(|me| me.get::<Arc<()>>("held").is_none()).await);
    let until = node.now() + LONG;
    while Arc::strong_count(&witness) > 1 {
        assert!(node.now() < until, "the dictionary lives on");
        node.sleep(Duration::from_millis(1)).await;
    }
}
