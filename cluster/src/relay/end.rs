//! What is between a circuit and the program that reads and writes it?
//!
//! Role       What was written and not taken, what came and was not read, and who waits for either.
//! Limit      What the circuit gives room for, each way.
//! Invariant  The relay is told of news once, until it has taken them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::overlay::circuit::WhyClosed;
use crate::overlay::plumtree::Payload;

/// One end of a circuit, shared by the relay and the stream.
#[derive(Debug, Default)]
pub(super) struct End(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// What came, of which `at` bytes of the first were read.
    came: VecDeque<Payload>,
    at: usize,
    is_finished: bool,
    pub(super) closed: Option<WhyClosed>,
    room: usize,
    /// For the relay to take.
    news: News,
    is_told: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// What the program has done since the relay last looked.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) written: Vec<u8>,
    pub(super) consumed: usize,
    /// Nothing more will be written.
    pub(super) is_finished: bool,
    /// Nobody holds the stream any more.
    pub(super) is_dropped: bool,
}

impl End {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These bytes came.
    pub(super) fn came(&self, bytes: Payload) {
        let mut state = self.state();
        state.came.push_back(bytes);
        wake(state.reader.take());
    }

    /// Nothing more will come.
    pub(super) fn finished(&self) {
        let mut state = self.state();
        state.is_finished = true;
        wake(state.reader.take());
    }

    /// So much more can be written.
    pub(super) fn room(&self, bytes: usize) {
        let mut state = self.state();
        state.room += bytes;
        wake(state.writer.take());
    }

    /// The circuit is no more.
    pub(super) fn closed(&self, why: WhyClosed) {
        let mut state = self.state();
        state.closed.get_or_insert(why);
        wake(state.reader.take());
        wake(state.writer.take());
    }

    /// What the program has done; from here on the relay is told again.
    pub(super) fn take(&self) -> News {
        let mut state = self.state();
        state.is_told = false;
        std::mem::take(&mut state.news)
    }
}

impl State {
    /// Reads up to so many bytes; `None` when there are none yet.
    pub(super) fn read(&mut self, most: usize) -> Option<Payload> {
        let Some(first) = self.came.front() else {
            let is_over = self.is_finished || self.closed.is_some();
            return is_over.then(|| Payload::from([]));
        };
        let end = first.len().min(self.at + most);
        let part = Payload::from(&first[self.at..end]);
        self.at = end;
        if end == first.len() {
            self.came.pop_front();
            self.at = 0;
        }
        self.news.consumed += part.len();
        Some(part)
    }

    /// Writes as much as there is room for.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let count = self.room.min(bytes.len());
        self.room -= count;
        self.news.written.extend_from_slice(&bytes[..count]);
        count
    }

    pub(super) fn finish(&mut self) {
        self.news.is_finished = true;
    }

    pub(super) fn let_go(&mut self) {
        self.news.is_dropped = true;
    }

    /// Whether the relay has to be told of news.
    pub(super) fn tells(&mut self) -> bool {
        !std::mem::replace(&mut self.is_told, true)
    }
}

fn wake(waker: Option<Waker>) {
    waker.into_iter().for_each(Waker::wake);
}
