//! What does a process do with a system message?
//!
//! Role       [`Control`]: the part of a behaviour that the system talks to; [`Controlled`]: what
//!            the behaviour shows of itself. Every behaviour has the one and is the other.
//! Limit      A log keeps at most `LOG_MAX` events.
//! Invariant  Suspending twice is suspending; whoever asks may resume. A function that panics
//!            changes nothing.
//! Source     otp: sys, handle_system_msg/6

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation_runtime::{Envelope, Mailed, Me, Payload, Reason};

use super::ask::{Answer, Ask, Outcome, Refusal, Within, is_system};
use super::report::{LogEvent, Logged, Statistics, Status, SysState};
use crate::server::StopRequest;

/// How many events a log keeps at most.
const LOG_MAX: usize = 1000;

/// What a behaviour shows the system.
pub(crate) trait Controlled {
    /// Its code, for people.
    fn code(&self) -> &'static str;

    /// The version of its state.
    fn version(&self) -> u32 {
        1
    }

    /// Its state as text, if it may be shown.
    fn describe(&mut self) -> Option<String> {
        None
    }

    /// Its state, and what is kept beside it, for code that knows the types.
    fn parts(&mut self) -> Option<(&mut dyn Any, &mut dyn Any)> {
        None
    }
}

/// What a behaviour does after a system message.
#[derive(Debug, PartialEq)]
pub(crate) enum Then {
    /// What it did before.
    GoOn,
    /// It handles system messages only from here on.
    Suspend,
    /// It handles all messages again.
    Resume,
    /// It terminates, for this reason.
    Stop(Reason),
}

/// What the system keeps for a process.
#[derive(Debug, Default)]
pub(crate) struct Control {
    suspended: bool,
    counted: Option<Counted>,
    /// Shared with crash reports of the process.
    log: Option<Arc<Mutex<Log>>>,
}

#[derive(Debug)]
struct Counted {
    since: Duration,
    reductions: u64,
    messages_in: u64,
}

#[derive(Debug, Default)]
struct Log {
    capacity: usize,
    events: VecDeque<LogEvent>,
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Control {
    /// Whether there is nothing to keep: the behaviour need not have one.
    pub(crate) fn is_idle(&self) -> bool {
        !self.suspended && self.counted.is_none() && self.log.is_none()
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Notes that the process takes something to handle it.
    pub(crate) fn note(&mut self, me: Me, mailed: &Mailed) {
        if matches!(mailed, Mailed::Message(envelope) if is_system(envelope)) {
            return;
        }
        if let Some(counted) = &mut self.counted {
            counted.messages_in += 1;
        }
        if self.log.is_some() {
            self.log(
                me,
                match mailed {
                    Mailed::Exit(exit) => Logged::Exit { from: exit.from },
                    Mailed::Down(down) => Logged::Down { pid: down.pid },
                    Mailed::Message(envelope) | Mailed::Timeout(_, envelope) => Logged::In {
                        message: envelope.name().to_owned(),
                        from: envelope.from(),
                    },
                },
            );
        }
    }

    fn log(&mut self, me: Me, what: Logged) {
        let Some(log) = &self.log else { return };
        let mut log = lock(log);
        if log.events.len() == log.capacity {
            log.events.pop_front();
        }
        let at = me.node().now();
        log.events.push_back(LogEvent { at, what });
    }

    /// Does what the system asks.
    ///
    /// # Errors
    /// The envelope, when it is no system message.
    pub(crate) fn handle(
        &mut self,
        envelope: Envelope,
        me: Me,
        on: &mut dyn Controlled,
    ) -> Result<Then, Envelope> {
        let envelope = match envelope.take_or_decode::<StopRequest>() {
            Ok(StopRequest(reason)) => return Ok(Then::Stop(reason)),
            Err(other) => other,
        };
        let envelope = match envelope.take_call::<Within>() {
            Ok((within, reply)) => {
                reply.send(run(within, on, self.suspended));
                return Ok(Then::GoOn);
            }
            Err(other) => other,
        };
        let (ask, reply) = match envelope.take_call::<Ask>() {
            Ok(asked) => asked,
            Err(other) if other.tag() == Some(Ask::tag()) => match other.decode_call::<Ask>() {
                Ok(Some(asked)) => asked,
                Ok(None) => return Ok(Then::GoOn),
                Err(other) => return Err(other),
            },
            Err(other) => return Err(other),
        };
        let (answer, then) = self.answer(ask, me, on);
        reply.send(answer);
        Ok(then)
    }

    fn answer(&mut self, ask: Ask, me: Me, on: &mut dyn Controlled) -> (Answer, Then) {
        let mut then = Then::GoOn;
        let answer = match ask {
            Ask::Status => Answer::Status(Box::new(self.status(me, on))),
            Ask::State => Answer::State(on.describe()),
            Ask::Statistics(switch) => Answer::Statistics(self.statistics(me, switch)),
            Ask::Log => Answer::Log(self.events()),
            Ask::KeepLog(count) => {
                self.keep_log(me, count);
                Answer::Done
            }
            Ask::Suspend => {
                if !std::mem::replace(&mut self.suspended, true) {
                    self.log(me, Logged::Suspended);
                    then = Then::Suspend;
                }
                Answer::Done
            }
            Ask::Resume => {
                if std::mem::take(&mut self.suspended) {
                    self.log(me, Logged::Resumed);
                    then = Then::Resume;
                }
                Answer::Done
            }
        };
        (answer, then)
    }

    fn keep_log(&mut self, me: Me, count: u32) {
        let capacity = (count as usize).min(LOG_MAX);
        if capacity == 0 {
            self.log = None;
            return me.no_last();
        }
        let log = self.log.get_or_insert_with(|| {
            let log = Arc::new(Mutex::new(Log::default()));
            let told = Arc::clone(&log);
            me.tell_last(move || {
                let log = lock(&told);
                log.events
                    .iter()
                    .map(|event| event.what.to_string())
                    .collect()
            });
            log
        });
        let mut log = lock(log);
        log.capacity = capacity;
        let surplus = log.events.len().saturating_sub(capacity);
        log.events.drain(..surplus);
    }

    /// What it did last, if its log is on.
    fn events(&self) -> Vec<LogEvent> {
        let log = self.log.as_deref().map(lock);
        log.map(|log| log.events.iter().cloned().collect())
            .unwrap_or_default()
    }

    fn statistics(&mut self, me: Me, switch: Option<bool>) -> Option<Statistics> {
        let (now, reductions) = (me.node().now(), me.info().reductions);
        match switch {
            Some(true) => {
                if self.counted.is_none() {
                    me.count_sends(true);
                }
                self.counted.get_or_insert(Counted {
                    since: now,
                    reductions,
                    messages_in: 0,
                });
            }
            Some(false) if self.counted.take().is_some() => me.count_sends(false),
            Some(false) => {}
            None => {}
        }
        let counted = self.counted.as_ref()?;
        Some(Statistics {
            since: counted.since,
            now,
            messages_in: counted.messages_in,
            messages_out: me.sent().unwrap_or(0),
            reductions: reductions.saturating_sub(counted.reductions),
        })
    }

    fn status(&mut self, me: Me, on: &mut dyn Controlled) -> Status {
        let info = me.info();
        let facts = me.node().facts(me.pid());
        Status {
            pid: info.pid,
            name: info.registered_name,
            code: on.code().to_owned(),
            kind: facts.map(|facts| facts.kind).unwrap_or_default(),
            parent: info.parent,
            state: match self.suspended {
                true => SysState::Suspended,
                false => SysState::Running,
            },
            version: on.version(),
            messages_waiting: info.message_queue_len,
            shown: on.describe(),
            statistics: self.statistics(me, None),
            log: self.events(),
        }
    }
}

/// Runs a function of somebody else's with the state: whatever it does, the process goes on.
fn run(within: Within, on: &mut dyn Controlled, suspended: bool) -> Outcome {
    let run = AssertUnwindSafe(|| (within.0)(on, suspended));
    catch_unwind(run).unwrap_or_else(|payload| {
        let reason = foundation_runtime::reason_of_panic(payload);
        Err(Refusal::Panicked(match reason {
            Reason::Crash(crash) => crash.message.to_string(),
            other => other.to_string(),
        }))
    })
}
