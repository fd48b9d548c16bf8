//! Whom does a crash take along?
//!
//! Role       For crash reports: the processes that are linked to the one that crashed and do not trap
//!            exits, those that are linked to them, and so on, with what they were doing.
//! Limit      `NEIGHBOURS_MAX` processes, `DEPTH_MAX` links away, and `LOOKS_MAX` links looked at.
//! Invariant  Nobody is asked, stopped or woken. Of a process that runs or waits to run the links are
//!            not known: it is a neighbour, and leads to no others. Nor does one of another node.
//! Source     otp: proc_lib, linked_info/1, neighbours/1, max_neighbours/0

use std::collections::BTreeSet;
use std::fmt;

use super::Activity;
use super::facts::{Glance, ProcessFacts, Seen};
use crate::Pid;
use crate::node::Core;
use crate::process::{Local, PARENT_LINK, TRAP_EXIT, look, parent_of};

/// How many a report names, as in OTP.
const NEIGHBOURS_MAX: usize = 15;
/// How many links away.
const DEPTH_MAX: usize = 8;
/// How many links are looked at for them.
const LOOKS_MAX: usize = 1000;

/// A process that is linked to one that crashed, or to a neighbour of it, and does not trap exits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Neighbour {
    /// Who it is, and what it was doing at the crash.
    pub facts: ProcessFacts,
    /// The kind of message that it handled, if it ran.
    pub handling: Option<&'static str>,
    /// The kind of message that it would have handled next, if it waited and that is known.
    pub next: Option<&'static str>,
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = &self.facts;
        if let Some(name) = &facts.name {
            write!(f, "`{}` ", name.escape_debug())?;
        }
        write!(f, "{}", facts.pid)?;
        if let Some(code) = facts.code {
            write!(f, " {}", code.trim_end_matches("::{{closure}}"))?;
        }
        if let (None, Some(label)) = (&facts.name, &facts.label) {
            write!(f, " \"{}\"", label.escape_debug())?;
        }
        f.write_str(match facts.activity {
            Activity::Running => ", running",
            Activity::Runnable => ", about to run",
            Activity::Waiting => ", waiting",
            Activity::Hibernating => ", hibernating",
            Activity::Suspended => ", suspended",
        })?;
        if let Some(message) = self.handling {
            write!(f, ", handling {message}")?;
        }
        match (facts.message_queue_len, self.next) {
            (Some(1), Some(next)) => write!(f, ", 1 message: {next}"),
            (Some(count), Some(next)) => write!(f, ", {count} messages, first {next}"),
            _ => Ok(()),
        }
    }
}

/// The neighbours of a process with these links, the nearest first.
pub(crate) fn neighbours(core: &Core, of: Pid, links: &[Pid]) -> Vec<Neighbour> {
    let seen = Seen::now(core);
    let (mut known, mut looks) = (BTreeSet::from([of]), 0);
    let (mut found, mut level) = (Vec::new(), links.to_vec());
    for _ in 0..DEPTH_MAX {
        let mut beyond = Vec::new();
        for pid in level {
            if found.len() == NEIGHBOURS_MAX || looks == LOOKS_MAX {
                return found;
            }
            looks += 1;
            if known.insert(pid)
                && let Some((neighbour, links)) = neighbour(core, &seen, pid)
            {
                found.push(neighbour);
                beyond.extend(links);
            }
        }
        level = beyond;
    }
    found
}

/// What is known of this process, and its links, unless it traps exits.
fn neighbour(core: &Core, seen: &Seen, pid: Pid) -> Option<(Neighbour, Vec<Pid>)> {
    if pid.node() != core.id() {
        return None;
    }
    let glance = Glance::of(core, pid.slot()).filter(|glance| glance.pid == pid)?;
    let block = core.table().find(pid.slot())?;
    if block.has_own(TRAP_EXIT) {
        return None;
    }
    let close = look(core, pid.slot(), pid.generation().get(), |local| {
        let first = local.queue.first();
        (links(local), first.map(|header| header.table.name))
    });
    let (mut links, next) = close.unwrap_or_default();
    if block.has_own(PARENT_LINK) {
        links.extend(parent_of(core.id(), block.parent()));
    }
    let facts = ProcessFacts::of(core, seen, glance, None)?;
    let neighbour = Neighbour {
        handling: seen.message_of(pid),
        facts,
        next,
    };
    Some((neighbour, links))
}

fn links(local: &Local) -> Vec<Pid> {
    let links = local.extra.iter().flat_map(|extra| extra.links.iter());
    let active = links.filter(|(_, link)| link.active);
    active.map(|(pid, _)| *pid).take(LOOKS_MAX).collect()
}
