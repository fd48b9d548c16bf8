//! Is the wire what it says, whatever comes over it?
//!
//! Role       Frames to try, and what is tried with them.

mod golden;
mod hostile;
mod limits;
mod measure;
mod random;

use std::num::NonZeroU32;
use std::sync::Arc;

use super::{Ends, WireError, decode, encode};
use crate::envelope::Tag;
use crate::port::frame::{Frame, Message, Target};
use crate::{CallError, Crash, NodeId, Pid, Reason, Rng, Stack, Term};

pub(super) const SENDER: NodeId = NodeId::from_u64(0xa1a2_a3a4_a5a6_a7a8);
pub(super) const RECEIVER: NodeId = NodeId::from_u64(0xb1b2_b3b4_b5b6_b7b8);
pub(super) const THIRD: NodeId = NodeId::from_u64(0xc1c2_c3c4_c5c6_c7c8);

pub(super) const ENDS: Ends = Ends {
    sender: SENDER,
    receiver: RECEIVER,
};

pub(super) fn pid(node: NodeId, slot: u32, generation: u32) -> Pid {
    let generation = NonZeroU32::new(generation).expect("no slot has had nobody");
    Pid::new(node, slot, generation)
}

pub(super) fn written(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(frame, ENDS, &mut bytes).expect("it can be written");
    bytes
}

/// Reads bytes; whatever is read is written in this one way.
pub(super) fn read(bytes: &[u8]) -> Result<Frame<'_>, WireError> {
    let frame = decode(bytes, ENDS)?;
    assert_eq!(written(&frame), bytes, "{frame:?}");
    Ok(frame)
}

/// How many kinds of frame [`Maker::frame`] makes.
pub(super) const KINDS: usize = 16;

/// Makes frames up.
pub(super) struct Maker {
    pub(super) rng: Rng,
    names: Vec<String>,
    payload: Vec<u8>,
}

impl Maker {
    pub(super) fn new(seed: u64) -> Self {
        let names = ["", "n", "registry", "größe", "進程"].map(str::to_owned);
        let long = ["x".repeat(127), "y".repeat(128), "z".repeat(1024)];
        Self {
            rng: Rng::new(seed),
            names: names.into_iter().chain(long).collect(),
            payload: (0..=255).cycle().take(20_000).collect(),
        }
    }

    /// Small ones as a rule, and those beside a change of length.
    pub(super) fn number(&mut self) -> u64 {
        match self.rng.below(8) {
            0..4 => self.rng.next_u64() & 0x7f,
            4 => self.rng.next_u64() & 0x3fff,
            5 => [0, 0x7f, 0x80, 0x3fff, 0x4000, u64::MAX >> 1][self.rng.below(6)],
            6 => u64::MAX,
            _ => self.rng.next_u64(),
        }
    }

    fn pid(&mut self) -> Pid {
        let node = [SENDER, RECEIVER, THIRD][self.rng.below(3)];
        let slot = match self.rng.below(8) {
            0 => u32::MAX,
            _ => self.number() as u32,
        };
        let generation = (self.number() as u32).max(1);
        pid(node, slot, generation)
    }

    fn name(&mut self) -> usize {
        self.rng.below(self.names.len())
    }

    fn text(&mut self) -> Box<str> {
        let name = self.name();
        (&*self.names[name]).into()
    }

    pub(super) fn term(&mut self, depth: usize) -> Term {
        let kinds = if depth == 0 { 6 } else { 9 };
        match self.rng.below(kinds) {
            0 => Term::Atom(self.text()),
            1 => Term::Integer(self.number() as i64),
            2 => Term::Float(f64::from_bits(self.rng.next_u64())),
            3 => Term::from(&*self.text()),
            4 => Term::Pid(self.pid()),
            5 => Term::Reference(self.pid(), self.number()),
            6 => Term::List(self.terms(depth - 1)),
            7 => Term::Tuple(self.terms(depth - 1)),
            _ => {
                let keys = self.terms(depth - 1);
                let pairs = keys.into_iter().map(|key| (key, self.term(depth - 1)));
                Term::Map(pairs.collect())
            }
        }
    }

    fn terms(&mut self, depth: usize) -> Vec<Term> {
        let count = self.rng.below(4);
        (0..count).map(|_| self.term(depth)).collect()
    }

    fn reason(&mut self) -> Reason {
        match self.rng.below(9) {
            0 => Reason::Normal,
            1 => Reason::Shutdown,
            2 => Reason::ShutdownWith(Arc::new(self.term(3))),
            3 => Reason::Kill,
            4 => Reason::Killed,
            5 => Reason::NoProc,
            6 => Reason::NoConnection,
            7 => {
                let (location, backtrace) = (self.rng.chance(0.5), self.rng.chance(0.5));
                Reason::Crash(Arc::new(Crash {
                    message: self.text(),
                    location: location.then(|| self.text()),
                    backtrace: backtrace.then(|| Stack::told(&self.text())),
                }))
            }
            _ => Reason::Other(Arc::new(self.term(3))),
        }
    }

    fn failure(&mut self) -> CallError {
        match self.rng.below(9) {
            0 => CallError::NoProc,
            1 => CallError::Down(self.reason()),
            2 => CallError::Timeout,
            3 => CallError::NoConnection,
            4 => CallError::CallingSelf,
            5 => CallError::NoReply,
            6 => CallError::NotPortable(self.text()),
            7 => CallError::Refused(self.text()),
            _ => CallError::Full,
        }
    }

    /// How long a payload is.
    fn length(&mut self) -> usize {
        match self.rng.below(4) {
            0 => [0, 127, 128, 16_383, 16_384][self.rng.below(5)],
            _ => self.rng.below(100),
        }
    }

    fn message(&mut self) -> Message<usize> {
        let from = self.rng.chance(0.7).then(|| self.pid());
        let caller = match self.rng.below(3) {
            0 => None,
            1 => from,
            _ => Some(self.pid()),
        };
        Message {
            from,
            tag: Tag::from_u64(self.rng.next_u64()),
            caller: caller.map(|caller| (caller, self.number())),
            payload: self.length(),
        }
    }

    /// A frame of the kind with this number.
    pub(super) fn frame(&mut self, kind: usize) -> Frame<'_> {
        let (from, to, id) = (self.pid(), self.pid(), self.number());
        let (name, reason, failure) = (self.name(), self.reason(), self.failure());
        let (priority, message) = (self.rng.chance(0.5), self.message());
        let name = &*self.names[name];
        let message = Message {
            from: message.from,
            tag: message.tag,
            caller: message.caller,
            payload: &self.payload[..message.payload],
        };
        let payload = message.payload;
        let (watcher, alias) = (from, id);
        let target = Target::Pid(to);
        let named = Target::Name(RECEIVER, name);
        let link = kind == 6;
        match kind {
            0 => Frame::Message {
                to: target,
                message,
            },
            1 => Frame::Message { to: named, message },
            2 => Frame::Alias {
                to,
                alias,
                priority,
                message,
            },
            3 => Frame::Answer { to, id, payload },
            4 => Frame::Failure { to, id, failure },
            5 | 6 => Frame::Exit {
                from,
                to,
                reason,
                link,
            },
            7 => Frame::Link { from, to },
            8 => Frame::Unlink { from, to, id },
            9 => Frame::UnlinkAck { from, to, id },
            10 => Frame::Monitor {
                watcher,
                to: [target, named][usize::from(priority)],
                id,
            },
            11 => Frame::Demonitor { watcher, to, id },
            12 => Frame::Down {
                from,
                to,
                id,
                reason,
            },
            13 => Frame::Info { from, to, id },
            14 => Frame::Lead {
                from,
                to,
                leader: from,
            },
            _ => Frame::Whereis { from, id, name },
        }
    }
}
