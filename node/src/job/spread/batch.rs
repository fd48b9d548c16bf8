//! How do one client's lines travel to another node?
//!
//! Role       Packs a slice of a window, and makes a window of its own of it on the other side.
//! Inputs     [`Work`], as the router hands it out.
//! Outputs    A [`Batch`]: the lines, one behind the other, and their numbers; [`Work`] again.
//! Invariant  The lines and their numbers are what they were. What came from another node is looked at
//!            before it is used: it may be too short, and is refused then.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::blocks::Block;
use crate::job::chaos::Dice;
use crate::job::work::{Mark, Piece, Slice, Window, Work};

/// One client's lines, to be counted by its process wherever that is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// What decides about its lines, when chaos is on.
    pub(crate) dice: Option<Dice>,
    /// Of each stretch of lines of one pass: the pass, the number of the first, how many.
    stretches: Vec<(u32, u64, u32)>,
    /// Of each line: how far it is from the first of its stretch, and how many bytes it has.
    lines: Vec<(u32, u32)>,
    bytes: Bytes,
    malformed: Vec<Mark>,
    spared: Mark,
}

impl Batch {
    pub(crate) fn of(work: &Work, dice: Option<Dice>) -> Self {
        let (window, pieces) = (&work.slice.window, work.slice.pieces());
        let mut stretches: Vec<(u32, u64, u32)> = Vec::new();
        let mut lines = Vec::with_capacity(pieces.len());
        let sizes = pieces.iter().map(|piece| piece.len as usize);
        let mut bytes = Vec::with_capacity(sizes.sum());
        for piece in pieces {
            let mark = window.mark(piece);
            let first = match stretches.last_mut() {
                Some((pass, first, count)) if *pass == mark.pass => {
                    *count += 1;
                    *first
                }
                _ => {
                    stretches.push((mark.pass, mark.line, 1));
                    mark.line
                }
            };
            lines.push(((mark.line - first) as u32, piece.len));
            bytes.extend_from_slice(window.bytes(piece.block, piece.start, piece.len));
        }
        Self {
            dice,
            stretches,
            lines,
            bytes: bytes.into(),
            malformed: work.malformed.as_deref().unwrap_or_default().to_vec(),
            spared: work.spared,
        }
    }

    /// The work again; nothing when it makes no sense.
    pub(crate) fn into_work(self) -> Option<Work> {
        let mut blocks = Vec::with_capacity(self.stretches.len());
        let mut pieces = Vec::with_capacity(self.lines.len());
        let mut rest = self.bytes;
        let mut lines = self.lines.iter();
        for (number, &(pass, first_line, count)) in (0..).zip(&self.stretches) {
            let mut start = 0_u32;
            for _ in 0..count {
                let &(line, len) = lines.next()?;
                let block = number;
                pieces.push(Piece {
                    block,
                    line,
                    start,
                    len,
                });
                start = start.checked_add(len)?;
            }
            if rest.len() < start as usize {
                return None;
            }
            let bytes = rest.split_to(start as usize);
            blocks.push((pass, Block { first_line, bytes }));
        }
        let window = Window {
            number: 0,
            blocks,
            pieces,
        };
        let ascending = window
            .pieces
            .is_sorted_by(|a, b| window.mark(a) < window.mark(b));
        if window.pieces.is_empty() || !ascending || lines.next().is_some() {
            return None;
        }
        let to = window.pieces.len() as u32;
        Some(Work {
            slice: Slice {
                window: Arc::new(window),
                from: 0,
                to,
            },
            malformed: (!self.malformed.is_empty()).then(|| self.malformed.into()),
            spared: self.spared,
        })
    }
}
