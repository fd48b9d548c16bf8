//! Which lines are whose?
//!
//! Role       Gathers lines as they are read, and sorts them by client when they are handed out.
//! Inputs     Blocks; of each line, the client it belongs to.
//! Outputs    A [`Window`], and which part of it is whose.
//! Owns       One window; the machine looks that it isn't overfilled.
//! Invariant  Sorting is stable: a client's lines keep their order.
//!
//! No list per client: a line costs one entry in one list here, and one in one array when that is
//! sorted by counting.

use std::sync::Arc;

use super::port::Limits;
use crate::blocks::Block;
use crate::job::work::{Piece, Slice, Window};

/// A window that is being filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    blocks: Vec<(u32, Block)>,
    bytes: usize,
    lines: Vec<(u32, Piece)>,
    /// Per client with lines in here: how many. Others are zero.
    counts: Vec<u32>,
    /// The clients with lines in here, in the order of their first line.
    clients: Vec<u32>,
}

impl Filling {
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.bytes >= limits.window_bytes || self.lines.len() >= limits.window_lines
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines.len() as u64
    }

    /// The pass of the first line in here.
    pub(super) fn first_pass(&self) -> Option<u32> {
        self.blocks.first().map(|(pass, _)| *pass)
    }

    /// Begins a block, whose number is returned.
    pub(super) fn block(&mut self, pass: u32, block: &Block) -> u32 {
        self.bytes += block.bytes.len();
        self.blocks.push((pass, block.clone()));
        self.blocks.len() as u32 - 1
    }

    /// Adds a line of a client.
    #[inline]
    pub(super) fn line(&mut self, client: u32, piece: Piece) {
        let at = client as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        if self.counts[at] == 0 {
            self.clients.push(client);
        }
        self.counts[at] += 1;
        self.lines.push((client, piece));
    }

    /// Hands out what was gathered, each client with its part.
    pub(super) fn close(&mut self, number: u64) -> (Arc<Window>, Vec<(u32, Slice)>) {
        let mut parts = Vec::with_capacity(self.clients.len());
        let mut end = 0;
        // From here on a client's count is where its next line goes.
        for &client in &self.clients {
            let from = end;
            end += std::mem::replace(&mut self.counts[client as usize], from);
            parts.push((client, from, end));
        }
        let mut pieces = vec![Piece::default(); self.lines.len()];
        for &(client, piece) in &self.lines {
            let at = &mut self.counts[client as usize];
            pieces[*at as usize] = piece;
            *at += 1;
        }
        for client in self.clients.drain(..) {
            self.counts[client as usize] = 0;
        }
        self.lines.clear();
        self.bytes = 0;
        let blocks = std::mem::take(&mut self.blocks);
        let window = Arc::new(Window {
            number,
            blocks,
            pieces,
        });
        let slice = |(client, from, to)| {
            let window = Arc::clone(&window);
            (client, Slice { window, from, to })
        };
        let parts = parts.into_iter().map(slice).collect();
        (window, parts)
    }
}
