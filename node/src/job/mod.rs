//! How is a log worked through by supervised processes?
//!
//! Role       The main job: starts the tree, waits for the end, and draws up the report.
//! Inputs     An input, how often to read it, how much chaos, how many processes at most.
//! Outputs    A [`Report`](crate::log::Report): every total and finding is that of the plain loop.
//! Owns       [`Job`], what all processes of one run share.
//! Invariant  Every line is counted once, whoever dies when: see [`work`], [`table`], [`router`].

mod bystander;
mod chaos;
mod client;
mod counting;
mod probe;
mod reader;
mod router;
mod run;
mod spread;
mod starter;
mod table;
mod tree;
mod view;
mod work;

pub(crate) use probe::Nothing;
pub use run::{JobError, Setup, Underway, simulate, start, start_spread};
pub use spread::host_tree;
pub use spread::{Blow, Faults, Mishap, NodeState, Nodes, mishap, node_name};
pub use view::Watcher;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foundation::ReplyTo;

use self::chaos::Chaos;
use self::reader::Feed;
use self::router::Facts;
use self::spread::Spread;
use self::work::ClientName;
use crate::input::{Input, InputError, Source};

/// What all processes of one run share.
pub(crate) struct Job {
    pub(crate) chaos: Chaos,
    pub(crate) clients_max: usize,
    /// How many bytes there are to be read, if that is known.
    pub(crate) size: Option<u64>,
    feed: Mutex<Feed>,
    /// Reading blocks nobody: it is in memory, or the world is simulated.
    at_once: bool,
    /// The input, when it can't be read a second time.
    once: Option<Source>,
    /// Read slowly, for people to see.
    paced: bool,
    /// The nodes that do it together, if they are several.
    pub(crate) spread: Option<Arc<Spread>>,
    begun: AtomicBool,
    done: Mutex<Option<ReplyTo<Outcome>>>,
}

/// How a job came to its end.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Every line that was read is counted: this was read.
    Counted(AllRead),
    /// The input broke off.
    Broken(InputError),
}

/// What a router has read.
#[derive(Debug, Clone)]
pub(crate) struct AllRead {
    pub(crate) facts: Facts,
    /// Lines by client.
    pub(crate) lines: Vec<(ClientName, u64)>,
}

impl Job {
    fn new(
        input: Input,
        setup: &Setup,
        spread: Option<Arc<Spread>>,
        done: ReplyTo<Outcome>,
    ) -> Self {
        Self {
            chaos: Chaos::new(setup.seed, setup.chaos),
            clients_max: setup.clients_max,
            size: input.size().map(|size| size * u64::from(setup.passes)),
            paced: setup.paced,
            at_once: setup.simulated || input.is_in_memory(),
            once: input.is_stream().then(|| input.source().clone()),
            feed: Feed::new(input, setup.passes, setup.paced),
            spread,
            begun: AtomicBool::new(false),
            done: Mutex::new(Some(done)),
        }
    }

    /// Goes to the first line, and says how often that was done, this time included.
    fn begin_reading(&self) -> Result<u32, InputError> {
        let begun = self.begun.swap(true, Ordering::Relaxed);
        if begun && let Some(source) = &self.once {
            return Err(InputError::Once(source.clone()));
        }
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        feed.rewind()
    }

    fn finish(&self, outcome: Outcome) {
        let done = self
            .done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(done) = done {
            done.send(outcome);
        }
    }
}
