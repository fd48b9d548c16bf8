//! What happened in a run, for people?
//!
//! Role       One line for each time that somebody else runs: who, and what it handled; and one for
//!            what arrived elsewhere meanwhile. A `>` marks where the schedule leaves the ordinary
//!            order.
//! Limit      `LINES_MAX` lines; of a longer run the last ones.

use std::collections::VecDeque;
use std::fmt;

use crate::Pid;
use crate::envelope::Envelope;
use crate::node::Core;
use crate::scheduler::Running;

const LINES_MAX: usize = 400;

#[derive(Debug)]
struct Line {
    deviates: bool,
    who: String,
    what: Vec<String>,
}

/// The lines so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    lines: VecDeque<Line>,
    left_out: usize,
    switches: usize,
    deviations: usize,
}

/// A process that is about to run.
pub(super) struct Begun {
    name: String,
    pid: Option<Pid>,
}

impl Trace {
    pub(super) fn begin(running: &Running, slot: u32) -> Begun {
        let core = running.core();
        let generation = core.table().block(slot).generation();
        let word = u64::from(slot) << 32 | u64::from(generation);
        let name = crate::process::name_of(core, slot);
        let pid = crate::process::parent_of(core.id(), word);
        Begun { name, pid }
    }

    /// A process has run.
    pub(super) fn ran(&mut self, running: &Running, begun: Begun, deviations: usize) {
        let mut what = Vec::new();
        let handling = running.handling();
        what.extend(handling.map(|handling| handling.to_string()));
        let alive = begun
            .pid
            .is_some_and(|pid| running.core().living(pid).is_some());
        if !alive {
            what.push("ends".into());
        }
        let code = running.code_name();
        let who = format!(
            "{} ({})",
            begun.name,
            code.trim_end_matches("::{{closure}}")
        );
        self.line(who, what, deviations);
    }

    pub(super) fn body(&mut self, deviations: usize) {
        self.line("the test's body".into(), Vec::new(), deviations);
    }

    pub(super) fn arrival(
        &mut self,
        core: &Core,
        to: Pid,
        from: Option<Pid>,
        envelope: &Envelope,
        deviations: usize,
    ) {
        let what = envelope.inner_name();
        let from = from.map_or_else(|| "the test's body".to_owned(), |pid| pid.to_string());
        let to = crate::process::name_of(core, to.slot());
        let text = format!("{what} from {from} arrives at {to}");
        self.push(text, Vec::new(), deviations);
    }

    /// Somebody runs: the same line as long as it is the same.
    fn line(&mut self, who: String, what: Vec<String>, deviations: usize) {
        let same = self.lines.back().is_some_and(|last| last.who == who);
        if same && self.deviations == deviations {
            if let Some(last) = self.lines.back_mut() {
                last.what.extend(what);
            }
            return;
        }
        self.switches += 1;
        self.push(who, what, deviations);
    }

    fn push(&mut self, who: String, what: Vec<String>, deviations: usize) {
        let deviates = std::mem::replace(&mut self.deviations, deviations) != deviations;
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
            self.left_out += 1;
        }
        self.lines.push_back(Line {
            deviates,
            who,
            what,
        });
    }

    /// How often somebody else ran than before.
    pub(super) fn switches(&self) -> usize {
        self.switches
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.left_out > 0 {
            writeln!(f, "  ({} lines before)", self.left_out)?;
        }
        for (nth, line) in self.lines.iter().enumerate() {
            let mark = if line.deviates { '>' } else { ' ' };
            write!(f, "{mark} {:>4}  {}", nth + 1 + self.left_out, line.who)?;
            if !line.what.is_empty() {
                write!(f, ": {}", line.what.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
