//! Does another process's heart miss a beat when a gigabyte is freed, or grows?
//!
//! Role       A process beats once a millisecond on a node with one scheduler, while another one ends
//!            with a gigabyte of small boxes, again and again: freed by the reaper, or, as it asks
//!            with `release_first`, on the scheduler; while it grows to that, in turns; and while
//!            two thousand processes end that have it together, as a heap group or each by itself.
//! Inputs     How often.
//! Outputs    The lateness of beats in the windows where that happens: p99.9 and the largest.

use std::time::{Duration, Instant};

use foundation::heap::HeapGroup;
use foundation::prelude::*;
use foundation::{MaxHeap, promise};

use crate::Bench;
use crate::row::{Measured, Row};

/// A gigabyte of these.
type Small = Box<[u64; 8]>;
const GROWN: usize = (1 << 30) / size_of::<[u64; 8]>();
/// So many are made in one turn: a few hundred microseconds of work.
const A_TURN: usize = 2048;
/// How long beats are heard from when the process is told to end.
const WINDOW: Duration = Duration::from_millis(700);
/// So many processes have the gigabyte when many have it: half a mebibyte each.
const MANY: usize = 2048;
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

/// Grows to its share of a gigabyte, a turn's worth at a time.
async fn hoarder(mut me: Process<Told>, share: usize) {
    let mut kept: Vec<Small> = Vec::with_capacity(share);
    while let Mail::Msg(told) = me.recv().await {
        if let Told::Grow(reply) = told {
            while kept.len() < share {
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

/// Who has the gigabyte.
enum Who {
    One(SpawnOptions),
    /// As a heap group, or each by itself.
    Many {
        grouped: bool,
    },
}

impl Who {
    /// What they are started with, and how many there are.
    fn options(&self, node: &Node) -> (SpawnOptions, usize) {
        match self {
            Self::One(options) => (options.clone(), 1),
            Self::Many { grouped: false } => (SpawnOptions::new(), MANY),
            Self::Many { grouped: true } => {
                let group = HeapGroup::new(node, "hoarders", MaxHeap::OFF);
                (SpawnOptions::new().heap_group(&group), MANY)
            }
        }
    }
}

fn beats(quick: bool, what: While, who: &Who) -> Result<Measured, String> {
    let node = Node::builder().workers(1).start();
    let node = node.map_err(|error| error.to_string())?;
    let heart = node.spawn_fn(heart).map_err(|error| error.to_string())?;
    let mut late = Vec::new();
    let cycles = if quick { 2 } else { 8 };
    for _ in 0..cycles {
        let cycle = cycle(&node, &heart, what, who);
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
    who: &Who,
) -> foundation::Result<Vec<Duration>> {
    let (options, count) = who.options(node);
    let start = |_| {
        let body = move |me| hoarder(me, GROWN / count);
        node.spawn_fn_with(&options, body)
            .map(|(hoarder, _)| hoarder)
    };
    let hoarders = (0..count).map(start).collect::<Result<Vec<_>, _>>()?;
    if what == While::Ending {
        grow(node, &hoarders).await?;
    }
    heart.send(Told::Start)?;
    match what {
        While::Nothing => node.sleep(WINDOW).await,
        While::Growing => grow(node, &hoarders).await?,
        While::Ending => {
            end(node, &hoarders);
            node.sleep(WINDOW).await;
        }
    }
    let (reply, late) = promise(node);
    heart.send(Told::Stop(reply))?;
    let late = late.timeout(secs(60)).await?;
    end(node, &hoarders);
    for hoarder in &hoarders {
        node.down(hoarder).await;
    }
    // The reaper may still be at it.
    while node.memory().is_some_and(|memory| memory.left > 1 << 20) {
        node.sleep(foundation::ms(10)).await;
    }
    Ok(late)
}

fn end(node: &Node, hoarders: &[ProcessRef<Told>]) {
    for hoarder in hoarders {
        node.exit(hoarder, Reason::Kill);
    }
}

async fn grow(node: &Node, hoarders: &[ProcessRef<Told>]) -> foundation::Result {
    for hoarder in hoarders {
        let (reply, grown) = promise(node);
        hoarder.send(Told::Grow(reply))?;
        grown.timeout(secs(60)).await?;
    }
    Ok(())
}

pub(crate) fn idle(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Nothing, &Who::One(SpawnOptions::new()))
}

pub(crate) fn reaped(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Ending, &Who::One(SpawnOptions::new()))
}

pub(crate) fn dropped(quick: bool) -> Result<Measured, String> {
    let first = SpawnOptions::new().release_first();
    beats(quick, While::Ending, &Who::One(first))
}

pub(crate) fn grown(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Growing, &Who::One(SpawnOptions::new()))
}

pub(crate) fn grouped(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Ending, &Who::Many { grouped: true })
}

pub(crate) fn apart(quick: bool) -> Result<Measured, String> {
    beats(quick, While::Ending, &Who::Many { grouped: false })
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, String> {
    let rest = bench.measure("beats idle")?.get("p999");
    let dropped = bench.measure("beats dropped")?;
    let mut rows = Vec::new();
    for (name, side) in [
        ("free 1 GiB", "beats reaped"),
        ("grow to 1 GiB", "beats grown"),
    ] {
        let against = "dropping on the scheduler";
        rows.extend(pair(name, rest, &bench.measure(side)?, &dropped, against));
    }
    let (ours, other) = (
        bench.measure("beats grouped")?,
        bench.measure("beats apart")?,
    );
    let against = "the end of as many processes, each with a heap by itself";
    rows.extend(pair("end a group of 1 GiB", rest, &ours, &other, against));
    Ok(rows)
}

/// How far the heartbeat moves, and its largest gap.
fn pair(name: &str, rest: f64, ours: &Measured, other: &Measured, against: &str) -> [Row; 2] {
    let moved = |side: &Measured| (side.get("p999") - rest).max(0.0);
    let note = format!(
        "how far the p99.9 of a heartbeat moves, against {against}; at rest it is {rest:.0}; {:.0} \
         beats",
        ours.get("beats")
    );
    let p999 = Row::new(
        &format!("{name}: p99.9"),
        "us",
        moved(ours),
        Some(moved(other)),
    );
    let gaps = (ours.get("max"), other.get("max"));
    let gap = Row::new(&format!("{name}: largest gap"), "us", gaps.0, Some(gaps.1));
    [p999.note(note), gap]
}
