//! How much of a large message is copied when it is sent?
//!
//! Role       Sends a mebibyte of records, texts and numbers, to a process that looks where they are;
//!            Erlang sends the same term. And what the walk over its allocations costs.
//! Outputs    Bytes copied and time, for each message.
//! Source     Erlang: `erts_debug:flat_size/1` is what a send copies; its receiver's heap shows it.

use std::process::Command;
use std::time::Instant;

use foundation::prelude::*;
use foundation::{HandOver, promise};

use crate::Bench;
use crate::row::{Measured, Row};

/// One of the records that a message is made of.
#[derive(Clone, HandOver)]
struct Record {
    id: u64,
    name: String,
    tags: Vec<String>,
    values: Vec<f64>,
}

const RECORDS: usize = 3710;

fn records() -> Vec<Record> {
    let record = |id: usize| Record {
        id: id as u64,
        name: format!("record number {id:07} of the batch"),
        tags: (0..3)
            .map(|tag| format!("tag-{tag}-{:05}", id % 999))
            .collect(),
        values: (0..8).map(|value| (id * value) as f64).collect(),
    };
    (0..RECORDS).map(record).collect()
}

/// Where everything lies that a send could copy, and how much it is.
fn places(records: &[Record]) -> Vec<(usize, usize)> {
    let mut places = vec![(records.as_ptr() as usize, size_of_val(records))];
    for record in records {
        places.push((record.name.as_ptr() as usize, record.name.len()));
        places.push((record.tags.as_ptr() as usize, size_of_val(&record.tags[..])));
        places.push((
            record.values.as_ptr() as usize,
            size_of_val(&record.values[..]),
        ));
        for tag in &record.tags {
            places.push((tag.as_ptr() as usize, tag.len()));
        }
    }
    places
}

#[derive(Message)]
#[message(local)]
enum Told {
    Records(Vec<Record>),
    Sealed(Sealed),
    Places(ReplyTo<Vec<(usize, usize)>>),
    Done(ReplyTo<()>),
}

/// Nobody can look into it: nothing walks over it.
struct Sealed(Vec<Record>);

async fn receiver(mut me: Process<Told>) {
    let mut last = Vec::new();
    while let Mail::Msg(told) = me.recv().await {
        match told {
            Told::Records(records) => last = records,
            Told::Sealed(sealed) => last = sealed.0,
            Told::Places(reply) => reply.send(places(&last)),
            Told::Done(reply) => reply.send(()),
        }
        std::hint::black_box(last.iter().map(|record| record.id).max());
    }
}

/// Bytes of content that lie elsewhere than before.
fn copied(before: &[(usize, usize)], after: &[(usize, usize)]) -> usize {
    let moved = before
        .iter()
        .zip(after)
        .filter(|(one, other)| one.0 != other.0);
    moved.map(|(place, _)| place.1).sum()
}

/// Bytes copied, the least time in microseconds, and what a message is made of.
async fn sender(
    node: &Node,
    rounds: usize,
    seal: bool,
) -> foundation::Result<(usize, f64, Vec<(usize, usize)>)> {
    let to = node.spawn_fn(receiver)?;
    let message = |records| match seal {
        true => Told::Sealed(Sealed(records)),
        false => Told::Records(records),
    };
    let first = records();
    let before = places(&first);
    to.send(message(first))?;
    let (reply, after) = promise(node);
    to.send(Told::Places(reply))?;
    let content = copied(&before, &after.await?);
    // Into the envelope and out of it.
    let moved = 2 * size_of::<Told>();
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let message = message(records());
        let start = Instant::now();
        to.send(message)?;
        let (reply, done) = promise(node);
        to.send(Told::Done(reply))?;
        done.await?;
        best = best.min(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok((content + moved, best, before))
}

fn send(quick: bool, seal: bool) -> Result<Measured, String> {
    let node = Node::builder().workers(1).start();
    let node = node.map_err(|error| error.to_string())?;
    let (reply, measured) = promise(&node);
    let rounds = if quick { 20 } else { 200 };
    let body = move |me: Process<Told>| async move {
        let sent = sender(&me.node(), rounds, seal).await;
        reply.send(sent.map_err(|error| error.to_string()));
    };
    node.spawn_fn(body).map_err(|error| error.to_string())?;
    let sent = node.block_on(measured.timeout(secs(600)));
    let (bytes, best, places) = sent.map_err(|error| error.to_string())??;
    Ok(Measured::default()
        .with("copied", bytes as f64)
        .with("micros", best)
        .with("blocks", places.len() as f64)
        .with(
            "size",
            places.iter().map(|place| place.1).sum::<usize>() as f64,
        ))
}

pub(crate) fn ours(quick: bool) -> Result<Measured, String> {
    send(quick, false)
}

pub(crate) fn told(quick: bool) -> Result<Measured, String> {
    send(quick, false)
}

pub(crate) fn sealed(quick: bool) -> Result<Measured, String> {
    send(quick, true)
}

/// The same term in Erlang: what it weighs, what its receiver's heap grows by, how long a send takes.
const ERLANG: &str = r#"
    N = list_to_integer(os:getenv("RECORDS")),
    Rounds = list_to_integer(os:getenv("ROUNDS")),
    Record = fun(Id) -> {record, Id,
        iolist_to_binary(io_lib:format("record number ~7..0b of the batch", [Id])),
        [iolist_to_binary(io_lib:format("tag-~b-~5..0b", [T, Id rem 999])) || T <- [0, 1, 2]],
        [float(Id * V) || V <- lists:seq(0, 7)]} end,
    Term = [Record(Id) || Id <- lists:seq(0, N - 1)],
    Loop = fun(Loop) -> receive
        {Asker, _Term} -> Asker ! done, Loop(Loop);
        stop -> ok end end,
    To = spawn(fun() -> Loop(Loop) end),
    Send = fun() ->
        Start = erlang:monotonic_time(nanosecond),
        To ! {self(), Term},
        receive done -> ok end,
        erlang:monotonic_time(nanosecond) - Start end,
    Times = [Send() || _ <- lists:seq(1, Rounds)],
    Words = erts_debug:flat_size(Term),
    io:format("~b ~b~n", [Words * erlang:system_info(wordsize), lists:min(Times)]),
    halt().
"#;

pub(crate) fn erlang(quick: bool) -> Result<Measured, String> {
    let output = Command::new("erl")
        .args(["-noshell", "-noinput", "-eval", ERLANG])
        .env("RECORDS", RECORDS.to_string())
        .env("ROUNDS", if quick { "20" } else { "200" })
        .output();
    let output = output.map_err(|_| "erl is not installed; run benches/erlang/install.sh")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut figures = text.split_whitespace().map(str::parse::<f64>);
    match (figures.next(), figures.next()) {
        (Some(Ok(bytes)), Some(Ok(nanos))) => Ok(Measured::default()
            .with("copied", bytes)
            .with("micros", nanos / 1e3)),
        _ => Err(format!(
            "Erlang says: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, String> {
    let ours = bench.measure("messages ours")?;
    let erlang = match bench.measure("messages erlang") {
        Ok(erlang) => Some(erlang),
        Err(error) => {
            eprintln!("  skipped: {error}");
            None
        }
    };
    let of = |name| erlang.as_ref().map(|erlang| erlang.get(name));
    let note = format!(
        "a message of {:.0} bytes in {:.0} blocks",
        ours.get("size"),
        ours.get("blocks")
    );
    let (told, sealed) = (bench.measure("walk told")?, bench.measure("walk sealed")?);
    let walk = |side: &Measured| side.get("micros") * 1e3 / side.get("blocks");
    Ok(vec![
        Row::new(
            "send 1 MiB: bytes copied",
            "B",
            ours.get("copied"),
            of("copied"),
        )
        .note(note),
        Row::new("send 1 MiB: time", "us", ours.get("micros"), of("micros"))
            .note("until the receiver has seen it; with accounts kept"),
        Row::new("hand over: a block", "ns", walk(&told), Some(walk(&sealed)))
            .note("all of a send by the blocks of the message, against the same unseen"),
    ])
}
