//! What do two of our nodes do?
//!
//! Role       A node here, another in a program of its own; casts to it and calls of it.
//! Invariant  The casts are counted there, and the clock stops when all have been handled.

use std::process::{Child, Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foundation::cluster::{Builder, Secret};
use foundation::heap::SharedBytes;
use foundation::prelude::*;
use foundation::time;

use crate::{Load, Measured, RATES};

/// Casts between two looks at the others.
const BATCH: u64 = 1000;
const BOUND: Duration = secs(60);
/// Who call side by side at a fixed rate.
const CALLERS: u32 = 32;
/// For how long.
const OPEN: Duration = secs(2);

#[derive(Default)]
struct Sink {
    count: u64,
}

#[actor]
impl Sink {
    #[cast]
    fn take(&mut self, number: u64) {
        std::hint::black_box(number);
        self.count += 1;
    }

    /// How many came since it was last asked.
    #[call]
    fn count(&mut self) -> u64 {
        std::mem::take(&mut self.count)
    }

    #[call]
    fn whose(&self, cx: &mut Cx<Self>) -> Pid {
        cx.self_ref().pid()
    }

    /// How much it is.
    #[call]
    fn store(&self, bytes: SharedBytes) -> usize {
        bytes.len()
    }

    #[call]
    fn next(&self, number: u64) -> u64 {
        number + 1
    }
}

const SINK: Name<Sink> = Name::new("sink");
/// Takes what is large: a process of its own, as at the peer's.
const STORE: Name<Sink> = Name::new("store");

pub(crate) fn plan(name: &str) -> Builder {
    let secret = Secret::new([1; 32]).expect("long enough");
    Builder::new(Node::builder().name(name)).secret(secret)
}

/// The other node: it lives until its parent ends.
pub(crate) fn serve(seed: &str) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    runtime.block_on(async {
        let node = plan("server").seed(seed).start().await.expect("it starts");
        let sink = node.start::<Sink>(Sink::default()).name(SINK).await;
        sink.expect("the name is free");
        let store = node.start::<Sink>(Sink::default()).name(STORE).await;
        store.expect("the name is free");
        loop {
            node.sleep(secs(3600)).await;
        }
    })
}

/// Ends with its parent.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn measure(load: Load) -> Result<Measured, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let node = plan("client")
            .start()
            .await
            .map_err(|error| error.to_string())?;
        let own = node
            .cluster()
            .own()
            .await
            .map_err(|error| error.to_string())?;
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let server = Command::new(program)
            .args(["--serve", &own.address])
            .spawn();
        let server = Server(server.map_err(|error| error.to_string())?);
        let measured = with(&node, load).await;
        drop(server);
        let _ = node.shutdown(secs(5)).await;
        measured
    })
}

async fn with(node: &Node, load: Load) -> Result<Measured, String> {
    let until = Instant::now() + BOUND;
    let named = node.remote("server").at(SINK);
    while named.count().await.is_err() {
        if until < Instant::now() {
            return Err("the other node did not come".to_owned());
        }
        node.sleep(ms(20)).await;
    }
    // Past the name, which would be looked up each time.
    let sink = named.whose().await.map_err(|error| error.to_string())?;
    let sink: Ref<Sink> = node.reference(sink);
    let store = node.remote("server").at(STORE);
    let (told, measured) = foundation::promise(node);
    let Load {
        casts,
        calls,
        bytes,
    } = load;
    let run = async move |_: Process<Never>| {
        one_way(&sink, casts / 100).await;
        let casts_per_second = one_way(&sink, casts).await;
        call(&sink, calls / 10).await;
        let mut times = call(&sink, calls).await;
        times.sort_by(f64::total_cmp);
        let mut open = [[0.0; 2]; RATES.len()];
        for (found, rate) in open.iter_mut().zip(RATES) {
            let times = at_rate(&sink, rate).await;
            *found = [at(&times, 0.5), at(&times, 0.99)];
        }
        let (beside, bytes_per_second) = beside(&sink, store, bytes, calls / 4).await;
        told.send(Measured {
            casts_per_second,
            call_p50_us: at(&times, 0.5),
            call_p99_us: at(&times, 0.99),
            open_us: open,
            beside_p99_us: at(&beside, 0.99),
            bytes_per_second,
        });
    };
    node.spawn_fn(run).map_err(|error| error.to_string())?;
    let measured = measured.timeout(2 * BOUND).await;
    measured.map_err(|error| error.to_string())
}

fn at(times: &[f64], share: f64) -> f64 {
    times[((times.len() - 1) as f64 * share) as usize]
}

/// Nothing is sent to who measures.
#[derive(Message)]
#[message(local)]
pub(crate) struct Never;

async fn one_way(sink: &Ref<Sink>, casts: u64) -> f64 {
    let begin = Instant::now();
    for number in 0..casts {
        sink.take(number).expect("it is connected");
        if number % BATCH == BATCH - 1 {
            time::yield_now().await;
        }
    }
    let count = sink.count().timeout(BOUND).await;
    assert_eq!(count, Ok(casts), "all were handled");
    casts as f64 / begin.elapsed().as_secs_f64()
}

/// Microseconds of each call, one after the other.
async fn call(sink: &Ref<Sink>, calls: u64) -> Vec<f64> {
    let mut times = Vec::with_capacity(calls as usize);
    for number in 0..calls {
        let begin = Instant::now();
        let answer = sink.next(number).timeout(BOUND).await;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        assert_eq!(answer, Ok(number + 1));
    }
    times
}

/// Calls at a fixed rate by many callers: microseconds since each was to be sent, sorted.
async fn at_rate(sink: &Ref<Sink>, rate: u32) -> Vec<f64> {
    let period = secs(1) * CALLERS / rate;
    let (node, begin) = (sink.node().clone(), Instant::now() + ms(50));
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        let sink = sink.clone();
        let (told, times) = foundation::promise(&node);
        let first = begin + period * number / CALLERS;
        let caller = async move |_: Process<Never>| {
            let (mut times, mut due) = (Vec::new(), first);
            while due < begin + OPEN {
                time::sleep(due.saturating_duration_since(Instant::now())).await;
                assert_eq!(sink.next(1).timeout(BOUND).await, Ok(2));
                times.push(due.elapsed().as_secs_f64() * 1e6);
                due += period;
            }
            told.send(times);
        };
        node.spawn_fn(caller).expect("there is room");
        callers.push(times);
    }
    let mut all = Vec::new();
    for times in callers {
        all.extend(times.timeout(BOUND).await.expect("it ends"));
    }
    all.sort_by(f64::total_cmp);
    all
}

/// Calls, one a millisecond, while another process sends large ones, one after the other; and bytes
/// a second of those.
async fn beside(sink: &Ref<Sink>, store: Ref<Sink>, bytes: usize, calls: u64) -> (Vec<f64>, f64) {
    let node = sink.node().clone();
    let goes_on = Arc::new(AtomicBool::new(true));
    let (told, moved) = foundation::promise(&node);
    let large = SharedBytes::from(vec![1; bytes]);
    let until = Arc::clone(&goes_on);
    let transfers = async move |_: Process<Never>| {
        let (begin, mut count) = (Instant::now(), 0);
        while until.load(Ordering::Relaxed) {
            let stored = store.store(large.clone()).timeout(BOUND).await;
            assert_eq!(stored, Ok(bytes));
            count += bytes;
        }
        told.send(count as f64 / begin.elapsed().as_secs_f64());
    };
    node.spawn_fn(transfers).expect("there is room");
    node.sleep(ms(200)).await;
    let mut times = Vec::with_capacity(calls as usize);
    for number in 0..calls {
        node.sleep(ms(1)).await;
        let begin = Instant::now();
        let answer = sink.next(number).timeout(BOUND).await;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        assert_eq!(answer, Ok(number + 1));
    }
    goes_on.store(false, Ordering::Relaxed);
    times.sort_by(f64::total_cmp);
    (times, moved.timeout(BOUND).await.expect("it ends"))
}
