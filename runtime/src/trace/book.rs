//! Who is traced by whom?
//!
//! Role       The sessions of a node, and which processes each of them traces.
//! Limit      `SESSIONS_MAX` sessions; one entry per traced process.
//! Invariant  A process with an entry has the flag `TRACED` in its control block until it ends. The
//!            quick ways to send and to spawn are closed exactly while somebody needs that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::channel::Channel;
use super::event::{SENDS, TraceEvent, Traced};
use super::spec::{Choice, Seen, Trace, TraceError, Verdict};
use crate::node::Core;
use crate::observe::{Close, Glance};
use crate::process::{ALIVE, Map, TRACED};
use crate::report::quietly;
use crate::scheduler::Running;
use crate::{Pid, ProcessKind};

/// How many sessions a node has at most: the bits of a [`Mark`].
pub(super) const SESSIONS_MAX: usize = 16;

/// The tracing of one node.
#[derive(Default)]
pub(crate) struct Tracer(Mutex<Book>);

#[derive(Default)]
struct Book {
    sessions: Vec<Option<Session>>,
    /// By the local word of the pid.
    marks: Map<u64, Mark>,
    /// How many marks count sends.
    counting: usize,
}

struct Session {
    trace: Arc<Trace>,
    channel: Arc<Channel>,
    on: bool,
}

/// What is known of a traced process: a bit for each session.
#[derive(Clone, Copy, Default)]
struct Mark {
    sure: u16,
    /// Chosen or not, which depends on its code; whoever runs it knows that.
    maybe: u16,
    /// It counts for itself what it sends.
    counts: bool,
}

/// A process that has just begun, and that nobody has run yet.
pub(crate) struct Born<'a> {
    pub(crate) pid: Pid,
    pub(crate) parent: Option<Pid>,
    pub(crate) code: &'static str,
    pub(crate) kind: ProcessKind,
    pub(crate) name: Option<&'a str>,
}

impl Tracer {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session, with nobody marked yet.
    pub(super) fn begin(
        &self,
        core: &Core,
        trace: Trace,
    ) -> Result<(usize, Arc<Channel>), TraceError> {
        let now = core.clock().now();
        let nobody = Pid::nobody(core.id());
        let channel = Arc::new(Channel::new(nobody, trace.capacity, trace.price(), now));
        let session = Session {
            trace: Arc::new(trace),
            channel: Arc::clone(&channel),
            on: true,
        };
        let mut book = self.book();
        let nth = match book.sessions.iter().position(Option::is_none) {
            Some(free) => free,
            None if book.sessions.len() == SESSIONS_MAX => return Err(TraceError::TooMany),
            None => {
                book.sessions.push(None);
                book.sessions.len() - 1
            }
        };
        book.sessions[nth] = Some(session);
        book.listen(core);
        Ok((nth, channel))
    }

    /// Marks the processes that are there already.
    pub(super) fn attach(&self, core: &Core, nth: usize) {
        let Some(trace) = self.book().trace(nth) else {
            return;
        };
        let one = |choice: &Choice| match choice {
            Choice::One(pid) => Some(*pid),
            _ => None,
        };
        let pids: Option<Vec<Pid>> = trace.choices.iter().map(one).collect();
        let slots: Vec<u32> = match pids {
            Some(pids) => pids.iter().map(|pid| pid.slot()).collect(),
            None => (0..core.table().high()).collect(),
        };
        let by_code = trace
            .choices
            .iter()
            .any(|choice| matches!(choice, Choice::Code(_)));
        for glance in slots.iter().filter_map(|slot| Glance::of(core, *slot)) {
            let name = core.names().of(glance.pid);
            let close = by_code.then(|| Close::of(core, glance.pid)).flatten();
            let verdict = trace.verdict(&Seen {
                pid: glance.pid,
                parent: glance.parent,
                kind: glance.kind(),
                name: name.as_deref(),
                code: close.and_then(|close| close.code),
                new: false,
            });
            self.book().mark(core, glance.pid, nth, verdict);
        }
        // Those that run take part from their next turn on: let that be soon.
        core.scheduler().end_turns();
    }

    /// Ends a session, or lets it rest.
    pub(super) fn detach(&self, core: &Core, nth: usize, ends: bool) {
        let mut book = self.book();
        if ends {
            book.sessions[nth] = None;
        } else if let Some(session) = &mut book.sessions[nth] {
            session.on = false;
        }
        let bit = 1 << nth;
        for mark in book.marks.values_mut() {
            mark.sure &= !bit;
            mark.maybe &= !bit;
        }
        book.sweep(core);
        book.listen(core);
    }

    /// Goes on with a session that rested.
    pub(super) fn go_on(&self, core: &Core, nth: usize) {
        let mut book = self.book();
        if let Some(session) = &mut book.sessions[nth] {
            session.on = true;
        }
        book.listen(core);
        drop(book);
        self.attach(core, nth);
    }

    /// Tells those who trace this process of something.
    pub(super) fn tell(&self, core: &Core, pid: Pid, runs: Option<&Running>, what: Traced) {
        let mut wakers = Vec::new();
        let mut book = self.book();
        if let Some(running) = runs {
            book.settle(running);
        }
        let word = pid.local_word().get();
        let sure = book.marks.get(&word).map_or(0, |mark| mark.sure);
        if sure == 0 {
            return;
        }
        let now = core.clock().now();
        let (at, flag) = (Duration::from_nanos(now), what.flag());
        let event = TraceEvent { at, pid, what };
        let sessions = book.sessions.iter().enumerate();
        for (_, session) in sessions.filter(|(nth, _)| sure & 1 << nth != 0) {
            if let Some(session) = session
                && session.trace.flags & flag != 0
            {
                wakers.extend(session.channel.put(now, &event));
            }
        }
        drop(book);
        // Not under the lock: a waker is the program's.
        wakers
            .into_iter()
            .for_each(|waker| quietly(|| waker.wake()));
    }

    /// Marks a process that begins, for whoever wants it.
    pub(super) fn born(&self, core: &Core, by: Option<&Running>, born: &Born<'_>) {
        let mut book = self.book();
        let parent = by.map_or(0, |running| {
            book.settle(running);
            let mark = book.marks.get(&running.word());
            mark.map_or(0, |mark| mark.sure)
        });
        for nth in 0..book.sessions.len() {
            let Some(trace) = book.trace_on(nth) else {
                continue;
            };
            let verdict = trace.verdict(&Seen {
                pid: born.pid,
                parent: born.parent,
                kind: born.kind,
                name: born.name,
                code: Some(born.code),
                new: true,
            });
            let inherits = trace.on_spawn && parent & 1 << nth != 0;
            let verdict = if inherits { Verdict::Yes } else { verdict };
            book.mark(core, born.pid, nth, verdict);
        }
    }

    /// Marks a process that was given a name, for whoever wants it.
    pub(super) fn named(&self, core: &Core, pid: Pid, name: &str) {
        let Some(glance) = Glance::of(core, pid.slot()).filter(|glance| glance.pid == pid) else {
            return;
        };
        let mut book = self.book();
        for nth in 0..book.sessions.len() {
            let Some(trace) = book.trace_on(nth) else {
                continue;
            };
            let verdict = trace.verdict(&Seen {
                pid,
                parent: glance.parent,
                kind: glance.kind(),
                name: Some(name),
                code: None,
                new: false,
            });
            if verdict == Verdict::Yes {
                book.mark(core, pid, nth, verdict);
            }
        }
    }

    /// Forgets a process that ends.
    pub(super) fn forget(&self, core: &Core, pid: Pid) {
        let mut book = self.book();
        let mark = book.marks.swap_remove(&pid.local_word().get());
        if mark.is_some_and(|mark| mark.counts) {
            book.counting -= 1;
            book.listen(core);
        }
    }

    /// Has the running process count what it sends, or no longer.
    pub(super) fn count(&self, running: &Running, on: bool) {
        let core = running.core();
        let mut book = self.book();
        let mark = book.marks.entry(running.word()).or_default();
        if std::mem::replace(&mut mark.counts, on) != on {
            book.counting = if on {
                book.counting + 1
            } else {
                book.counting - 1
            };
        }
        running.block().set_flag(TRACED);
        book.sweep(core);
        book.listen(core);
    }
}

impl Book {
    fn trace(&self, nth: usize) -> Option<Arc<Trace>> {
        let session = self.sessions.get(nth)?.as_ref()?;
        Some(Arc::clone(&session.trace))
    }

    fn trace_on(&self, nth: usize) -> Option<Arc<Trace>> {
        let session = self.sessions.get(nth)?.as_ref()?;
        session.on.then(|| Arc::clone(&session.trace))
    }

    /// Opens or closes the quick ways, as is needed now.
    fn listen(&self, core: &Core) {
        let mut on = self.sessions.iter().flatten().filter(|session| session.on);
        let sends = self.counting > 0 || on.clone().any(|on| on.trace.flags & SENDS != 0);
        core.listen(on.next().is_some(), sends);
    }

    /// Marks a process of this node, if it is chosen and alive.
    fn mark(&mut self, core: &Core, pid: Pid, nth: usize, verdict: Verdict) {
        if verdict == Verdict::No
            || self.sessions[nth]
                .as_ref()
                .is_none_or(|session| !session.on)
        {
            return;
        }
        let Some(block) = core.table().find(pid.slot()) else {
            return;
        };
        let before = block.set_flag(TRACED);
        if (before >> 32) as u32 != pid.tenancy() || before & ALIVE == 0 {
            // It has died meanwhile: either it sees the flag when it ends, and waits for our lock,
            // or we see here that it has.
            if before & TRACED == 0 {
                block.clear_flag(TRACED);
            }
            return;
        }
        let mark = self.marks.entry(pid.local_word().get()).or_default();
        match verdict {
            Verdict::Yes => mark.sure |= 1 << nth,
            _ => mark.maybe |= 1 << nth,
        }
    }

    /// Decides what depended on the code of the process that runs here.
    fn settle(&mut self, running: &Running) {
        let Some(mark) = self.marks.get_mut(&running.word()) else {
            return;
        };
        let open = std::mem::take(&mut mark.maybe) & !mark.sure;
        if open == 0 {
            return;
        }
        let code = running.local(|local| {
            let body = local.body.as_ref();
            body.map_or_else(|| running.code_name(), |body| body.name())
        });
        let word = running.word();
        for nth in (0..self.sessions.len()).filter(|nth| open & 1 << nth != 0) {
            let Some(trace) = self.trace_on(nth) else {
                continue;
            };
            let chosen = |choice: &Choice| match choice {
                Choice::Code(part) => code.contains(&**part),
                _ => false,
            };
            if trace.choices.iter().any(chosen)
                && let Some(mark) = self.marks.get_mut(&word)
            {
                mark.sure |= 1 << nth;
            }
        }
    }

    /// Forgets those that nobody traces any more.
    fn sweep(&mut self, core: &Core) {
        self.marks.retain(|word, mark| {
            if mark.sure | mark.maybe != 0 || mark.counts {
                return true;
            }
            let block = core.table().find((word >> 32) as u32);
            if let Some(block) = block.filter(|block| block.generation() == *word as u32) {
                block.clear_flag(TRACED);
            }
            false
        });
    }
}
