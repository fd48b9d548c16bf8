//! What a crash looks like to the person who reads the log.
//!
//! Role       Reports through `tracing`, or on standard error: who, under whom, why, what it was
//!            doing.
//! Limit      State and arguments are cut at `SHOWN_MAX` bytes; eight ancestors and links,
//!            fifteen neighbours, ten of what it did last.
//! Invariant  Nothing that goes wrong in here (a Debug or a subscriber that panics, a standard error
//!            that is closed) changes how the process ends, or ends anything else.
//! Source     otp: proc_lib, crash reports

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::node::Core;
use crate::observe::neighbours;
use crate::platform::panics;
use crate::process::{self, Handling, ProcessInfo};
use crate::scheduler::Running;
use crate::{CrashReport, HEAP, MaxHeap, Me, Neighbour, Pid, Reason};

/// The target of crash reports, for filters.
pub const CRASH: &str = "foundation::crash";
/// How many links a report names.
const LINKS_MAX: usize = 8;
/// So much of what it did last is shown.
const LAST_MAX: usize = 10;

/// Where a process has what tells what it did last.
const LAST: &str = "foundation: last";

/// What tells what a process did last, the oldest first.
#[derive(Clone)]
struct Last(Arc<dyn Fn() -> Vec<String> + Send + Sync>);

impl Me {
    /// From here on reports of this process tell what `last` says it did last, the oldest first. It
    /// stands in the process dictionary as `foundation: last`.
    #[doc(hidden)]
    pub fn tell_last(self, last: impl Fn() -> Vec<String> + Send + Sync + 'static) {
        self.put(LAST, Last(Arc::new(last)));
    }

    /// Reports tell no longer what this process did last.
    #[doc(hidden)]
    pub fn no_last(self) {
        self.erase::<Last>(LAST);
    }
}

/// What is known of a crash.
struct Facts<'a> {
    running: &'a Running,
    /// Of the process, if it is not the process itself that crashed.
    part: Option<&'a str>,
    info: ProcessInfo,
    reason: &'a Reason,
    /// Whose exit signal ended it, if one did.
    signal: Option<Pid>,
    handling: Option<Handling>,
    state: Option<String>,
    ancestors: Vec<(Pid, bool)>,
    /// For whom it worked.
    callers: Vec<Pid>,
    /// Whom it takes along, unless it was taken along itself.
    neighbours: Vec<Neighbour>,
    /// The message that would have been the next one.
    next: Option<&'static str>,
    /// What it did last, if it keeps a log.
    last: Vec<String>,
}

/// Reports that the running process ends, and not in order.
pub(crate) fn crash(running: &Running, reason: &Reason) {
    quietly(|| report(running, reason));
}

/// Tells somebody of something. Whatever goes wrong in there, it goes no further.
pub(crate) fn quietly(tell: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(tell)) {
        let _ = panics::reason(payload);
    }
}

/// Writes on standard error; a program without one is not told.
fn print_text(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn report(running: &Running, reason: &Reason) {
    if !is_wanted(running) {
        return;
    }
    let info = process::describe(running);
    let failed_in = running.local(|local| {
        let extra = local.extra.as_mut()?;
        extra.failed_in.take().map(|handling| *handling)
    });
    let signal = running.doomed_by();
    // Who is ended by another was not brought down by what it handled.
    let handling = failed_in
        .or_else(|| running.handling())
        .filter(|_| signal.is_none());
    let neighbours = match signal {
        None => neighbours(running.core(), info.pid, &info.links),
        Some(_) => Vec::new(),
    };
    let facts = Facts {
        running,
        part: None,
        info,
        neighbours,
        reason,
        handling,
        signal,
        state: state(running),
        ancestors: process::ancestors(running),
        callers: Me::of(running).callers(),
        next: running.local(|local| local.queue.first().map(|header| header.table.name)),
        last: last(running),
    };
    tell(&facts);
}

/// Whether anybody is to be told of a crash.
fn is_wanted(running: &Running) -> bool {
    let core = running.core();
    core.prints_crashes() || core.crashes.is_watched() || is_traced()
}

fn is_traced() -> bool {
    tracing::enabled!(target: CRASH, tracing::Level::ERROR)
}

/// Reports that a part of the running process crashed, an event handler say, and that the process
/// lives on. Like any crash it is told through `tracing`, under [`CRASH`], or on standard error.
/// Outside any process nothing is told.
pub fn report_part(part: &str, reason: &Reason, state: Option<String>) {
    let Some(running) = crate::platform::current::process() else {
        return;
    };
    quietly(|| {
        if !is_wanted(running) {
            return;
        }
        let facts = Facts {
            running,
            part: Some(part),
            info: process::describe(running),
            reason,
            handling: running.handling(),
            signal: None,
            state: state.map(|state| crate::shown(&format_args!("{state}"))),
            ancestors: process::ancestors(running),
            callers: Me::of(running).callers(),
            neighbours: Vec::new(),
            // What waits will be handled.
            next: None,
            last: last(running),
        };
        tell(&facts);
    });
}

/// The state as text, if the code shows it. The program's Debug may panic: that must not hide the
/// crash it describes.
fn state(running: &Running) -> Option<String> {
    let mut body = running.local(|local| local.body.take())?;
    let text = catch_unwind(AssertUnwindSafe(|| body.as_mut().describe()));
    running.local(|local| local.body = Some(body));
    text.unwrap_or_else(|payload| {
        let reason = panics::reason(payload);
        Some(format!("(its Debug failed: {reason})"))
    })
}

/// What it did last, if it keeps that.
fn last(running: &Running) -> Vec<String> {
    let keeps = running.local(|local| {
        let kept = local.extra.as_ref()?.dictionary.get(LAST)?;
        kept.downcast_ref::<Last>().cloned()
    });
    let mut last = keeps.map_or_else(Vec::new, |last| (last.0)());
    last.drain(..last.len().saturating_sub(LAST_MAX));
    last
}

fn tell(facts: &Facts<'_>) {
    let (text, core) = (facts.text(), facts.running.core());
    if core.crashes.is_watched() {
        core.crashes.tell(&facts.report(text.clone()));
    }
    if core.prints_crashes() {
        return print_text(&text);
    }
    tracing::error!(
        target: CRASH,
        pid = %facts.info.pid,
        process = %facts.info.initial_call,
        name = facts.info.registered_name.as_deref(),
        reason = %facts.reason,
        handling = facts.handling.as_ref().map(ToString::to_string),
        "{text}"
    );
}

impl Facts<'_> {
    /// As a value, for who asked for such.
    fn report(&self, text: String) -> CrashReport {
        CrashReport {
            pid: self.info.pid,
            process: self.info.initial_call.clone(),
            name: self.info.registered_name.clone(),
            reason: self.reason.clone(),
            handling: self.handling(),
            ancestors: self.ancestors.iter().map(|(pid, _)| *pid).collect(),
            callers: self.callers.clone(),
            neighbours: self.neighbours.clone(),
            text,
        }
    }

    fn text(&self) -> String {
        let part = self.part.map(|part| format!("{part} of "));
        let part = part.unwrap_or_default();
        let mut text = format!("{part}process {} {}: ", self.who(), self.how());
        let mut at = None;
        match self.reason {
            Reason::Crash(crash) => {
                let _ = write!(text, "panic: {}", crash.message.replace('\n', "\n  "));
                at = crash.location.as_deref();
            }
            reason => {
                let _ = write!(text, "{reason}");
            }
        }
        let node = self.running.core().name();
        for (key, value) in [
            ("at", at.map(str::to_owned)),
            ("pid", Some(format!("{} on {node}", self.info.pid))),
            ("handling", self.handling()),
            ("state", self.state.clone()),
            ("ancestors", self.ancestors()),
            ("callers", self.these(&self.callers)),
            ("links", self.these(&self.info.links)),
            ("monitors", self.these(&self.info.monitors)),
            ("neighbours", one_a_line(&self.neighbours)),
            ("heap", self.heap()),
            ("unread", self.unread()),
            ("last", one_a_line(&self.last)),
        ] {
            if let Some(value) = value {
                let _ = write!(text, "\n  {key:<10} {value}");
            }
        }
        if self.signal.is_none()
            && let Reason::Crash(crash) = self.reason
            && let Some(stack) = &crash.backtrace
        {
            let _ = write!(text, "\n  stack\n{stack}");
        }
        text
    }

    fn who(&self) -> String {
        let ProcessInfo {
            registered_name,
            label,
            initial_call,
            ..
        } = &self.info;
        // A plain process's code is a function, or a closure in one.
        let code = initial_call.trim_end_matches("::{{closure}}");
        match (registered_name, label) {
            (Some(name), _) => format!("`{}` ({code})", plain(name)),
            (None, Some(label)) => format!("{code} \"{}\"", plain(label)),
            (None, None) => code.to_owned(),
        }
    }

    fn how(&self) -> String {
        match self.signal {
            None => "crashed".to_owned(),
            Some(by) if !process::is_process(&by) => "was ended from outside".to_owned(),
            Some(by) if by == self.info.pid => "ended itself".to_owned(),
            Some(by) => format!("was ended by {}", self.called(by)),
        }
    }

    fn handling(&self) -> Option<String> {
        let handling = self.handling.as_ref()?;
        let from = match handling.from {
            Some(pid) => format!(" from {}", self.called(pid)),
            // Who sent what it told by itself is not known.
            None if handling.way.is_none() => String::new(),
            None => " from outside".to_owned(),
        };
        Some(format!("{handling}{from}"))
    }

    fn ancestors(&self) -> Option<String> {
        let mut names = self.ancestors.iter().map(|(pid, alive)| {
            let ended = if *alive { "" } else { " (ended)" };
            format!("{}{ended}", self.called(*pid))
        });
        let first = names.next()?;
        Some(names.fold(first, |list, name| list + ", " + &name))
    }

    /// Some processes by name.
    fn these(&self, pids: &[Pid]) -> Option<String> {
        let shown = pids.iter().take(LINKS_MAX);
        let mut names: Vec<String> = shown.map(|pid| self.called(*pid)).collect();
        if pids.len() > LINKS_MAX {
            names.push(format!("and {} more", pids.len() - LINKS_MAX));
        }
        (!names.is_empty()).then(|| names.join(", "))
    }

    fn heap(&self) -> Option<String> {
        let heap = self.info.heap?;
        let bound = match self.info.max_heap_size.bytes {
            0 => String::new(),
            bytes => format!(", may hold {bytes}"),
        };
        Some(format!(
            "{} bytes, {} at most{bound}",
            heap.memory, heap.peak
        ))
    }

    fn unread(&self) -> Option<String> {
        match (self.info.message_queue_len, self.next) {
            (1, Some(next)) => Some(format!("1 message: {next}")),
            (count, Some(next)) => Some(format!("{count} messages, first {next}")),
            _ => None,
        }
    }

    /// A process's name and pid.
    fn called(&self, pid: Pid) -> String {
        let core = self.running.core();
        match core.names().of(pid) {
            Some(name) => format!("`{}` {pid}", plain(&name)),
            None if pid.node() != core.id() => format!("{pid} on another node"),
            None => pid.to_string(),
        }
    }
}

/// One line for each.
fn one_a_line(what: &[impl ToString]) -> Option<String> {
    let lines: Vec<String> = what.iter().map(ToString::to_string).collect();
    (!lines.is_empty()).then(|| lines.join("\n             "))
}

/// A name on one line, without what would steer a terminal.
fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_control() {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
    text
}

/// Reports a panic in a destructor of a process that was ending anyway.
pub(crate) fn drop_panic(core: &Core, pid: Pid, reason: &Reason) {
    const TEXT: &str =
        "a destructor panicked while the process ended; its exit reason is unchanged";
    quietly(|| {
        if core.prints_crashes() {
            return print_text(&format!("process {pid}: {TEXT}: {reason}"));
        }
        tracing::error!(target: CRASH, %pid, %reason, "{TEXT}");
    });
}

/// Reports a panic in the destructor of what was given to the reaper.
pub(crate) fn reap_panic(core: &Core, reason: &Reason) {
    const TEXT: &str = "the destructor of something that was given to the reaper panicked";
    quietly(|| {
        if core.prints_crashes() {
            return print_text(&format!("{TEXT}: {reason}"));
        }
        tracing::error!(target: CRASH, %reason, "{TEXT}");
    });
}

/// Reports a panic in the destructor of a message that reached nobody.
pub(crate) fn discard_panic(message: &'static str, reason: &Reason) {
    quietly(|| {
        tracing::error!(
            target: CRASH,
            message,
            %reason,
            "the destructor of a message that reached nobody panicked"
        );
    });
}

/// Reports that a heap group holds more than it may.
pub(crate) fn group_passed(core: &Core, name: &str, members: usize, bound: MaxHeap, held: u64) {
    let max = bound.bytes;
    let fate = match bound.kill {
        true => "all are killed",
        false => "they go on",
    };
    quietly(|| {
        let text = format!(
            "the {members} processes of the heap group {name} hold {held} bytes, and may hold {max}: {fate}"
        );
        if core.prints_crashes() {
            return print_text(&text);
        }
        tracing::error!(target: HEAP, group = name, members, held, max, killed = bound.kill, "{text}");
    });
}

/// Reports that the running process holds more than it may.
pub(crate) fn heap_passed(running: &Running, bound: MaxHeap, held: u64) {
    let (pid, code, max) = (running.pid(), running.code_name(), bound.bytes);
    let fate = match bound.kill {
        true => "it is killed",
        false => "it goes on",
    };
    quietly(|| {
        let text = format!("process {code} holds {held} bytes, and may hold {max}: {fate}");
        if running.core().prints_crashes() {
            return print_text(&format!("{text}\n  pid        {pid}"));
        }
        tracing::error!(target: HEAP, %pid, process = code, held, max, killed = bound.kill, "{text}");
    });
}
