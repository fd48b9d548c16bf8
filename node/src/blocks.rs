//! How does a stream of bytes become numbered lines that many may share?
//!
//! Role       Cuts what a reader delivers into [`Block`]s of whole lines.
//! Inputs     Any reader, or bytes that are in memory already.
//! Outputs    Blocks in order; a block is cloned and sliced without copying its bytes.
//! Owns       One buffer of about [`BLOCK_BYTES`], at most [`LINE_BYTES_MAX`] more in a long line.
//! Invariant  Every line is in exactly one block, under the number it has in the input; a line
//!            longer than [`LINE_BYTES_MAX`] stays longer than that, but loses its rest.
//!
//! A block is handed out as soon as it holds a whole line, so a slow pipe is not waited for.

use std::io::{self, ErrorKind, Read};

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr_iter, memrchr};

use crate::log::{LINE_BYTES_MAX, is_blank};

/// How much is read at once, and so about how large a block is.
pub const BLOCK_BYTES: usize = 128 << 10;

/// So much of a line that is too long is kept: with a carriage return it is still too long.
const KEPT_BYTES: usize = LINE_BYTES_MAX + 2;

/// Whole lines that follow each other.
#[derive(Debug, Clone)]
pub struct Block {
    /// The number of the first line, from 1.
    pub first_line: u64,
    /// The lines, each ended by a line feed; only the input's last may lack it.
    pub bytes: Bytes,
}

/// The lines of a [`Block`] that are not blank, each with its number in the input.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: u64,
}

/// The blocks of one pass over an input.
pub struct Blocks {
    from: Origin,
    next_line: u64,
}

enum Origin {
    Memory(Bytes),
    Stream(Stream),
}

struct Stream {
    reader: Box<dyn Read + Send>,
    buffer: BytesMut,
    /// The end of a line that was too long has not come yet.
    skipping: bool,
}

impl Block {
    /// The lines that are not blank, without line feed; a carriage return is left to the parser.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines {
            rest: &self.bytes,
            number: self.first_line,
        }
    }

    /// Takes whole lines off the front, about so many bytes of them.
    #[must_use]
    pub fn split_front(&mut self, about: usize) -> Self {
        let from = about.min(self.bytes.len());
        let end = memchr(b'\n', &self.bytes[from..]).map_or(self.bytes.len(), |at| from + at + 1);
        let bytes = self.bytes.split_to(end);
        let first_line = self.first_line;
        self.first_line += memchr_iter(b'\n', &bytes).count() as u64;
        Self { first_line, bytes }
    }

    /// A line of this block, to be kept without copying it.
    ///
    /// # Panics
    /// When `line` is not a part of this block's bytes.
    #[must_use]
    pub fn share(&self, line: &[u8]) -> Bytes {
        self.bytes.slice_ref(line)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let number = self.number;
            let end = memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let line = &self.rest[..end];
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            self.number += 1;
            if !is_blank(line) {
                return Some((number, line));
            }
        }
        None
    }
}

impl Blocks {
    /// The blocks of bytes that are in memory: slices, not copies.
    #[must_use]
    pub fn of_memory(bytes: Bytes) -> Self {
        Self {
            from: Origin::Memory(bytes),
            next_line: 1,
        }
    }

    /// The blocks of what a reader delivers.
    #[must_use]
    pub fn of_reader(reader: impl Read + Send + 'static) -> Self {
        let reader = Box::new(reader);
        let stream = Stream {
            reader,
            buffer: BytesMut::new(),
            skipping: false,
        };
        Self {
            from: Origin::Stream(stream),
            next_line: 1,
        }
    }
}

impl Iterator for Blocks {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = match &mut self.from {
            Origin::Memory(rest) => slice(rest),
            Origin::Stream(stream) => match stream.read_block() {
                Ok(bytes) => bytes,
                Err(error) => return Some(Err(error)),
            },
        };
        if bytes.is_empty() {
            return None;
        }
        let first_line = self.next_line;
        self.next_line += memchr_iter(b'\n', &bytes).count() as u64;
        Some(Ok(Block { first_line, bytes }))
    }
}

/// Takes a block's worth of whole lines off the front.
fn slice(rest: &mut Bytes) -> Bytes {
    let from = rest.len().min(BLOCK_BYTES);
    let end = memrchr(b'\n', &rest[..from])
        .or_else(|| memchr(b'\n', &rest[from..]).map(|at| from + at))
        .map_or(rest.len(), |at| at + 1);
    rest.split_to(end)
}

impl Stream {
    /// The next whole lines; nothing at the end.
    fn read_block(&mut self) -> io::Result<Bytes> {
        let mut searched = 0;
        loop {
            if self.skipping {
                self.skip();
            }
            if let Some(at) = memrchr(b'\n', &self.buffer[searched..]) {
                return Ok(self.buffer.split_to(searched + at + 1).freeze());
            }
            if self.buffer.len() >= KEPT_BYTES {
                return Ok(self.cut());
            }
            searched = self.buffer.len();
            if !self.fill()? {
                return Ok(self.buffer.split().freeze());
            }
        }
    }

    /// Hands out the front of a line that is too long, ended as if the line were, skips the rest.
    fn cut(&mut self) -> Bytes {
        let mut front = self.buffer.split();
        front.truncate(KEPT_BYTES);
        front.extend_from_slice(b"\n");
        self.skipping = true;
        front.freeze()
    }

    /// Drops the rest of a line that was too long, as far as it has come.
    fn skip(&mut self) {
        match memchr(b'\n', &self.buffer) {
            Some(at) => {
                drop(self.buffer.split_to(at + 1));
                self.skipping = false;
            }
            None => self.buffer.clear(),
        }
    }

    /// Reads once; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + BLOCK_BYTES, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }
}
