//! What did one client ask for?
//!
//! Role       The process of one client: parses its lines, tallies them, flags bursts and storms, and
//!            delivers all that.
//! Inputs     [`Work`] from the router; before the first, its [`Past`] from the table.
//! Outputs    One [`Delta`] to the table per [`LINES_PER_DELTA`] lines.
//! Owns       Its watermark and windows. What it has counted and not delivered dies with it.
//! Invariant  A line it can't parse ends it, with the line's number as the reason: letting it crash
//!            is cheaper than defending every step. The line is not tried again.

use std::sync::Arc;

use foundation::prelude::*;

use super::Job;
use super::chaos::Dice;
use super::router::ROUTER;
use super::table::{TABLE, Table};
use super::work::{ClientName, Delta, Mark, Past, Paths, Piece, Slice, Work};
use crate::log::{Finding, Tally, Windows, parse};

/// So many lines are counted before they are delivered: a crash costs no more than parsing these
/// again.
const LINES_PER_DELTA: usize = 256;

/// Findings of this pass are flagged as they are made.
pub(crate) const FLAGGED_PASS: u32 = 0;

/// How long the table is waited for at a time, when it is being started again.
const PATIENCE: std::time::Duration = ms(1);

/// What a client's process is started with.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) job: Arc<Job>,
    pub(crate) name: ClientName,
    /// What the router calls it.
    pub(crate) index: u32,
}

/// The process of one client.
pub(crate) struct Client {
    hello: Hello,
    past: Past,
    table: Option<Ref<Table>>,
}

/// Why a client's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It could not parse this line.
    Malformed(Mark),
    /// Chaos struck at this line.
    Chaos(Mark),
    /// It failed otherwise: killed, or with its supervisor.
    Crashed,
    /// It was asked to.
    Retired,
}

#[actor]
impl Client {
    #[init]
    fn init(hello: Hello, cx: &mut Cx<Self>) -> Self {
        cx.continue_with(ClientMsg::Recall);
        Self {
            hello,
            past: Past::default(),
            table: None,
        }
    }

    /// Asks the table where to begin. Work waits in the mailbox meanwhile.
    #[continue_with]
    async fn recall(&mut self, cx: &mut Cx<Self>) {
        loop {
            let table = cx.node().at(TABLE);
            if let Some(pid) = table.find() {
                // This table for good: when it ends, the clients end with it.
                let table: Ref<Table> = cx.node().reference(pid);
                if let Ok(past) = table.recall(self.hello.name.clone()).await {
                    self.past = past;
                    self.table = Some(table);
                    return;
                }
            }
            foundation::time::sleep(PATIENCE).await;
        }
    }

    #[cast(local)]
    pub(crate) fn work(&mut self, work: Work, cx: &mut Cx<Self>) {
        let dice = self.hello.job.chaos.dice();
        let fresh = work.slice.pieces();
        let window = &work.slice.window;
        let done = fresh.partition_point(|piece| window.mark(piece) <= self.past.mark);
        if done == fresh.len() {
            // Counted before, but the acknowledgement died with a table.
            let acks = vec![(self.hello.index, self.past.mark)];
            return drop(cx.node().at(ROUTER).acked(acks));
        }
        for lines in fresh[done..].chunks(LINES_PER_DELTA) {
            let delta = self.count(&work, lines, dice);
            self.past.mark = delta.upto;
            if let Some(table) = &self.table {
                // A table that has ended takes this process with it: nothing to be done here.
                drop(table.count(delta));
            }
        }
    }

    #[cast]
    pub(crate) fn retire(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Normal);
    }

    fn count(&mut self, work: &Work, lines: &[Piece], dice: Option<Dice>) -> Delta {
        let Slice { window, .. } = &work.slice;
        let mut tally = Tally::with_capacity(lines.len());
        let mut paths = Paths::with_capacity(lines.len());
        let mut malformed = 0;
        let mut upto = self.past.mark;
        for piece in lines {
            let mark = window.mark(piece);
            debug_assert!(upto < mark, "lines come in order");
            upto = mark;
            if let Some(dice) = dice
                && mark > work.spared
                && dice.strike(mark)
            {
                foundation::exit(End::Chaos(mark).into_reason());
            }
            if let Some(known) = &work.malformed
                && known.binary_search(&mark).is_ok()
            {
                malformed += 1;
                continue;
            }
            let bytes = window.bytes(piece.block, piece.start, piece.len);
            let Ok(line) = parse(bytes) else {
                foundation::exit(End::Malformed(mark).into_reason());
            };
            tally.count(mark.pass, &line);
            paths.push(line.path);
        }
        let found = self.flag(&tally);
        Delta {
            client: self.hello.name.clone(),
            index: self.hello.index,
            after: self.past.mark,
            upto,
            tally,
            malformed,
            paths,
            found,
        }
    }

    /// What is found with these lines. One pass is listed, for each finds the same: so one pass is
    /// flagged as it goes.
    fn flag(&mut self, tally: &Tally) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.past.mark.pass == FLAGGED_PASS {
            let windows = &mut self.past.windows;
            windows.absorb(&self.hello.name, &tally.minutes, |pass, found| {
                if pass == FLAGGED_PASS {
                    findings.push(found);
                }
            });
        } else {
            self.past.windows = Windows::default();
        }
        findings
    }
}

const MALFORMED: &str = "malformed_line";
const CHAOS: &str = "chaos";

impl End {
    /// The exit reason that says so.
    pub(crate) fn into_reason(self) -> Reason {
        let numbered = |kind, mark: Mark| {
            let line = i64::try_from(mark.line).unwrap_or(i64::MAX);
            Reason::other(Term::tuple([
                Term::atom(kind),
                mark.pass.into(),
                line.into(),
            ]))
        };
        match self {
            Self::Malformed(mark) => numbered(MALFORMED, mark),
            Self::Chaos(mark) => numbered(CHAOS, mark),
            Self::Crashed => Reason::Killed,
            Self::Retired => Reason::Normal,
        }
    }

    /// What an exit reason says.
    pub(crate) fn of(reason: &Reason) -> Self {
        let Reason::Other(term) = reason else {
            return match reason {
                orderly if orderly.is_orderly() => Self::Retired,
                _ => Self::Crashed,
            };
        };
        let Term::Tuple(parts) = &**term else {
            return Self::Crashed;
        };
        let [Term::Atom(kind), Term::Integer(pass), Term::Integer(line)] = &parts[..] else {
            return Self::Crashed;
        };
        let (Ok(pass), Ok(line)) = ((*pass).try_into(), (*line).try_into()) else {
            return Self::Crashed;
        };
        match &**kind {
            MALFORMED => Self::Malformed(Mark { pass, line }),
            CHAOS => Self::Chaos(Mark { pass, line }),
            _ => Self::Crashed,
        }
    }
}
