//! How fast does a cluster form, and how fast does it notice what breaks?
//!
//! Role       Many nodes as processes of the system, ours and Erlang's in turn. Forming is timed from
//!            the start of the first program until all see all; a loss until all others know it.
//! Outputs    A [`Figure`] each.
//! Limit      What is cut or lost needs root, `ip` and `nft`; without them it is left out, and said.

use std::time::{Duration, Instant};

use foundation_benches::stage;
use nix::sys::signal::Signal;

use crate::members::{Members, Side};
use crate::namespaces::Network;

/// Longer than Erlang takes with its defaults: a tick of 60 s, and a quarter of it.
const BOUND: Duration = Duration::from_secs(120);
/// Addresses that each program takes for its own machine's: no TLS is needed.
const SUBNET: &str = "127.77.0";
/// How many nodes see one of them break.
const NODES: usize = 5;
const KILLS: usize = 5;
/// A moment in which all is well.
const CALM: Duration = Duration::from_secs(3);
const LOSS_PERCENT: u32 = 5;

pub(crate) struct Figure {
    pub(crate) work: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
}

fn figure(work: impl Into<String>, unit: &'static str, value: f64) -> Figure {
    Figure {
        work: work.into(),
        unit,
        value,
    }
}

/// Clusters of these sizes form: seconds until all see all, and memory of a node when they do.
pub(crate) fn form(side: Side<'_>, sizes: &[usize]) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    for &size in sizes {
        let mut members = Members::start(side, size, None)?;
        let whole = members.whole(BOUND)?;
        let took = (whole - members.begun).as_secs_f64();
        figures.push(figure(format!("{size} nodes form"), "s", took));
        members.rest(CALM);
        let resident = members.resident_mib();
        figures.push(figure(
            format!("memory of a node among {size}"),
            "MiB",
            resident,
        ));
    }
    Ok(figures)
}

/// Nodes are killed, one after the other: the median until all others know.
pub(crate) fn killed(side: Side<'_>) -> Result<Vec<Figure>, String> {
    let mut members = Members::start(side, NODES + KILLS, None)?;
    members.whole(BOUND)?;
    members.rest(CALM);
    let mut times = Vec::new();
    for lost in (NODES..NODES + KILLS).rev() {
        let watchers: Vec<usize> = (0..lost).collect();
        let begin = Instant::now();
        members.signal(lost, Signal::SIGKILL)?;
        let known = members.missed(&watchers, &[lost], BOUND)?;
        times.push((known - begin).as_secs_f64() * 1e3);
        members.rest(CALM / 10);
    }
    let name = "a node is killed: all know";
    Ok(vec![figure(name, "ms", stage::median(times))])
}

/// A node is stopped, and goes on later.
pub(crate) fn stopped(side: Side<'_>) -> Result<Vec<Figure>, String> {
    let mut members = Members::start(side, NODES, None)?;
    members.whole(BOUND)?;
    members.rest(CALM);
    let (lost, begin) = (NODES - 1, Instant::now());
    members.signal(lost, Signal::SIGSTOP)?;
    let watchers: Vec<usize> = (0..lost).collect();
    let known = members.missed(&watchers, &[lost], BOUND)?;
    let noticed = (known - begin).as_secs_f64();
    members.rest(CALM);
    let begin = Instant::now();
    members.signal(lost, Signal::SIGCONT)?;
    members.rest(CALM / 10);
    let whole = members.whole(BOUND)?.max(begin);
    Ok(vec![
        figure("a node is stopped: all know", "s", noticed),
        figure(
            "it goes on: all see all",
            "ms",
            (whole - begin).as_secs_f64() * 1e3,
        ),
    ])
}

/// Two nodes and three are cut from each other until all know, and then healed.
pub(crate) fn parted(side: Side<'_>) -> Result<Vec<Figure>, String> {
    let network = Network::new(NODES, SUBNET)?;
    let mut members = Members::start(side, NODES, Some(&network))?;
    members.whole(BOUND)?;
    members.rest(CALM);
    let begin = Instant::now();
    network.cut(&[1, 2], &[3, 4, 5])?;
    network.cut(&[3, 4, 5], &[1, 2])?;
    let (left, right) = ([0, 1], [2, 3, 4]);
    let first = members.missed(&left, &right, BOUND)?;
    let second = members.missed(&right, &left, BOUND)?;
    let noticed = (first.max(second) - begin).as_secs_f64();
    // As long as it takes for pauses between dials to be what they come to.
    members.rest(10 * CALM);
    let begin = Instant::now();
    network.heal()?;
    let whole = members.whole(BOUND)?;
    let healed = (whole - begin).as_secs_f64();
    Ok(vec![
        figure("a partition: all know", "s", noticed),
        figure("it is healed: all see all", "s", healed),
        figure("the partition, both together", "s", noticed + healed),
    ])
}

/// Every host loses packets: how often does somebody take another for lost?
pub(crate) fn lossy(side: Side<'_>, time: Duration) -> Result<Vec<Figure>, String> {
    let network = Network::new(NODES, SUBNET)?;
    let mut members = Members::start(side, NODES, Some(&network))?;
    members.whole(BOUND)?;
    members.rest(CALM);
    let hosts: Vec<usize> = (1..=NODES).collect();
    hosts
        .iter()
        .try_for_each(|host| network.lossy(*host, &hosts, LOSS_PERCENT))?;
    members.losses = 0;
    members.rest(time);
    let minutes = time.as_secs_f64() / 60.0;
    let work = format!("wrong losses in {minutes} min, {LOSS_PERCENT} % of packets lost");
    Ok(vec![figure(work, "losses", members.losses as f64)])
}
