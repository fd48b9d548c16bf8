//! Does another process's heart miss a beat when a gigabyte is freed, or grows?
//!
//! Role       A process beats once a millisecond on a node with one scheduler, while another one ends
//!            with a gigabyte of small boxes, again and again: freed by the reaper, or, as it asks
//!            with `release_first`, on the scheduler; and while it grows to that, in turns.
//! Inputs     How often.
//! Outputs    The lateness of beats in the windows where that happens: p99.9 and the largest.

use std::time::{Duration, Instant};

use foundation::prelude::*;
use foundation::promise;

use crate::Bench;
use crate::row::{Measured, Row};

/// A gigabyte of these.
type Small = Box<[u64; 8]>;
const GROWN: usize = (1 << 30) / size_of::<[u64; 8]>();
/// So many are made in one turn: a few hundred microseconds of work.
const A_TURN: usize = 2048;
/// How long beats are heard from when the process is told to end.
const WINDOW: Duration = Duration::from_millis(700);
const BEAT: Duration = Duration::from_millis(1);

#[derive(Message)]
#[message(local)]
enum Told {
    Start,
    Stop(ReplyTo<Vec<Duration>>),
    Grow(ReplyTo<()>),
}

/// Says of each beat while it listens how late it was.
async fn heart(mut me: Process<Told>) {
    let mut late = Vec::with_capacity(1 << 20);
    let mut listens = false;
    loop {
        let asleep = Instant::now();
        let told = me.receive(Ok).timeout(BEAT).await;
        match told {
            Ok(Mail::Msg(Told::Start)) => {
                late.clear();
                listens = true;
            }
            Ok(Mail::Msg(Told::Stop(reply))) => {
                listens = false;
                reply.send(late.clone());
            }
            Ok(_) => return,
            Err(_) if listens => late.push(asleep.elapsed().saturating_sub(BEAT)),
            Err(_) => {}
        }
    }
}

/// Grows to a gigabyte, a turn's worth at a time.
async fn hoarder(mut me: Process<Told>) {
    let mut kept: Vec<Small> = Vec::with_capacity(GROWN);
    while let Mail::Msg(told) = me.recv().await {
        if let Told::Grow(reply) = told {
            while kept.len() < GROWN {
                kept.extend((0..A_TURN).map(|at| Box::new([at as u64; 8])));
                foundation::time::yield_now().await;
            }
            reply.send(());
        }
    }
}

/// What happens while the heart is heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum While {
    Nothing,
    Growing,
    Ending,
}

fn beats(quick: bool, what: While, options: SpawnOptions) -> Result<Measured, String> {
    let node = Node::builder().workers(1).start();
    let node = node.map_err(|error| error.to_string())?;
    let heart = node.spawn_fn(heart).map_err(|error| error.to_string())?;
    let mut late = Vec::new();
    let cycles = if quick { 2 } else { 8 };
    for _ in 0..cycles {
        let cycle = cycle(&node, &heart, what, &options);
        late.extend(node.block_on(cycle).map_err(|error| error.to_string())?);
    }
    late.sort_unstable();
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    Ok(Measured::default()
        .with("p999", at(0.999))
        .with("p50", at(0.5))
        .with("max", at(1.0))
        .with("beats", late.len() as f64))
}

async fn cycle(
    node: &Node,
    heart: &ProcessRef<Told>,
    what: While,
    options: &SpawnOptions,
) -> foundation::Result<Vec<Duration>> {
    let (hoarder, _) = node.spawn_fn_with(options, hoarder)?;
    if what == While::Ending {
        grow(node, &hoarder).await?;
    }
    heart.send(Told::Start)?;
    match what {
        While::Nothing => node.sleep(WINDOW).await,
        While::Growing => grow(node, &hoarder).await?,
        While::Ending => {
            node.exit(&hoarder, Reason::Kill);
            node.sleep(WINDOW).await;
        }
    }
    let (reply, late) = promise(node);
    heart.send(Told::Stop(reply))?;
    let late = late.timeout(secs(60)).await?;
    node.exit(&hoarder, Reason::Kill);
    node.down(&hoarder).await;
    // The reaper may still be at it.
    while node.memory().is_some_and(|memory| memory.left > 1 << 20) {
        node.sleep(foundation::ms(10)).await;
    }
    Ok(late)
}

async fn grow(node: &Node, hoarder: &ProcessRef<Told>) -> foundation::Result {
    let (reply, grown) = promise(node);
    hoarder.send(Told::Grow(reply))?;
    Ok(grown.timeout(secs(60)).await?)
}

pub(crate) fn idle(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Nothing, SpawnOptions::new())
}

pub(crate) fn reaped(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Ending, SpawnOptions::new())
}

pub(crate) fn dropped(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Ending, SpawnOptions::new().release_first())
}

pub(crate) fn grown(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Growing, SpawnOptions::new())
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, String> {
    let idle = bench.measure("beats idle")?;
    let dropped = bench.measure("beats dropped")?;
    let rest = idle.get("p999");
    let mut rows = Vec::new();
    for (name, side) in [
        ("free 1 GiB", "beats reaped"),
        ("grow to 1 GiB", "beats grown"),
    ] {
        let ours = bench.measure(side)?;
        let moved = (ours.get("p999") - rest).max(0.0);
        let other = (dropped.get("p999") - rest).max(0.0);
        let note = format!(
            "how far the p99.9 of a heartbeat moves, against dropping on the scheduler; at rest it is \
             {rest:.0}; {:.0} beats",
            ours.get("beats")
        );
        rows.push(Row::new(&format!("{name}: p99.9"), "us", moved, Some(other)).note(note));
        let (ours, other) = (ours.get("max"), dropped.get("max"));
        rows.push(Row::new(
            &format!("{name}: largest gap"),
            "us",
            ours,
            Some(other),
        ));
    }
    Ok(rows)
}
