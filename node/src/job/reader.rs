//! Who reads the input?
//!
//! Role       Reads when the router wishes so, away from the schedulers: a slow disk or an empty
//!            pipe stops nobody.
//! Inputs     One wish at a time.
//! Outputs    Blocks, or the end, to the router.
//! Owns       Nothing: the [`Feed`] belongs to the job, and a reader that dies loses no block.
//! Limit      About [`READ_BYTES`] per wish.

use std::sync::{Arc, Mutex, PoisonError};

use foundation::dirty_io;
use foundation::prelude::*;

use super::router::ROUTER;
use super::{Job, Outcome};
use crate::blocks::Block;
use crate::input::{Input, InputError, Pass};

pub(crate) const READER: Name<Reader> = Name::new("reader");

/// So much is read at once.
const READ_BYTES: usize = 1 << 20;

pub(crate) struct Reader {
    job: Arc<Job>,
}

/// The input, pass after pass.
pub(crate) struct Feed {
    input: Input,
    passes: u32,
    next: u32,
    current: Option<Pass>,
}

#[actor]
impl Reader {
    #[init]
    fn init(job: Arc<Job>, cx: &mut Cx<Self>) -> Self {
        drop(cx.node().at(ROUTER).reader_up());
        Self { job }
    }

    /// Reads more.
    #[cast]
    pub(crate) async fn more(&mut self, cx: &mut Cx<Self>) {
        let (job, node) = (Arc::clone(&self.job), cx.node());
        let read = move || {
            // Handed over under the lock: whatever becomes of this process, no block is lost.
            let mut feed = job.feed.lock().unwrap_or_else(PoisonError::into_inner);
            match feed.read() {
                Ok(blocks) if blocks.is_empty() => drop(node.at(ROUTER).ended()),
                Ok(blocks) => drop(node.at(ROUTER).read(blocks)),
                Err(error) => job.finish(Outcome::Broken(error)),
            }
        };
        if self.job.at_once {
            return read();
        }
        if dirty_io(read).await.is_err() {
            cx.stop(Reason::other("there is no thread to read on"));
        }
    }
}

impl Feed {
    pub(crate) fn new(input: Input, passes: u32) -> Mutex<Self> {
        Mutex::new(Self {
            input,
            passes,
            next: 0,
            current: None,
        })
    }

    /// Goes to the first line of the first pass.
    pub(crate) fn rewind(&mut self) -> Result<(), InputError> {
        self.next = 0;
        self.advance()
    }

    fn advance(&mut self) -> Result<(), InputError> {
        self.current = None;
        if self.next < self.passes {
            self.current = Some(self.input.pass()?);
            self.next += 1;
        }
        Ok(())
    }

    /// The next blocks; none at the end. A stream is not waited for when it has given something.
    fn read(&mut self) -> Result<Vec<(u32, Block)>, InputError> {
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        while let Some(current) = &mut self.current {
            match current.next() {
                Some(block) => {
                    let block = block?;
                    bytes += block.bytes.len();
                    blocks.push((self.next - 1, block));
                    if bytes >= READ_BYTES || self.input.is_stream() {
                        break;
                    }
                }
                None => self.advance()?,
            }
        }
        Ok(blocks)
    }
}
