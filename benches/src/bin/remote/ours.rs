//! What do two of our nodes do?
//!
//! Role       A node here, another in a program of its own; casts to it and calls of it.
//! Invariant  The casts are counted there, and the clock stops when all have been handled.

use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use foundation::cluster::{Builder, Secret};
use foundation::prelude::*;
use foundation::time;

use crate::Measured;

/// Casts between two looks at the others.
const BATCH: u64 = 1000;
const BOUND: Duration = secs(60);

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

    #[call]
    fn next(&self, number: u64) -> u64 {
        number + 1
    }
}

const SINK: Name<Sink> = Name::new("sink");

fn plan(name: &str) -> Builder {
    let secret = Secret::new([1; 32]).expect("long enough");
    Builder::new(Node::builder().name(name)).secret(secret)
}

/// The other node: it lives until its parent ends.
pub(crate) fn serve(seed: Option<&str>) -> ExitCode {
    let Some(seed) = seed else {
        eprintln!("--serve needs an address");
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    runtime.block_on(async {
        let node = plan("server").seed(seed).start().await.expect("it starts");
        let sink = node.start::<Sink>(Sink::default()).name(SINK).await;
        sink.expect("the name is free");
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

pub(crate) fn measure(casts: u64, calls: u64) -> Result<Measured, String> {
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
        let measured = with(&node, casts, calls).await;
        drop(server);
        let _ = node.shutdown(secs(5)).await;
        measured
    })
}

async fn with(node: &Node, casts: u64, calls: u64) -> Result<Measured, String> {
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
    let (told, measured) = foundation::promise(node);
    let run = async move |_: Process<Never>| {
        one_way(&sink, casts / 100).await;
        let casts_per_second = one_way(&sink, casts).await;
        call(&sink, calls / 10).await;
        let mut times = call(&sink, calls).await;
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        told.send(Measured {
            casts_per_second,
            call_p50_us: at(0.5),
            call_p99_us: at(0.99),
        });
    };
    node.spawn_fn(run).map_err(|error| error.to_string())?;
    let measured = measured.timeout(2 * BOUND).await;
    measured.map_err(|error| error.to_string())
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
