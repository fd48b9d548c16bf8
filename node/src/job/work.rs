//! What do the processes of the job hand each other?
//!
//! Role       The router's work for a client, the client's tally for the table, and the numbers
//!            that make counting exactly once possible.
//! Outputs    [`Window`]: lines by client, shared; [`Work`]: one client's part of it; [`Delta`]:
//!            what that came to.
//! Invariant  A client's lines stand in the order of their [`Mark`]s, in a window and from window to
//!            window. Nothing here is changed once it is sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::blocks::Block;
use crate::log::{Finding, Tally, Windows};

/// A client's name, as the log writes it.
pub(crate) type ClientName = Arc<[u8]>;

/// Most paths are shorter.
const PATH_BYTES: usize = 48;

/// The number of a line in the whole job. Passes count from 0, lines from 1.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) pass: u32,
    pub(crate) line: u64,
}

/// A stretch of the input, with its lines sorted by client.
#[derive(Debug)]
pub(crate) struct Window {
    /// The order of the windows.
    pub(crate) number: u64,
    /// The bytes, each block with its pass.
    pub(crate) blocks: Vec<(u32, Block)>,
    /// The lines.
    pub(crate) pieces: Vec<Piece>,
}

/// Where a line stands.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Piece {
    /// Which block of the window.
    pub(crate) block: u32,
    /// Which line of the block, from 0.
    pub(crate) line: u32,
    /// Which byte of the block, from 0.
    pub(crate) start: u32,
    /// How many bytes.
    pub(crate) len: u32,
}

/// One client's lines of one window.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    pub(crate) window: Arc<Window>,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// Lines to be counted by a client's process.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) slice: Slice,
    /// Lines in it that are known to be malformed: counted as such, and not looked at.
    pub(crate) malformed: Option<Arc<[Mark]>>,
    /// Up to here chaos has struck already.
    pub(crate) spared: Mark,
}

/// What some lines of one client came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delta {
    /// Whose lines they are.
    pub(crate) client: ClientName,
    /// What the router calls it.
    pub(crate) index: u32,
    /// The last line counted before these.
    pub(crate) after: Mark,
    /// The last of these.
    pub(crate) upto: Mark,
    /// What is counted of them.
    pub(crate) tally: Tally,
    /// How many more were malformed.
    pub(crate) malformed: u64,
    /// The paths asked for.
    pub(crate) paths: Paths,
    /// What is found with these lines.
    pub(crate) found: Vec<Finding>,
}

/// What the table knows of a client, for its next process.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Past {
    /// The last line counted.
    pub(crate) mark: Mark,
    /// Its windows, as long as findings are flagged.
    pub(crate) windows: Windows,
}

/// Paths, one behind the other: copied, for whoever counts them has never seen their lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Paths {
    #[serde(with = "super::spread::bytes")]
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Window {
    /// The number of a line of this window.
    #[inline]
    pub(crate) fn mark(&self, piece: &Piece) -> Mark {
        let (pass, block) = &self.blocks[piece.block as usize];
        Mark {
            pass: *pass,
            line: block.first_line + u64::from(piece.line),
        }
    }

    /// The bytes of a line.
    #[inline]
    pub(crate) fn bytes(&self, block: u32, start: u32, len: u32) -> &[u8] {
        &self.blocks[block as usize].1.bytes[start as usize..][..len as usize]
    }
}

impl Paths {
    /// Room for so many.
    pub(crate) fn with_capacity(paths: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(paths * PATH_BYTES),
            ends: Vec::with_capacity(paths),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, path: &[u8]) {
        self.bytes.extend_from_slice(path);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            // What came from another node may be anything: then it is a wrong path, not a panic.
            let path = self.bytes.get(from..end as usize).unwrap_or_default();
            from = end as usize;
            path
        })
    }
}

impl Slice {
    /// The lines.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.window.pieces[self.from as usize..self.to as usize]
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> u64 {
        u64::from(self.to - self.from)
    }

    /// The number of the last line.
    pub(crate) fn last(&self) -> Mark {
        let last = self.pieces().last().expect("a slice has a line");
        self.window.mark(last)
    }
}
