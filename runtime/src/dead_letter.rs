//! Messages that reached nobody.
//!
//! Role       Counts them by reason and shows them to whoever subscribed; nothing is lost silently.
//! Limit      A subscriber that does not read loses the oldest of its `capacity` letters, and is
//!            told how many.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Poll, Waker};

use crate::Pid;

/// Why a message reached nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeadReason {
    /// The process had ended before.
    NoProc,
    /// The process ended with the message unread.
    Died,
    /// Nobody had the name it was sent to.
    NoName,
    /// There was no connection to the process's node.
    NoConnection,
    /// The alias it was sent through is not active.
    InactiveAlias,
    /// It came from another node, and the receiver knows no such message.
    Unknown,
}

const REASONS: usize = 6;

/// A message that reached nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who it was for; `None` when a name led nowhere.
    pub to: Option<Pid>,
    /// Who sent it; `None` for code outside any process.
    pub from: Option<Pid>,
    /// The kind of message: a method or type.
    pub message: &'static str,
    /// Why it reached nobody.
    pub reason: DeadReason,
}

#[derive(Default)]
pub(crate) struct DeadLetters {
    counts: [AtomicU64; REASONS],
    watched: AtomicBool,
    subscribers: Mutex<Vec<Weak<Subscriber>>>,
}

struct Subscriber {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    letters: VecDeque<DeadLetter>,
    lost: u64,
    waker: Option<Waker>,
}

impl DeadLetters {
    pub(crate) fn report(&self, letter: impl FnOnce() -> DeadLetter, reason: DeadReason) {
        self.counts[reason as usize].fetch_add(1, Ordering::Relaxed);
        if !self.watched.load(Ordering::Acquire) {
            return;
        }
        let letter = letter();
        tracing::debug!(target: "foundation::dead_letter", ?letter, "dead letter");
        let mut subscribers = self
            .subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut wakers = Vec::new();
        subscribers.retain(|subscriber| match subscriber.upgrade() {
            Some(subscriber) => {
                wakers.extend(subscriber.put(letter.clone()));
                true
            }
            None => false,
        });
        self.watched
            .store(!subscribers.is_empty(), Ordering::Release);
        drop(subscribers);
        // Not under the lock: a waker is the program's, and may make a dead letter itself.
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn count(&self, reason: DeadReason) -> u64 {
        self.counts[reason as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    pub(crate) fn subscribe(&self, capacity: usize) -> DeadLetterStream {
        let subscriber = Arc::new(Subscriber {
            capacity: capacity.max(1),
            state: Mutex::new(State::default()),
        });
        let mut subscribers = self
            .subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Arc::downgrade(&subscriber));
        self.watched.store(true, Ordering::Release);
        DeadLetterStream(subscriber)
    }
}

impl Subscriber {
    /// Keeps a letter, and says who waits for it.
    fn put(&self, letter: DeadLetter) -> Option<Waker> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.letters.len() == self.capacity {
            state.letters.pop_front();
            state.lost += 1;
        }
        state.letters.push_back(letter);
        state.waker.take()
    }
}

/// Dead letters from the moment of subscription on.
pub struct DeadLetterStream(Arc<Subscriber>);

impl DeadLetterStream {
    /// The next dead letter, when there is one.
    pub async fn next(&mut self) -> DeadLetter {
        std::future::poll_fn(|cx| {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            match state.letters.pop_front() {
                Some(letter) => Poll::Ready(letter),
                None => {
                    state.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// A dead letter that is there already.
    pub fn try_next(&mut self) -> Option<DeadLetter> {
        self.0
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .letters
            .pop_front()
    }

    /// How many were lost because nobody read them in time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lost
    }
}

impl std::fmt::Debug for DeadLetterStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeadLetterStream")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
