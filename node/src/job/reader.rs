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
const READ_BYTES: usize = 512 << 10;

pub(crate) struct Reader {
    job: Arc<Job>,
}

/// A job that people watch, and that would be over before they have looked, reads this much ...
const PACED_BYTES: usize = 12 << 10;
/// ... at such intervals.
const PACE: std::time::Duration = ms(80);

/// The input, pass after pass.
pub(crate) struct Feed {
    /// Read slowly, and what is left of a block meanwhile.
    paced: Option<Option<Block>>,
    input: Input,
    passes: u32,
    next: u32,
    current: Option<Pass>,
    /// How often reading has begun.
    begun: u32,
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
                Ok(blocks) if blocks.is_empty() => drop(node.at(ROUTER).ended(feed.begun)),
                Ok(blocks) => drop(node.at(ROUTER).read(feed.begun, blocks)),
                Err(error) => job.finish(Outcome::Broken(error)),
            }
        };
        if self.job.paced {
            foundation::time::sleep(PACE).await;
        }
        if self.job.at_once {
            return read();
        }
        if dirty_io(read).await.is_err() {
            cx.stop(Reason::other("there is no thread to read on"));
        }
    }
}

impl Feed {
    pub(crate) fn new(input: Input, passes: u32, paced: bool) -> Mutex<Self> {
        Mutex::new(Self {
            paced: paced.then_some(None),
            input,
            passes,
            next: 0,
            current: None,
            begun: 0,
        })
    }

    /// Goes to the first line of the first pass, and says how often that was done.
    pub(crate) fn rewind(&mut self) -> Result<u32, InputError> {
        self.begun += 1;
        self.next = 0;
        self.paced = self.paced.take().map(|_| None);
        self.advance()?;
        Ok(self.begun)
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
        if let Some(Some(block)) = &mut self.paced
            && !block.bytes.is_empty()
        {
            return Ok(vec![(self.next - 1, block.split_front(PACED_BYTES))]);
        }
        while let Some(current) = &mut self.current {
            match current.next() {
                Some(block) => {
                    let mut block = block?;
                    if let Some(rest) = &mut self.paced {
                        blocks.push((self.next - 1, block.split_front(PACED_BYTES)));
                        *rest = Some(block);
                        break;
                    }
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
