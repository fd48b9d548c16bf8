//! What is in a file, and what of it would survive?
//!
//! Role       The bytes of one file as they are read, as they are safe, and what was done between the two.

use std::collections::VecDeque;

use crate::Rng;

/// What a disk writes whole, or not at all.
pub(super) const SECTOR_BYTES: u64 = 512;

#[derive(Debug)]
enum Op {
    Write { offset: u64, bytes: Vec<u8> },
    SetLen(u64),
}

impl Op {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(content, *offset, bytes),
            Self::SetLen(length) => content.resize(*length as usize, 0),
        }
    }

    /// Does it, or some of it, or nothing.
    fn apply_some(&self, content: &mut Vec<u8>, rng: &mut Rng) {
        match (rng.below(4), self) {
            (0 | 1, _) => self.apply(content),
            (2, Self::Write { offset, bytes }) => {
                let (mut at, mut rest) = (*offset, &bytes[..]);
                while !rest.is_empty() {
                    let room = (SECTOR_BYTES - at % SECTOR_BYTES) as usize;
                    let (sector, behind) = rest.split_at(room.min(rest.len()));
                    if rng.below(2) == 0 {
                        write(content, at, sector);
                    }
                    at += sector.len() as u64;
                    rest = behind;
                }
            }
            _ => {}
        }
    }
}

fn write(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (begin, end) = (offset as usize, offset as usize + bytes.len());
    if content.len() < end && !bytes.is_empty() {
        content.resize(end, 0);
    }
    if !bytes.is_empty() {
        content[begin..end].copy_from_slice(bytes);
    }
}

/// One file.
#[derive(Debug, Default)]
pub(super) struct Content {
    now: Vec<u8>,
    safe: Vec<u8>,
    /// What `now` has and `safe` has not, with the numbers of the operations.
    unsynced: VecDeque<(u64, Op)>,
    /// How often it is open.
    pub(super) opened: usize,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.now.len() as u64
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.now
    }

    pub(super) fn read(&self, offset: u64, bytes: usize) -> Vec<u8> {
        let begin = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.now.len());
        let end = begin.saturating_add(bytes).min(self.now.len());
        self.now[begin..end].to_vec()
    }

    pub(super) fn write(&mut self, serial: u64, offset: u64, bytes: Vec<u8>) {
        self.act(serial, Op::Write { offset, bytes });
    }

    pub(super) fn set_len(&mut self, serial: u64, length: u64) {
        self.act(serial, Op::SetLen(length));
    }

    fn act(&mut self, serial: u64, op: Op) {
        op.apply(&mut self.now);
        self.unsynced.push_back((serial, op));
    }

    /// What was done up to this is safe.
    pub(super) fn synced(&mut self, upto: u64) {
        for op in self.take(upto) {
            op.apply(&mut self.safe);
        }
    }

    /// What was done up to this could not be made safe, and the system has forgotten that it is not.
    pub(super) fn forgotten(&mut self, upto: u64) {
        self.take(upto);
    }

    fn take(&mut self, upto: u64) -> Vec<Op> {
        let mut taken = Vec::new();
        while self
            .unsynced
            .front()
            .is_some_and(|(serial, _)| *serial <= upto)
        {
            taken.extend(self.unsynced.pop_front().map(|(_, op)| op));
        }
        taken
    }

    /// What is not safe is lost, or some of it.
    pub(super) fn lose_power(&mut self, rng: &mut Rng) {
        for (_, op) in std::mem::take(&mut self.unsynced) {
            op.apply_some(&mut self.safe, rng);
        }
        self.now = self.safe.clone();
        self.opened = 0;
    }

    /// One bit of it changes, also where it was safe; `false` where there is none.
    pub(super) fn flip(&mut self, bit: u64) -> bool {
        let (at, mask) = ((bit / 8) as usize, 1 << (bit % 8));
        for content in [&mut self.now, &mut self.safe] {
            if let Some(byte) = content.get_mut(at) {
                *byte ^= mask;
            }
        }
        at < self.now.len()
    }
}
