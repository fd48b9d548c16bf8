//! Does a stream of tasks run, order, bound and end its items as Elixir's does?
//!
//! Source     elixir: Task.async_stream/5, Task.Supervisor.async_stream_nolink/6

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{
    OnTimeout, TaskError, TaskExit, TaskStartError, TaskStream, TaskSupervisor, Term,
};
use foundation::{promise, time};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom, inside};

/// Counts how many are within at once.
#[derive(Clone, Default)]
struct Within(Arc<(AtomicUsize, AtomicUsize)>);

impl Within {
    async fn sleep(&self, duration: Duration) {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        time::sleep(duration).await;
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

fn values<T, In: std::fmt::Debug>(outcomes: Vec<Result<T, TaskExit<In>>>) -> Vec<T> {
    let value = |outcome: Result<T, TaskExit<In>>| outcome.expect("a value");
    outcomes.into_iter().map(value).collect()
}

/// Counts down, and says so.
fn noted(log: &Log) -> impl Iterator<Item = u64> + use<> {
    let log = log.clone();
    (0..).inspect(move |n| log.note(format!("took {n}")))
}

/// B210: items leave in the order of their inputs although the first is the slowest, and never more
/// than `max_concurrency` run.
#[foundation::test]
async fn b210_a_stream_keeps_the_order_of_its_inputs(node: Node) {
    for under in [false, true] {
        let within = Within::default();
        let inner = within.clone();
        let work = move |n: u64| {
            let within = inner.clone();
            async move {
                within.sleep(ms(if n == 0 { 20 } else { 1 })).await;
                n * 10
            }
        };
        let outcomes = if under {
            let tasks = TaskSupervisor::builder()
                .start(&node)
                .await
                .expect("started");
            tasks.stream(0..20, work).max_concurrency(3).to_vec().await
        } else {
            Task::stream(&node, 0..20, work)
                .max_concurrency(3)
                .to_vec()
                .await
        };
        let expected: Vec<u64> = (0..20).map(|n| n * 10).collect();
        assert_eq!(values(outcomes), expected);
        assert!(within.most() <= 3, "{}", within.most());
    }
}

/// Unordered, the slow one comes last.
#[foundation::test]
async fn an_unordered_stream_gives_what_has_finished(node: Node) {
    let (reply, gate) = promise::<()>(&node);
    let gate = Arc::new(std::sync::Mutex::new(Some(gate)));
    let mut stream = Task::stream(&node, 0..6_u64, move |n| {
        let gate = Arc::clone(&gate);
        async move {
            if n == 0 {
                let gate = gate.lock().expect("short").take().expect("once");
                let _ = gate.timeout(LONG).await;
            }
            n
        }
    })
    .max_concurrency(2)
    .timeout(LONG)
    .unordered();
    let mut seen = Vec::new();
    for _ in 1..6 {
        seen.push(stream.next().await.expect("more").expect("a value"));
    }
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    reply.send(());
    assert_eq!(stream.next().await, Some(Ok(0)));
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.next().await, None);
}

/// B212: a stream that is dropped early leaves no task and no message, whether its owner traps
/// exits or not, wherever its tasks run.
#[foundation::test]
async fn b212_a_stream_halted_early_leaves_nothing(node: Node) {
    let tasks = TaskSupervisor::builder()
        .start(&node)
        .await
        .expect("started");
    for round in 0..12 {
        let (traps, under, halts) = (round % 2 == 0, round / 2 % 2 == 0, round / 4 % 3);
        let (tasks, before) = (tasks.clone(), node.stats().processes);
        inside(&node, async move |me| {
            me.trap_exit(traps);
            let work = |n: u64| async move {
                if n % 3 == 2 {
                    time::sleep(ms(n)).await;
                }
                n
            };
            let node = me.node();
            // Infinite: as much is taken as is asked for.
            let mut stream: Pin<Box<dyn futures::Stream<Item = _> + Send>> = match under {
                true => Box::pin(tasks.stream(0.., work).max_concurrency(4)),
                false => Box::pin(Task::stream(&node, 0.., work).max_concurrency(4)),
            };
            for n in 0..halts * 3 {
                let item = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await;
                assert_eq!(item, Some(Ok(n)));
            }
            drop(stream);
            while before + 1 < node.stats().processes {
                node.sleep(ms(1)).await;
            }
            assert_eq!(me.info().message_queue_len, 0, "a stray message");
        })
        .await;
        // A stray message would have been dropped unread.
        let unread = node.dead_letter_count(foundation::DeadReason::Died);
        assert_eq!(unread, 0);
    }
    assert_eq!(tasks.children().await, Ok(vec![]));
}

/// `halt` returns when the tasks are gone.
#[foundation::test]
async fn halt_waits_until_the_tasks_are_gone(node: Node) {
    let log = Log::default();
    let (held, inner) = (Arc::new(()), log.clone());
    let keep = Arc::clone(&held);
    let mut stream = Task::stream(&node, 0..10, move |n: u32| {
        let (held, log) = (Arc::clone(&keep), inner.clone());
        async move {
            log.note(n);
            if n != 0 {
                std::future::pending::<()>().await;
            }
            drop(held);
        }
    })
    .max_concurrency(3)
    .timeout(Duration::MAX);
    assert_eq!(stream.next().await, Some(Ok(())));
    stream.halt().await;
    assert_eq!(Arc::strong_count(&held), 1, "a task is left");
    // Never read, it has nothing to end.
    Task::stream(&node, 0..10, |n: u32| async move { n })
        .halt()
        .await;
}

/// Inputs are taken as somebody asks: those that run, those that wait, and not one more.
#[foundation::test]
async fn inputs_are_taken_on_demand(node: Node) {
    let log = Log::default();
    let stream = Task::stream(&node, noted(&log), |n| async move { n });
    let mut stream = stream.max_concurrency(2).buffer(3);
    assert!(log.all().is_empty(), "nobody asked");
    for n in 0..50 {
        assert_eq!(stream.next().await, Some(Ok(n)));
        let taken = log.all().len() as u64;
        assert!(taken <= n + 1 + 2 + 3, "{taken} were taken for {n}");
        node.sleep(ms(1)).await;
        assert_eq!(log.all().len() as u64, taken, "nobody asked");
    }
    stream.halt().await;
}

/// A task that crashes takes a linked reader along; one that traps exits, is not linked, or is no
/// process gets the failure as an item, and the stream goes on.
#[foundation::test]
async fn a_crash_is_an_item_or_the_end_of_the_reader(node: Node) {
    fn stream(
        node: &Node,
    ) -> TaskStream<std::ops::Range<u32>, impl Fn(u32) -> Pinned + use<>, u32> {
        Task::stream(node, 0..3, |n| -> Pinned {
            // The function itself panics for one, the future for another.
            assert!(n != 0, "zero");
            Box::pin(async move {
                if n == 1 {
                    foundation::exit(boom());
                }
                n
            })
        })
    }
    type Pinned = Pin<Box<dyn Future<Output = u32> + Send>>;

    #[track_caller]
    fn check(outcomes: Vec<Result<u32, TaskExit<u32>>>) {
        let [Err(first), Err(second), Ok(2)] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        let TaskError::Exited(reason) = &first.error else {
            panic!("{first:?}")
        };
        assert_crash(reason, "zero");
        assert_eq!(second.error, TaskError::Exited(boom()));
        assert_eq!((first.input, second.input), (None, None));
    }

    check(stream(&node).to_vec().await);
    for traps in [true, false] {
        let outcomes = inside(&node, async move |me| {
            me.trap_exit(traps);
            let stream = stream(&me.node());
            let stream = if traps { stream } else { stream.nolink() };
            let outcomes = stream.to_vec().await;
            assert_eq!(me.info().message_queue_len, 0, "a stray message");
            outcomes
        });
        check(outcomes.await);
    }
    let reader = async move |mut me: Process<Word>| {
        me.recv().await;
        stream(&me.node()).to_vec().await;
        unreachable!("it lives");
    };
    let reader = node.spawn_fn(reader).expect("spawned");
    let death = Death::of(&node, &reader).await;
    reader.send(Word::Go).expect("local");
    match death.reason().await {
        Reason::Crash(crash) => assert_eq!(&*crash.message, "zero"),
        other => assert_eq!(other, boom()),
    }
}

/// The input of an item that failed comes along when it is asked for.
#[foundation::test]
async fn a_failure_comes_with_its_input(node: Node) {
    let words = ["a".to_owned(), "b".to_owned()];
    let stream = Task::stream(&node, words, |word: String| async move {
        assert!(word == "a", "only a");
        word
    });
    let outcomes = stream.nolink().zip_input_on_exit().to_vec().await;
    assert_eq!(outcomes[0], Ok("a".to_owned()));
    let failure = outcomes[1].as_ref().expect_err("b fails");
    assert_eq!(failure.input.as_deref(), Some("b"));
}

/// An item that takes too long is killed, and the stream goes on.
#[foundation::test]
async fn a_late_item_is_killed(node: Node) {
    let held = Arc::new(());
    let keep = Arc::clone(&held);
    let stream = Task::stream(&node, 0..4_u32, move |n| {
        let held = Arc::clone(&keep);
        async move {
            if n % 2 == 0 {
                std::future::pending::<()>().await;
            }
            drop(held);
            n
        }
    });
    let outcomes = stream
        .max_concurrency(4)
        .timeout(ms(200))
        .on_timeout(OnTimeout::KillTask)
        .zip_input_on_exit()
        .to_vec()
        .await;
    let late = |n| {
        Err(TaskExit {
            error: TaskError::Timeout,
            input: Some(n),
        })
    };
    assert_eq!(outcomes, [late(0), Ok(1), late(2), Ok(3)]);
    while 1 < Arc::strong_count(&held) {
        node.sleep(ms(1)).await;
    }
}

/// Unless set otherwise a late item ends the reader with `timeout`, also one that traps exits, and
/// the other tasks; for code outside any process it is the last item.
#[foundation::test]
async fn a_late_item_ends_the_reader(w: World) {
    let node = w.node();
    let slow = |n: u32| async move {
        if n != 0 {
            std::future::pending::<()>().await;
        }
        n
    };
    let mut outside = Task::stream(&node, 0..9, slow)
        .max_concurrency(2)
        .timeout(ms(50));
    assert_eq!(outside.next().await, Some(Ok(0)));
    let last = outside.next().await.expect("an item").expect_err("late");
    assert_eq!(last.error, TaskError::Timeout);
    assert_eq!(outside.next().await, None);
    for traps in [true, false] {
        let reader = async move |mut me: Process<Word>| {
            me.trap_exit(traps);
            me.recv().await;
            let stream = Task::stream(&me.node(), 0..9, slow).max_concurrency(2);
            stream.timeout(ms(50)).to_vec().await;
        };
        let reader = node.spawn_fn(reader).expect("spawned");
        let death = Death::of(&node, &reader).await;
        reader.send(Word::Go).expect("local");
        let timeout = Reason::other(Term::atom("timeout"));
        assert_eq!(death.reason().await, timeout);
    }
    w.eventually(LONG, async || node.stats().processes == 0)
        .await;
}

/// A bound of zero, and one of never.
#[foundation::test]
async fn any_bound_will_do(node: Node) {
    let stream = Task::stream(&node, 0..3, |_: u32| std::future::pending::<()>());
    let outcomes = stream
        .timeout(ms(0))
        .on_timeout(OnTimeout::KillTask)
        .to_vec();
    let outcomes = outcomes.await;
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.iter().all(Result::is_err));
    let stream = Task::stream(&node, 0..3, |n: u32| async move { n });
    assert_eq!(
        values(stream.timeout(Duration::MAX).to_vec().await),
        [0, 1, 2]
    );
    let stream = Task::stream(&node, 0..3, |n: u32| async move { n });
    let stream = stream.max_concurrency(usize::MAX).buffer(usize::MAX);
    assert_eq!(values(stream.to_vec().await), [0, 1, 2]);
    let empty = Task::stream(&node, 0..0, |n: u32| async move { n });
    assert_eq!(values(empty.to_vec().await), Vec::<u32>::new());
    let none = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(Task::stream(&node, 0..3, |n: u32| async move { n }).max_concurrency(0));
    }));
    assert!(none.is_err());
}

/// A supervisor that is full, and a node that is, are failures of the items.
#[foundation::test]
async fn an_item_that_cannot_start_says_so(node: Node) {
    let tasks = TaskSupervisor::builder().max_children(1).start(&node).await;
    let tasks = tasks.expect("started");
    let stream = tasks.stream(0..3, |_: u32| std::future::pending::<()>());
    let mut stream = stream.max_concurrency(3).timeout(LONG).unordered();
    for _ in 0..2 {
        let failure = stream.next().await.expect("an item").expect_err("full");
        let full = TaskError::NotStarted(TaskStartError::MaxChildren);
        assert_eq!(failure.error, full);
    }
    node.stop(&tasks, Reason::Shutdown, LONG)
        .await
        .expect("stopped");
    let failure = stream.next().await.expect("an item").expect_err("stopped");
    assert_eq!(failure.error, TaskError::Exited(Reason::Shutdown));
    assert_eq!(stream.next().await, None);
}

/// A stream is read by one process. An iterator that panics is asked nothing more.
#[foundation::test]
async fn misuse_is_told(node: Node) {
    let mut stream = Task::stream(&node, 0.., |n: u32| async move { n }).nolink();
    assert_eq!(stream.next().await, Some(Ok(0)));
    let stranger = Task::spawn_nolink(&node, async move { stream.next().await.is_some() });
    let Err(TaskError::Exited(Reason::Crash(crash))) = stranger.expect("spawned").await else {
        panic!("a stranger read it")
    };
    assert!(crash.message.contains("the process that read it first"));

    let bad = (0..4_u32).inspect(|n| assert!(*n < 2, "a bad iterator"));
    let mut stream = Task::stream(&node, bad, |n| async move { n }).max_concurrency(1);
    let mut seen = Vec::new();
    loop {
        let next = std::panic::AssertUnwindSafe(stream.next());
        match futures::FutureExt::catch_unwind(next).await {
            Ok(Some(item)) => seen.push(item),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert_eq!(values(seen), [0, 1]);
}

#[derive(Default)]
struct Sums {
    sum: u64,
    ended: usize,
}

#[actor]
impl Sums {
    #[init]
    fn init(count: u64, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        let stream = Task::stream(&cx.node(), 0..count, |n| async move { n });
        cx.attach(stream.max_concurrency(8), |outcome| {
            SumsMsg::Add(outcome.ok())
        });
        Self::default()
    }

    #[cast]
    fn add(&mut self, n: Option<u64>) {
        self.sum += n.unwrap_or(0);
    }

    #[exit]
    fn ended(&mut self, _: Exit) {
        self.ended += 1;
    }

    #[call]
    fn get(&self) -> (u64, usize) {
        (self.sum, self.ended)
    }
}

/// An actor reads a stream as messages, and hears nothing else of its tasks.
#[foundation::test]
async fn an_actor_reads_a_stream(w: World) {
    let node = w.node();
    let sums = node.start::<Sums>(100).await.expect("started");
    w.eventually(LONG, async || sums.get().await == Ok((4950, 0)))
        .await;
    node.stop(&sums, Reason::Normal, LONG)
        .await
        .expect("stopped");
    let busy = node.start::<Sums>(u64::MAX).await.expect("started");
    node.exit(&busy, Reason::Kill);
    w.eventually(LONG, async || node.stats().processes == 0)
        .await;
}
