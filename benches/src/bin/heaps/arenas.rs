//! The same sessions in arenas: one for each, or one for all.
//!
//! Role       As a process of the BEAM keeps its state: in a heap that is collected by copying. One that
//!            holds everything needs room for a second of its kind; small ones are copied one at a time.
//! Outputs    The most that the program had in memory, and the longest compaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use foundation::heap::{Arena, Id};
use foundation::prelude::*;

use crate::row::Measured;
use crate::sessions::{Host, KEPT, Line, Told, feed, measure, passes};

/// The longest compaction, in nanoseconds.
type Pause = Arc<AtomicU64>;

/// No session comes near it.
const LIMIT: usize = 1 << 30;

#[derive(Clone, Copy)]
struct Path {
    path: Id<str>,
    hits: u64,
    next: Option<Id<Path>>,
}

/// One client; what is large of it lies in an arena.
struct Session {
    pause: Pause,
    hits: u64,
    bytes: u64,
    paths: Option<Id<Path>>,
    last: [Option<Id<str>>; KEPT],
}

impl Session {
    fn new(pause: &Pause) -> Self {
        Self {
            pause: Arc::clone(pause),
            hits: 0,
            bytes: 0,
            paths: None,
            last: [None; KEPT],
        }
    }

    fn hit(&mut self, arena: &mut Arena, line: &Line<'_>) {
        let last = self.hits as usize % KEPT;
        self.hits += 1;
        self.bytes += line.bytes;
        let mut at = self.paths;
        while let Some(id) = at {
            let seen = *arena.get(id).expect("it is of this arena");
            if arena.get(seen.path) == Some(line.path) {
                arena.get_mut(id).expect("it is of this arena").hits += 1;
                break;
            }
            at = seen.next;
        }
        if at.is_none() {
            let new = Path {
                path: arena.insert(line.path),
                hits: 1,
                next: self.paths,
            };
            self.paths = Some(arena.insert(&new));
        }
        if let Some(old) = self.last[last].replace(arena.insert(line.text)) {
            arena.remove(old);
        }
        tidy(arena, &self.pause);
    }

    fn end(self, arena: &mut Arena) {
        let mut at = self.paths;
        while let Some(id) = at {
            let path = *arena.get(id).expect("it is of this arena");
            arena.remove(path.path);
            arena.remove(id);
            at = path.next;
        }
        for last in self.last.into_iter().flatten() {
            arena.remove(last);
        }
        tidy(arena, &self.pause);
    }
}

fn tidy(arena: &mut Arena, pause: &Pause) {
    let start = Instant::now();
    if let Ok(Some(_)) = arena.compact_if_sparse() {
        let nanos = start.elapsed().as_nanos() as u64;
        pause.fetch_max(nanos, Ordering::Relaxed);
    }
}

/// A process and an arena for each.
struct Isolated(Node, Pause);

async fn session(mut me: Process<Told>, pause: Pause) {
    let mut arena = Arena::with_limit(LIMIT);
    let mut session = Session::new(&pause);
    while let Mail::Msg(Told(text)) = me.recv().await {
        if let Some(line) = Line::read(&text) {
            session.hit(&mut arena, &line);
        }
    }
}

impl Host for Isolated {
    type Session = ProcessRef<Told>;

    fn fresh(&mut self) -> ProcessRef<Told> {
        let pause = Arc::clone(&self.1);
        let body = move |me| session(me, pause);
        self.0.spawn_fn(body).expect("there is room")
    }

    fn hit(&mut self, session: &mut ProcessRef<Told>, line: &Line<'_>) {
        session.send(Told(line.text.into())).expect("it is local");
    }

    fn end(&mut self, session: ProcessRef<Told>) {
        self.0.exit(&session, Reason::Kill);
    }
}

/// One arena.
struct Shared(Arena, Pause);

impl Host for Shared {
    type Session = Session;

    fn fresh(&mut self) -> Session {
        Session::new(&self.1)
    }

    fn hit(&mut self, session: &mut Session, line: &Line<'_>) {
        session.hit(&mut self.0, line);
    }

    fn end(&mut self, session: Session) {
        session.end(&mut self.0);
    }
}

fn with_pause(pause: &Pause, measured: Measured) -> Measured {
    measured.with("pause", pause.load(Ordering::Relaxed) as f64 / 1e3)
}

pub(crate) fn isolated(quick: bool) -> Result<Measured, String> {
    let pause = Pause::default();
    let theirs = Arc::clone(&pause);
    let run = move |me: Process<Told>| feed(Isolated(me.node(), theirs), passes(quick));
    measure(run).map(|measured| with_pause(&pause, measured))
}

pub(crate) fn shared(quick: bool) -> Result<Measured, String> {
    let pause = Pause::default();
    let theirs = Arc::clone(&pause);
    let run = move |_| feed(Shared(Arena::with_limit(LIMIT), theirs), passes(quick));
    measure(run).map(|measured| with_pause(&pause, measured))
}
