//! What do sessions weigh, each in a process of its own or all in one map?
//!
//! Role       Feeds ten thousand sessions from a real access log, repeated, with churn. Once each session
//!            is a process, once all of them are in one map of one process.
//! Outputs    The most that the program had in memory.

use std::collections::{HashMap, VecDeque};

use foundation::prelude::*;
use foundation::promise;

use crate::Bench;
use crate::row::{Measured, Row};

const LOG: &str = include_str!("../../../../node/data/access.log");

/// So many of a client's requests are kept.
pub(crate) const KEPT: usize = 16;

/// What is known of one client.
#[derive(Default)]
struct Session {
    hits: u64,
    bytes: u64,
    paths: HashMap<Box<str>, u32>,
    last: VecDeque<Box<str>>,
}

impl Session {
    fn hit(&mut self, line: &Line<'_>) {
        self.hits += 1;
        self.bytes += line.bytes;
        match self.paths.get_mut(line.path) {
            Some(count) => *count += 1,
            None => drop(self.paths.insert(line.path.into(), 1)),
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line.text.into());
    }
}

/// One request.
pub(crate) struct Line<'a> {
    client: &'a str,
    pub(crate) path: &'a str,
    pub(crate) bytes: u64,
    pub(crate) text: &'a str,
}

impl<'a> Line<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let client = text.split(' ').next()?;
        let mut quoted = text.split('"');
        let path = quoted.nth(1)?.split(' ').nth(1)?;
        let bytes = quoted.next()?.split(' ').nth(2)?.parse().unwrap_or(0);
        Some(Self {
            client,
            path,
            bytes,
            text,
        })
    }
}

/// The clients of each pass over the log are others than those of the last so many.
const CROWDS: usize = 6;
/// After so many passes all of them are new.
const EPOCH: usize = 24;

/// Where the sessions are.
pub(crate) trait Host {
    type Session;
    fn fresh(&mut self) -> Self::Session;
    fn hit(&mut self, session: &mut Self::Session, line: &Line<'_>);
    fn end(&mut self, session: Self::Session);
}

/// Goes over the log so often, and lets others have their turn between portions. Says how many sessions
/// live in the end.
pub(crate) async fn feed<H: Host>(mut host: H, passes: usize) -> usize {
    let mut live = HashMap::<Box<str>, H::Session>::new();
    for pass in 0..passes {
        let (crowd, epoch) = (pass % CROWDS, pass / EPOCH);
        for (number, line) in LOG.lines().filter_map(Line::read).enumerate() {
            let key = format!("{}#{crowd}#{epoch}", line.client);
            if !live.contains_key(&*key) {
                let before = epoch.checked_sub(1);
                let before = before.map(|epoch| format!("{}#{crowd}#{epoch}", line.client));
                if let Some(old) = before.and_then(|before| live.remove(&*before)) {
                    host.end(old);
                }
                live.insert(key.as_str().into(), host.fresh());
            }
            let session = live.get_mut(&*key).expect("it was just looked for");
            host.hit(session, &line);
            if number % 256 == 0 {
                foundation::time::yield_now().await;
            }
        }
    }
    live.len()
}

#[derive(Message)]
#[message(local)]
pub(crate) struct Told(pub(crate) Box<str>);

/// The most that the program has had in memory, and what it has now, in bytes.
fn resident() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        number.unwrap_or(f64::NAN) * 1024.0
    };
    (of("VmHWM:"), of("VmRSS:"))
}

pub(crate) fn passes(quick: bool) -> usize {
    if quick { EPOCH + CROWDS } else { 3 * EPOCH }
}

pub(crate) fn measure<F>(
    run: impl FnOnce(Process<Told>) -> F + Send + 'static,
) -> Result<Measured, String>
where
    F: Future<Output = usize> + Send + 'static,
{
    let node = Node::builder().workers(1).start();
    let node = node.map_err(|error| error.to_string())?;
    let (reply, counted) = promise(&node);
    let (_, before) = resident();
    let body = move |me: Process<Told>| async move { reply.send(run(me).await) };
    node.spawn_fn(body).map_err(|error| error.to_string())?;
    let sessions = node.block_on(counted.timeout(secs(600)));
    let sessions = sessions.map_err(|error| error.to_string())?;
    Ok(Measured::default()
        .with("peak", resident().0 - before)
        .with("sessions", sessions as f64))
}

async fn session(mut me: Process<Told>) {
    let mut session = Session::default();
    while let Mail::Msg(told) = me.recv().await {
        if let Some(line) = Line::read(&told.0) {
            session.hit(&line);
        }
    }
}

/// A process for each.
struct Isolated(Node);

impl Host for Isolated {
    type Session = ProcessRef<Told>;

    fn fresh(&mut self) -> ProcessRef<Told> {
        self.0.spawn_fn(session).expect("there is room")
    }

    fn hit(&mut self, session: &mut ProcessRef<Told>, line: &Line<'_>) {
        session.send(Told(line.text.into())).expect("it is local");
    }

    fn end(&mut self, session: ProcessRef<Told>) {
        self.0.exit(&session, Reason::Kill);
    }
}

/// All in one map.
struct Together;

impl Host for Together {
    type Session = Session;

    fn fresh(&mut self) -> Session {
        Session::default()
    }

    fn hit(&mut self, session: &mut Session, line: &Line<'_>) {
        session.hit(line);
    }

    fn end(&mut self, session: Session) {
        drop(session);
    }
}

pub(crate) fn isolated(quick: bool) -> Result<Measured, String> {
    measure(move |me| feed(Isolated(me.node()), passes(quick)))
}

pub(crate) fn map(quick: bool) -> Result<Measured, String> {
    measure(move |_| feed(Together, passes(quick)))
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, String> {
    let (isolated, map) = (
        bench.measure("sessions isolated")?,
        bench.measure("sessions map")?,
    );
    let (alone, shared) = (
        bench.measure("arenas isolated")?,
        bench.measure("arenas shared")?,
    );
    let mebi = |side: &Measured| side.get("peak") / f64::from(1 << 20);
    let note = format!(
        "a process for each of {:.0} sessions, against one well-written map",
        isolated.get("sessions")
    );
    Ok(vec![
        Row::new("sessions: peak", "MiB", mebi(&isolated), Some(mebi(&map))).note(note),
        Row::new(
            "sessions in arenas: peak",
            "MiB",
            mebi(&alone),
            Some(mebi(&shared)),
        )
        .note("compacted by copy when half is holes: an arena for each, against one for all"),
        Row::new(
            "sessions in arenas: longest compaction",
            "us",
            alone.get("pause"),
            Some(shared.get("pause")),
        )
        .note("nothing else of that process happens meanwhile"),
    ])
}
