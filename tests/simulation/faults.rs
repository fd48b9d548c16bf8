//! Do nodes of a simulated world go wrong as they are told to?

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use foundation::SimError;
use foundation::prelude::*;

/// Nobody sends any.
#[derive(Debug, Message)]
#[message(local)]
enum Word {}

/// Counts one a second, and says by its end what became of it.
struct Ticker {
    count: Arc<AtomicU32>,
    dropped: Arc<AtomicU32>,
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn ticker(node: &Node) -> (Pid, Arc<AtomicU32>, Arc<AtomicU32>) {
    let (count, dropped) = (Arc::default(), Arc::default());
    let ticker = Ticker {
        count: Arc::clone(&count),
        dropped: Arc::clone(&dropped),
    };
    let started = node.spawn_fn(async move |me: Process<Word>| {
        let ticker = ticker;
        loop {
            me.node().sleep(secs(1)).await;
            ticker.count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (started.expect("spawned").pid(), count, dropped)
}

fn of(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::Relaxed)
}

#[derive(Default)]
struct Echo;

#[actor]
impl Echo {
    #[call]
    fn echo(&self, n: u32) -> u32 {
        n
    }
}

#[foundation::test(simulated, seeds = 20)]
async fn a_paused_node_runs_nothing_and_its_clock_goes_on(w: World) {
    let a = w.start("a");
    let (_, count, _) = ticker(&a);
    let echo = a.spawn(Echo).expect("there is room");
    w.advance(ms(3_500)).await;
    assert_eq!(of(&count), 3);
    w.pause(&a);
    w.advance(secs(10)).await;
    assert_eq!((of(&count), a.now()), (3, ms(13_500)));
    let answer = echo.echo(1).timeout(secs(5)).await;
    assert_eq!(answer, Err(CallError::Timeout), "nobody answers");
    w.resume(&a);
    w.settle().await;
    assert_eq!(of(&count), 4, "what was overdue is done");
    assert_eq!(echo.echo(2).await, Ok(2));
    w.advance(secs(10)).await;
    assert_eq!(of(&count), 14);
}

#[foundation::test(simulated, seeds = 20)]
async fn a_halted_node_runs_nothing_any_more(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    let (pid, count, dropped) = ticker(&a);
    let echo = a.spawn(Echo).expect("there is room");
    w.advance(ms(2_500)).await;
    let ends = Arc::new(AtomicU32::new(0));
    let ended = Arc::clone(&ends);
    let echo_pid = echo.pid();
    b.spawn_fn(async move |me: Process<Word>| {
        for pid in [pid, echo_pid] {
            assert_eq!(me.node().down(pid).await.reason, Reason::NoConnection);
            ended.fetch_add(1, Ordering::Relaxed);
        }
    })
    .expect("spawned");
    w.settle().await;
    w.halt(&a);
    w.advance(secs(10)).await;
    assert_eq!((of(&count), of(&dropped), of(&ends)), (2, 1, 2));
    assert!(a.processes().is_empty());
    assert!(a.spawn(Echo).is_err(), "it is no more");
    let again = w.start("a");
    assert_ne!((again.id(), again.incarnation()), (a.id(), a.incarnation()));
    let (_, count, _) = ticker(&again);
    w.advance(secs(3)).await;
    assert_eq!(of(&count), 3);
}

/// The world's time is no node's: the body does not wait for a node that is gone.
#[foundation::test(simulated)]
async fn time_passes_without_its_first_node(w: World) {
    let first = w.node();
    w.halt(&first);
    w.advance(secs(5)).await;
    w.eventually(secs(5), async || secs(7) <= w.now()).await;
}

#[foundation::test(simulated, seeds = 20)]
async fn a_slow_node_takes_its_time(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let (_, count, _) = ticker(&a);
    let (slow, fast) = (a.spawn(Echo).expect("room"), b.spawn(Echo).expect("room"));
    w.slow(&a, ms(300));
    w.slow(&b, ms(0));
    let begun = w.now();
    for n in 0..5 {
        assert_eq!(slow.echo(n).timeout(secs(60)).await, Ok(n));
    }
    let took = w.now() - begun;
    assert!(
        ms(1_200) <= took && took <= secs(6),
        "five calls took {took:?}"
    );
    assert_eq!(fast.echo(7).await, Ok(7));
    w.advance(secs(10)).await;
    assert!(of(&count) < 14, "each second is longer by a turn");
    w.slow(&a, ms(0));
    let begun = w.now();
    assert_eq!(slow.echo(8).await, Ok(8));
    assert!(w.now() - begun <= ms(300), "what had begun is finished");
}

#[foundation::test(simulated)]
async fn clocks_go_wrong(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let ((_, right, _), (_, wrong, _)) = (ticker(&a), ticker(&b));
    w.clock_rate(&b, 2.0);
    w.advance(secs(10)).await;
    assert_eq!((of(&right), of(&wrong)), (10, 20));
    assert_eq!((a.now(), b.now()), (secs(10), secs(20)));
    w.clock_rate(&b, 0.5);
    w.advance(secs(10)).await;
    assert_eq!((of(&right), of(&wrong), b.now()), (20, 25, secs(25)));
    w.clock_rate(&b, 1.0);
    w.clock_jump(&b, secs(3600));
    w.settle().await;
    assert_eq!(of(&wrong), 26, "what was due meanwhile is done once");
    w.advance(ms(1)).await;
    assert_eq!((of(&wrong), b.now()), (26, secs(3625) + ms(1)));
    w.advance(secs(10)).await;
    assert_eq!((of(&right), of(&wrong)), (30, 36));
}

#[test]
fn faults_are_part_of_the_run() {
    let run = |seed, rate| {
        World::simulate(seed, |w| async move {
            let (a, b) = (w.start("a"), w.start("b"));
            let _wire = w.connect(&a, &b);
            let (_, count, _) = ticker(&a);
            w.slow(&a, ms(7));
            w.clock_rate(&a, rate);
            w.pause(&b);
            w.advance(secs(5)).await;
            w.resume(&b);
            w.clock_jump(&a, ms(10));
            w.advance(secs(5)).await;
            w.halt(&b);
            w.advance(secs(5)).await;
            w.pause(&a);
            of(&count)
        })
    };
    for seed in 0..20 {
        let (first, again) = (run(seed, 1.25), run(seed, 1.25));
        assert_eq!(first, again, "seed {seed}");
        let traces = [first, run(seed, 1.5)].map(|ran| ran.map(|(_, report)| report.trace_hash));
        assert_ne!(traces[0], traces[1]);
    }
    let left = World::simulate(1, |w| async move {
        w.pause(&w.node());
        std::future::pending::<()>().await;
    });
    assert!(matches!(left, Err(SimError::Deadlock(_))));
}

#[test]
#[should_panic(expected = "such faults are there in a simulated world alone")]
fn a_real_world_has_none() {
    let world = World::real(1);
    let node = world.start("a");
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.pause(&node)));
    node.shutdown_blocking(secs(5)).expect("nothing runs there");
    if let Err(payload) = outcome {
        std::panic::resume_unwind(payload);
    }
}
