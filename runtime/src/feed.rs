//! How is something that happens shown to whoever wants to see it?
//!
//! Role       A feed of events with any number of readers: dead letters, mailbox alarms.
//! Owns       For each reader the newest events that it has not read, as many as it asked for.
//! Limit      A reader that does not read loses the oldest of its `capacity` events, and is told
//!            how many. Nobody waits for a reader.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Where events are told.
pub(crate) struct Feed<T> {
    watched: AtomicBool,
    readers: Mutex<Vec<Weak<Reader<T>>>>,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Self {
            watched: AtomicBool::new(false),
            readers: Mutex::default(),
        }
    }
}

struct Reader<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    events: VecDeque<T>,
    lost: u64,
    waker: Option<Waker>,
}

impl<T: Clone> Feed<T> {
    /// Whether anybody reads, or did a moment ago.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    /// Tells every reader.
    pub(crate) fn tell(&self, event: &T) {
        let mut wakers = Vec::new();
        {
            let mut readers = lock(&self.readers);
            readers.retain(|reader| match reader.upgrade() {
                Some(reader) => {
                    wakers.extend(reader.put(event.clone()));
                    true
                }
                None => false,
            });
            self.watched.store(!readers.is_empty(), Ordering::Release);
        }
        // Not under the lock: a waker is the program's, and may make an event itself.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A reader from here on, that keeps up to `capacity` events.
    pub(crate) fn subscribe(&self, capacity: usize) -> Stream<T> {
        let reader = Arc::new(Reader {
            capacity: capacity.max(1),
            state: Mutex::new(State {
                events: VecDeque::new(),
                lost: 0,
                waker: None,
            }),
        });
        let mut readers = lock(&self.readers);
        readers.push(Arc::downgrade(&reader));
        self.watched.store(true, Ordering::Release);
        Stream(reader)
    }
}

impl<T> Reader<T> {
    /// Keeps an event, and says who waits for it.
    fn put(&self, event: T) -> Option<Waker> {
        let mut state = lock(&self.state);
        if state.events.len() == self.capacity {
            state.events.pop_front();
            state.lost += 1;
        }
        state.events.push_back(event);
        state.waker.take()
    }
}

/// Events from the moment of subscription on. It is also a `futures` stream, which does not end: an
/// actor can attach it.
pub struct Stream<T>(Arc<Reader<T>>);

impl<T> Stream<T> {
    /// The next event, when there is one.
    pub async fn next(&mut self) -> T {
        std::future::poll_fn(|cx| self.poll_one(cx)).await
    }

    fn poll_one(&self, cx: &mut Context<'_>) -> Poll<T> {
        let mut state = lock(&self.0.state);
        match state.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<T> {
        lock(&self.0.state).events.pop_front()
    }

    /// How many were lost because nobody read them in time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        lock(&self.0.state).lost
    }
}

impl<T> futures_core::Stream for Stream<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_one(cx).map(Some)
    }
}

impl<T> std::fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
