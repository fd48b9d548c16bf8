//! How is a log worked through by supervised processes?
//!
//! Role       The main job: starts the tree, waits for the end, and draws up the report.
//! Inputs     An input, how often to read it, how much chaos, how many processes at most.
//! Outputs    A [`Report`] whose every total and finding is the one of the plain loop.
//! Owns       [`Job`], what all processes of one run share.
//! Invariant  Every line is counted once, whoever dies when: see [`work`], [`table`], [`router`].

mod bystander;
mod chaos;
mod client;
mod reader;
mod router;
mod starter;
mod table;
mod tree;
mod work;

pub use run::{JobError, Setup, Underway, simulate, start};

mod run;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use foundation::ReplyTo;

use self::chaos::Chaos;
use self::reader::Feed;
use crate::input::{Input, InputError, Source};

/// What all processes of one run share.
pub(crate) struct Job {
    pub(crate) chaos: Chaos,
    pub(crate) clients_max: usize,
    feed: Mutex<Feed>,
    /// Reading blocks nobody: it is in memory, or the world is simulated.
    at_once: bool,
    /// The input, when it can't be read a second time.
    once: Option<Source>,
    begun: AtomicBool,
    done: Mutex<Option<ReplyTo<Outcome>>>,
}

/// How a job came to its end.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Every line that was read is counted.
    Counted,
    /// The input broke off.
    Broken(InputError),
}

impl Job {
    fn new(input: Input, setup: &Setup, simulated: bool, done: ReplyTo<Outcome>) -> Self {
        Self {
            chaos: Chaos::new(setup.seed, setup.chaos),
            clients_max: setup.clients_max,
            at_once: simulated || input.is_in_memory(),
            once: input.is_stream().then(|| input.source().clone()),
            feed: Feed::new(input, setup.passes),
            begun: AtomicBool::new(false),
            done: Mutex::new(Some(done)),
        }
    }

    /// Goes to the first line: whether somebody has read before.
    fn begin_reading(&self) -> Result<bool, InputError> {
        let again = self.begun.swap(true, Ordering::Relaxed);
        if again && let Some(source) = &self.once {
            return Err(InputError::Once(source.clone()));
        }
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        feed.rewind().map(|()| again)
    }

    fn finish(&self, outcome: Outcome) {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(done) = done {
            done.send(outcome);
        }
    }
}
