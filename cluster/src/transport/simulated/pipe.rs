//! What is on its way in one direction of a stream?
//!
//! Role       Portions of bytes with the time of their arrival, and the end.
//! Invariant  Arrivals never go back: what is behind a late portion is late, too. Who waits is woken once for
//!            what was sent: when it arrives.
//! Limit      [`WINDOW_BYTES`] on their way.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use super::WINDOW_BYTES;
use super::link::retry;
use crate::machine::Tick;

/// How a direction of a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All was said.
    Finished,
    /// The other end is gone.
    Reset,
}

#[derive(Debug)]
struct Portion {
    bytes: Vec<u8>,
    /// How much of it was read.
    read: usize,
    sent: Tick,
    /// `None` while nothing passes.
    arrives: Option<Tick>,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Bytes(usize),
    End(End),
    /// Nothing before this time.
    Later(Tick),
    /// Nothing, for all that is known now.
    Nothing,
}

#[derive(Debug, Default)]
pub(super) struct Pipe {
    portions: VecDeque<Portion>,
    bytes: usize,
    end: Option<(End, Option<Tick>)>,
    /// When the writer will know that nobody reads any more.
    abandoned: Option<Tick>,
    last_arrival: Tick,
    reader: Option<Waker>,
    /// When who is to be woken, for all that it knows.
    alarm: Option<(Tick, Waker)>,
    writer: Option<Waker>,
}

impl Pipe {
    /// How many bytes may be sent now; who may send none is woken later.
    pub(super) fn room(&mut self, waker: &Waker) -> usize {
        let room = WINDOW_BYTES.saturating_sub(self.bytes);
        if room == 0 {
            self.writer = Some(waker.clone());
        }
        room
    }

    pub(super) fn is_abandoned(&self, now: Tick) -> bool {
        self.abandoned.is_some_and(|known| known <= now)
    }

    /// Whether this end has said that it says no more.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Sends a portion. `takes` is `None` while nothing passes. Who is to be woken when, if anybody is.
    pub(super) fn send(
        &mut self,
        now: Tick,
        bytes: Vec<u8>,
        takes: Option<Duration>,
    ) -> Option<(Tick, Waker)> {
        let arrives = takes.map(|takes| self.in_order(now + takes));
        self.bytes += bytes.len();
        self.portions.push_back(Portion {
            bytes,
            read: 0,
            sent: now,
            arrives,
        });
        // Who waits for more than the first is woken for the first.
        let is_first = self.portions.len() == 1;
        arrives.filter(|_| is_first).and_then(|at| self.alarm(at))
    }

    /// Who waits is to be woken at this time, if that was not asked for before.
    pub(super) fn alarm(&mut self, at: Tick) -> Option<(Tick, Waker)> {
        let waker = self.reader.as_ref()?;
        let is_set = |(set, of): &(Tick, Waker)| *set == at && of.will_wake(waker);
        if self.alarm.as_ref().is_some_and(is_set) {
            return None;
        }
        let alarm = (at, waker.clone());
        self.alarm = Some(alarm.clone());
        Some(alarm)
    }

    fn in_order(&mut self, arrival: Tick) -> Tick {
        self.last_arrival = self.last_arrival.max(arrival);
        self.last_arrival
    }

    /// Ends it after all that was sent, or with what was sent lost when it is a reset.
    pub(super) fn finish(&mut self, now: Tick, end: End, takes: Option<Duration>) {
        if self.end.is_some_and(|(old, _)| old == End::Reset) {
            return;
        }
        let arrives = takes.map(|takes| match end {
            End::Finished => self.in_order(now + takes),
            End::Reset => now + takes,
        });
        self.end = Some((end, arrives));
        self.wake_reader();
    }

    /// Nobody reads any more; the writer learns it so much later.
    pub(super) fn abandon(&mut self, now: Tick, takes: Option<Duration>) {
        self.abandoned = takes.map(|takes| now + takes);
        self.portions.clear();
        self.bytes = 0;
        wake(&mut self.writer);
    }

    pub(super) fn read(&mut self, now: Tick, into: &mut [u8], waker: &Waker) -> Found {
        let due = |arrives: Option<Tick>| arrives.is_some_and(|at| at <= now);
        if let Some((End::Reset, arrives)) = self.end
            && due(arrives)
        {
            return Found::End(End::Reset);
        }
        let mut count = 0;
        while let Some(first) = self.portions.front_mut().filter(|first| due(first.arrives)) {
            let left = &first.bytes[first.read..];
            let taken = left.len().min(into.len() - count);
            into[count..count + taken].copy_from_slice(&left[..taken]);
            first.read += taken;
            count += taken;
            if first.read < first.bytes.len() {
                break;
            }
            self.portions.pop_front();
        }
        if count > 0 {
            self.bytes -= count;
            wake(&mut self.writer);
            return Found::Bytes(count);
        }
        self.reader = Some(waker.clone());
        // It has gone off. What takes no time may come at the same one.
        self.alarm.take_if(|(at, _)| *at <= now);
        match (self.portions.front(), self.end) {
            (Some(first), _) => first.arrives.map_or(Found::Nothing, Found::Later),
            (None, Some((end, arrives))) if due(arrives) => Found::End(end),
            (None, Some((_, Some(arrives)))) => Found::Later(arrives),
            (None, _) => Found::Nothing,
        }
    }

    /// Nothing passes from now on: what is on its way is lost, for now.
    pub(super) fn stall(&mut self, now: Tick) {
        let later = |arrives: &mut Option<Tick>| {
            if arrives.is_some_and(|at| now < at) {
                *arrives = None;
            }
        };
        self.portions
            .iter_mut()
            .for_each(|portion| later(&mut portion.arrives));
        if let Some((_, arrives)) = &mut self.end {
            later(arrives);
        }
        self.last_arrival = self.last_arrival.min(now);
    }

    /// It passes again: what was lost comes when it is next sent again.
    pub(super) fn resume(&mut self, now: Tick, takes: Duration) {
        let mut last = self.last_arrival.max(now);
        for portion in self
            .portions
            .iter_mut()
            .filter(|portion| portion.arrives.is_none())
        {
            let mut again = portion.sent;
            let mut lost = 0;
            while again < now {
                again = again + retry(lost);
                lost += 1;
            }
            last = last.max(again + takes);
            portion.arrives = Some(last);
        }
        if let Some((_, arrives @ None)) = &mut self.end {
            last = last.max(now + takes);
            *arrives = Some(last);
        }
        self.last_arrival = last;
        self.wake_reader();
    }

    fn wake_reader(&mut self) {
        wake(&mut self.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
