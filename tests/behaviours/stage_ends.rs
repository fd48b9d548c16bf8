//! What if a stage, or who consumes it, ends or was never there?
//!
//! Source     elixir: GenStage, ConsumerSupervisor

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::prelude::*;
use foundation::stage::{
    Cancel, ConsumerSupervisor, Ended, Produced, Producer, PushError, Stage, StageError, Subscribe,
    SubscribeError, stage_child,
};
use foundation::{CallError, StartError, sys, time};

use crate::support::{LONG, Log, assert_crash, stop};

struct Breaks(u32);

impl Producer for Breaks {
    type Item = u32;

    async fn produce(&mut self, _: usize) -> Produced<u32> {
        time::yield_now().await;
        self.0 += 1;
        assert!(self.0 < 4, "the source broke");
        Produced::Items(vec![self.0])
    }
}

/// What the crash of a stage means is the subscriber's choice.
#[foundation::test]
async fn a_crash_is_followed_or_told(node: Node) {
    for cancel in [Cancel::Transient, Cancel::Permanent, Cancel::Temporary] {
        let stage = Stage::of(Breaks(0)).start(&node).await.expect("started");
        let read = async move {
            let mut items = stage.subscribe(Subscribe::new().cancel(cancel));
            let mut got = Vec::new();
            while let Some(item) = items.next().await {
                got.push(item);
            }
            (got, items.ended().cloned())
        };
        let read = Task::spawn_nolink(&node, read).expect("spawned").await;
        match (cancel, read) {
            (Cancel::Temporary, Ok((got, Some(Ended::Down(reason))))) => {
                assert_eq!(got, [1, 2, 3]);
                assert_crash(&reason, "the source broke");
            }
            (Cancel::Temporary, other) => panic!("{other:?}"),
            (_, Err(foundation::TaskError::Exited(reason))) => {
                assert_crash(&reason, "the source broke");
            }
            (_, other) => panic!("{other:?}"),
        }
    }
    // An orderly end is followed by the permanent alone.
    for (cancel, follows) in [(Cancel::Permanent, true), (Cancel::Transient, false)] {
        let stage = Stage::from_iter(0..3).start(&node).await.expect("started");
        let read = async move {
            let mut items = stage.subscribe(Subscribe::new().cancel(cancel));
            while items.next().await.is_some() {}
        };
        let read = Task::spawn_nolink(&node, read).expect("spawned").await;
        assert_eq!(read.is_err(), follows, "{cancel:?}");
    }
}

/// Why there is nothing to be had is said.
#[foundation::test]
async fn a_refused_subscription_says_why(w: World) {
    let node = w.node();
    let ended = async |options: Subscribe<u8>, stage: &Ref<Stage<u8>>| {
        let mut items = stage.subscribe(options.cancel(Cancel::Temporary));
        assert_eq!(items.next().await, None);
        assert_eq!(items.next().await, None, "it stays over");
        items.ended().cloned().expect("it has ended")
    };
    let stage = Stage::queue()
        .max_subscribers(1)
        .start(&node)
        .await
        .expect("started");
    let refused = |error| Ended::Refused(error);
    let error = ended(Subscribe::new().max_demand(0), &stage).await;
    assert_eq!(error, refused(SubscribeError::BadDemand(0, 0)));
    let error = ended(Subscribe::new().max_demand(3).min_demand(3), &stage).await;
    assert_eq!(error, refused(SubscribeError::BadDemand(3, 3)));
    let error = ended(Subscribe::new().partition(0), &stage).await;
    assert_eq!(error, refused(SubscribeError::NotPartitioned));
    let error = ended(Subscribe::new().select(|_| true), &stage).await;
    assert_eq!(error, refused(SubscribeError::NoSelection));
    let mut first = stage.subscribe(Subscribe::new());
    assert!(futures::poll!(std::pin::pin!(first.next())).is_pending());
    let error = ended(Subscribe::new(), &stage).await;
    assert_eq!(error, refused(SubscribeError::TooMany(1)));
    node.exit(&stage, Reason::Kill);
    node.down(&stage).await;
    let error = ended(Subscribe::new(), &stage).await;
    assert_eq!(error, Ended::Failed(CallError::NoProc));
    // Items do not leave their node.
    let other = w.start("other");
    let _connection = w.connect(&node, &other);
    let stage = Stage::<u8>::queue().start(&other).await.expect("started");
    let there = node.reference::<Stage<u8>>(stage.pid());
    let error = ended(Subscribe::new(), &there).await;
    assert!(
        matches!(error, Ended::Failed(CallError::NotPortable(_))),
        "{error:?}"
    );
}

/// Bounds of zero are refused when the stage is started, also as a child.
#[foundation::test]
async fn bounds_of_zero_are_refused(node: Node) {
    let zero = |what| Err(StageError::Zero(what));
    let started = Stage::<u8>::queue().buffer(0).start(&node).await;
    assert_eq!(started.map(|_| ()), zero("a buffer"));
    let started = Stage::<u8>::queue().max_subscribers(0).start(&node).await;
    assert_eq!(started.map(|_| ()), zero("a number of subscribers"));
    let started = Stage::<u8>::queue().partition(0, |_| 0).start(&node).await;
    assert_eq!(started.map(|_| ()), zero("a number of partitions"));
    let child = stage_child(|| Stage::<u8>::queue().buffer(0));
    let tree = Supervisor::one_for_one().child(child).start(&node).await;
    let Err(StartError::Failed(reason)) = tree else {
        panic!("a tree with an impossible stage started")
    };
    assert!(
        reason.to_string().contains("a buffer of at least 1"),
        "{reason}"
    );
}

/// One process an item, so many at once; the failure of one is its own.
#[foundation::test]
async fn a_consumer_supervisor_runs_so_many(w: World) {
    let node = w.node();
    const NUMBERS: Name<Stage<u32>> = Name::new("numbers");
    let (log, busy) = (Log::default(), Arc::new(AtomicUsize::new(0)));
    let work = {
        let (log, busy) = (log.clone(), Arc::clone(&busy));
        move |item: u32| {
            let (log, busy) = (log.clone(), Arc::clone(&busy));
            async move {
                assert!(busy.fetch_add(1, Ordering::SeqCst) < 4, "too many at once");
                time::yield_now().await;
                log.note(item);
                busy.fetch_sub(1, Ordering::SeqCst);
                assert_ne!(item, 13);
            }
        }
    };
    let workers = ConsumerSupervisor::new(work).max_children(4);
    let workers = workers.child("workers", |node| node.at(NUMBERS));
    let numbers = stage_child(|| Stage::from_iter(0..40)).name(NUMBERS);
    let tree = Supervisor::one_for_one()
        .child(numbers.transient())
        .child(workers.transient())
        .start(&node)
        .await
        .expect("started");
    w.eventually(LONG, async || {
        let counts = tree.count_children().await.expect("answers");
        counts.active == 0
    })
    .await;
    let mut seen: Vec<u32> = log
        .all()
        .iter()
        .map(|item| item.parse().expect("number"))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
    stop(&tree).await;
}

/// Shut down, it asks its processes to end, and kills those that do not.
#[foundation::test]
async fn a_consumer_supervisor_stops_its_processes(w: World) {
    let node = w.node();
    const NUMBERS: Name<Stage<u32>> = Name::new("numbers");
    let log = Log::default();
    let work = {
        let log = log.clone();
        move |item: u32| {
            let log = log.clone();
            async move {
                if item == 1 {
                    foundation::me().expect("a process").trap_exit(true);
                }
                log.note(item);
                std::future::pending::<()>().await;
            }
        }
    };
    let workers = ConsumerSupervisor::new(work)
        .max_children(3)
        .shutdown(ms(20));
    let tree = Supervisor::one_for_one()
        .child(stage_child(|| Stage::from_iter(0..)).name(NUMBERS))
        .child(workers.child("workers", |node| node.at(NUMBERS)))
        .start(&node)
        .await
        .expect("started");
    w.eventually(LONG, async || log.all().len() == 3).await;
    let before = node.processes().len();
    assert_eq!(before, 1 + 1 + 1 + 3);
    stop(&tree).await;
    w.eventually(LONG, async || node.processes().is_empty())
        .await;
}

/// Suspended, a stage serves nobody, and loses nothing; the system sees how it stands.
#[foundation::test]
async fn a_stage_answers_the_system(w: World) {
    let node = w.node();
    let stage = Stage::queue().start(&node).await.expect("started");
    sys::suspend(&stage).await.expect("answers");
    let push = stage.push(7_u8).await;
    assert_eq!(push, Err(PushError::Call(CallError::Timeout)));
    let status = sys::get_status(&stage).await.expect("answers");
    assert_eq!((&*status.code, status.messages_waiting), ("Stage", 1));
    let state = sys::show_state(&stage).await.expect("answers");
    assert!(state.is_some_and(|state| state.contains("buffered: 0")));
    sys::resume(&stage).await.expect("answers");
    let mut items = stage.subscribe(Subscribe::new());
    assert_eq!(
        items.next().await,
        Some(7),
        "the push waited, and was taken"
    );
    let ended = node.stop(&stage, Reason::Shutdown, LONG).await;
    assert_eq!(ended, Ok(()));
}
