//! What do two nodes of ractor_cluster do?
//!
//! Run: `server PORT`, or `client PORT CASTS CALLS BYTES RATE...`; `--bin remote` does that, beside ours.
//!
//! Role       A node here, another in a program of its own; casts to it and calls of it, as in
//!            `src/bin/remote/ours.rs`.
//! Outputs    The figures in one line: casts a second, median and 99th percentile of calls in us, the
//!            latter beside transfers, bytes a second of those; then both percentiles at each rate.
//! Limit      The server ends with its standard input.

#![forbid(unsafe_code)]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call_t};
use ractor_cluster::{NodeServer, NodeServerMessage, RactorClusterMessage};

const COOKIE: &str = "remote";
const BOUND_MS: u64 = 60_000;
/// Larger than any transfer.
const FRAME_MAX: u64 = 128 << 20;
/// Casts between two looks at the others.
const BATCH: u64 = 1000;
/// How long calls are measured at most.
const CALLS_MAX: Duration = Duration::from_secs(15);
/// Who call side by side at a fixed rate.
const CALLERS: u32 = 32;
/// For how long.
const OPEN: Duration = Duration::from_secs(2);

type Failure = Box<dyn Error + Send + Sync>;

struct Sink;

#[derive(RactorClusterMessage)]
enum Ask {
    Take(u64),
    #[rpc]
    Count(RpcReplyPort<u64>),
    #[rpc]
    Next(u64, RpcReplyPort<u64>),
    #[rpc]
    Store(Vec<u8>, RpcReplyPort<u64>),
}

impl Actor for Sink {
    type Msg = Ask;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Ask>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Ask>,
        ask: Ask,
        count: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match ask {
            Ask::Take(number) => {
                std::hint::black_box(number);
                *count += 1;
            }
            Ask::Count(reply) => reply.send(std::mem::take(count))?,
            Ask::Next(number, reply) => reply.send(number + 1)?,
            Ask::Store(bytes, reply) => reply.send(bytes.len() as u64)?,
        }
        Ok(())
    }
}

async fn node(name: &str, port: u16) -> Result<ActorRef<NodeServerMessage>, Failure> {
    let server = NodeServer::new(
        port,
        COOKIE.to_owned(),
        name.to_owned(),
        "localhost".to_owned(),
        None,
        None,
    );
    let server = server
        .with_listen_addr(IpAddr::V4(Ipv4Addr::LOCALHOST))
        .with_max_inbound_frame_size(FRAME_MAX);
    let (server, _) = Actor::spawn(None, server, ()).await?;
    Ok(server)
}

async fn serve(port: u16) -> Result<(), Failure> {
    let _server = node("server", port).await?;
    for group in ["sink", "store"] {
        let (actor, _) = Actor::spawn(Some(group.to_owned()), Sink, ()).await?;
        ractor::pg::join(group.to_owned(), vec![actor.get_cell()]);
    }
    let ended = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ended?;
    Ok(())
}

/// An actor of the other node, once it is known here.
async fn find(group: &str) -> Result<ActorRef<Ask>, Failure> {
    let until = Instant::now() + Duration::from_millis(BOUND_MS);
    while Instant::now() < until {
        if let Some(cell) = ractor::pg::get_members(&group.to_owned()).pop() {
            return Ok(cell.into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the other node did not come".into())
}

async fn one_way(sink: &ActorRef<Ask>, casts: u64) -> Result<f64, Failure> {
    let begin = Instant::now();
    for number in 0..casts {
        sink.cast(Ask::Take(number))?;
        if number % BATCH == BATCH - 1 {
            tokio::task::yield_now().await;
        }
    }
    let count = call_t!(sink, Ask::Count, BOUND_MS)?;
    assert_eq!(count, casts, "all were handled");
    Ok(casts as f64 / begin.elapsed().as_secs_f64())
}

/// Microseconds of each call, one after the other, after a pause each.
async fn calls(sink: &ActorRef<Ask>, calls: u64, pause: Duration) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::with_capacity(calls as usize);
    let end = Instant::now() + CALLS_MAX;
    for number in 0..calls {
        // Beside transfers it may take very long.
        if end < Instant::now() {
            break;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let begin = Instant::now();
        let answer = call_t!(sink, Ask::Next, BOUND_MS, number)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        assert_eq!(answer, number + 1);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Transfers until it is told to end: bytes a second.
async fn transfers(store: ActorRef<Ask>, bytes: usize, go_on: Arc<AtomicBool>) -> Option<f64> {
    let (begin, mut count) = (Instant::now(), 0);
    let large = vec![1; bytes];
    while go_on.load(Ordering::Relaxed) {
        let stored = call_t!(store, Ask::Store, BOUND_MS, large.clone()).ok()?;
        assert_eq!(stored, bytes as u64);
        count += bytes;
    }
    Some(count as f64 / begin.elapsed().as_secs_f64())
}

/// Calls at a fixed rate by many callers: microseconds since each was to be sent.
async fn open(sink: &ActorRef<Ask>, rate: u32) -> Result<Vec<f64>, Failure> {
    let period = Duration::from_secs(1) * CALLERS / rate;
    let begin = Instant::now() + Duration::from_millis(50);
    let caller = |number: u32| {
        let (sink, first) = (sink.clone(), begin + period * number / CALLERS);
        tokio::spawn(async move {
            let (mut times, mut due) = (Vec::new(), first);
            while due < begin + OPEN {
                tokio::time::sleep_until(due.into()).await;
                call_t!(sink, Ask::Next, BOUND_MS, 1).map_err(|error| error.to_string())?;
                times.push(due.elapsed().as_secs_f64() * 1e6);
                due += period;
            }
            Ok::<_, String>(times)
        })
    };
    let callers: Vec<_> = (0..CALLERS).map(caller).collect();
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await??);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn at(times: &[f64], share: f64) -> f64 {
    times[((times.len() - 1) as f64 * share) as usize]
}

async fn client(port: u16, load: [u64; 3], rates: &[u32]) -> Result<(), Failure> {
    let [casts, count, bytes] = load;
    let server = node("client", 0).await?;
    ractor_cluster::client_connect(&server, ("127.0.0.1", port)).await?;
    let (sink, store) = (find("sink").await?, find("store").await?);
    one_way(&sink, casts / 100).await?;
    let mut figures = vec![one_way(&sink, casts).await?];
    calls(&sink, count / 10, Duration::ZERO).await?;
    let times = calls(&sink, count, Duration::ZERO).await?;
    figures.extend([at(&times, 0.5), at(&times, 0.99)]);
    for rate in rates {
        let times = open(&sink, *rate).await?;
        figures.extend([at(&times, 0.5), at(&times, 0.99)]);
    }
    let go_on = Arc::new(AtomicBool::new(true));
    let moved = tokio::spawn(transfers(store, bytes as usize, Arc::clone(&go_on)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let beside = calls(&sink, count / 4, Duration::from_millis(1)).await?;
    go_on.store(false, Ordering::Relaxed);
    let moved = moved.await?.ok_or("a transfer failed")?;
    figures.extend([at(&beside, 0.99), moved]);
    let words: Vec<String> = figures.iter().map(f64::to_string).collect();
    println!("{}", words.join(" "));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match &words[..] {
        ["server", port] => serve(port.parse()?).await,
        ["client", port, casts, calls, bytes, rates @ ..] => {
            let load = [casts.parse()?, calls.parse()?, bytes.parse()?];
            let rates: Result<Vec<u32>, _> = rates.iter().map(|rate| rate.parse()).collect();
            client(port.parse()?, load, &rates?).await
        }
        _ => Err("server PORT, or client PORT CASTS CALLS BYTES RATE...".into()),
    }
}
