//! What do some lines of one client come to?
//!
//! Role       Parses a client's lines, tallies them, and flags bursts and storms, wherever the client's
//!            process is.
//! Inputs     [`Work`]; what the table knew of the client before.
//! Outputs    One [`Delta`] per [`LINES_PER_DELTA`] lines.
//! Owns       The client's watermark and windows.
//! Invariant  A line that can't be parsed ends the process, with the line's number as the reason.

use super::chaos::Dice;
use super::client::End;
use super::work::{ClientName, Delta, Past, Paths, Piece, Slice, Work};
use crate::log::{Finding, Tally, Windows, parse};

/// So many lines are counted before they are delivered: a crash costs no more than parsing these
/// again.
const LINES_PER_DELTA: usize = 256;

/// Findings of this pass are flagged as they are made.
pub(crate) const FLAGGED_PASS: u32 = 0;

/// One client's lines, being counted.
pub(crate) struct Counting {
    pub(crate) name: ClientName,
    /// What the router calls it.
    pub(crate) index: u32,
    pub(crate) past: Past,
}

impl Counting {
    /// Counts what was not counted before, and hands over what that came to. False when nothing of
    /// it is new.
    pub(crate) fn count_work(
        &mut self,
        work: &Work,
        dice: Option<Dice>,
        mut deliver: impl FnMut(Delta),
    ) -> bool {
        let fresh = work.slice.pieces();
        let window = &work.slice.window;
        let done = fresh.partition_point(|piece| window.mark(piece) <= self.past.mark);
        for lines in fresh[done..].chunks(LINES_PER_DELTA) {
            let delta = self.count(work, lines, dice);
            self.past.mark = delta.upto;
            deliver(delta);
        }
        done < fresh.len()
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
            client: self.name.clone(),
            index: self.index,
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
            windows.absorb(&self.name, &tally.minutes, |pass, found| {
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
