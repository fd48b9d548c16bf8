//! What two nodes say to each other.
//!
//! Role       Every signal and message, as data: with a payload to be written, or as it was read.
//! Invariant  A frame names its receiver; nothing in it is trusted beyond what it says.

use super::course::Course;
use super::{Brought, FreightKind};
use crate::envelope::{Caller, CodecError, Encoded, Envelope, ExitKind, Signal, Tag, copy};
use crate::{CallError, Node, NodeId, Pid, Reason};

/// What texts are made numbers with: FNV-1a.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// A number that no other process of its node has, while either lives.
fn number(pid: Pid) -> u64 {
    u64::from(pid.slot()) << 32 | u64::from(pid.generation().get())
}

/// Who a frame is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target<'a> {
    Pid(Pid),
    Name(NodeId, &'a str),
}

impl Target<'_> {
    pub(crate) fn node(&self) -> NodeId {
        match self {
            Self::Pid(pid) => pid.node(),
            Self::Name(node, _) => *node,
        }
    }
}

/// What becomes the bytes that a process is given.
pub(crate) trait Body {
    /// Appends them.
    fn write(&self, bytes: &mut Vec<u8>) -> Result<(), CodecError>;
}

impl Body for &[u8] {
    fn write(&self, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
        bytes.extend_from_slice(self);
        Ok(())
    }
}

impl Body for &Envelope {
    fn write(&self, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
        self.encode(bytes)
    }
}

/// The number of a call that came from another node, and how the answer goes: its channel, and whether in
/// causal order, in the upper byte, which no number of a call ever reaches.
pub(super) struct CallNumber;

impl CallNumber {
    const SHIFT: u32 = 56;
    /// In the upper byte, which no channel's place reaches.
    const CAUSAL: u8 = 0x80;

    fn of(id: u64, brought: &Brought) -> u64 {
        assert!(
            brought.channel < Self::CAUSAL,
            "no node has so many channels"
        );
        let causal = if brought.causal { Self::CAUSAL } else { 0 };
        u64::from(brought.channel | causal) << Self::SHIFT | (id & ((1 << Self::SHIFT) - 1))
    }

    /// The number as the other node knows it, and how the answer goes.
    pub(super) fn parts(number: u64) -> (u64, Course) {
        let upper = (number >> Self::SHIFT) as u8;
        let course = Course::over(upper & !Self::CAUSAL, upper & Self::CAUSAL != 0);
        (number & ((1 << Self::SHIFT) - 1), course)
    }
}

/// A message or request of a program.
#[derive(Debug, PartialEq)]
pub(crate) struct Message<P> {
    pub(crate) from: Option<Pid>,
    pub(crate) tag: Tag,
    /// Who waits for an answer, and the number of the call.
    pub(crate) caller: Option<(Pid, u64)>,
    pub(crate) payload: P,
}

impl Message<&[u8]> {
    /// What the receiver is given, when it came over this channel: the answer goes back over it.
    pub(super) fn into_envelope(self, node: &Node, brought: Brought) -> Envelope {
        let caller = self.caller.map(|(pid, id)| Caller::Process {
            node: node.clone(),
            pid,
            id: CallNumber::of(id, &brought),
        });
        let mut envelope = Envelope::encoded(Encoded {
            tag: self.tag,
            bytes: copy(self.payload),
            caller,
            _kept: brought.kept,
        });
        envelope.header_mut().from = self.from;
        envelope
    }
}

#[derive(Debug, PartialEq)]
pub(crate) enum Frame<'a, P = &'a [u8]> {
    Message {
        to: Target<'a>,
        message: Message<P>,
    },
    Alias {
        to: Pid,
        alias: u64,
        priority: bool,
        message: Message<P>,
    },
    Answer {
        to: Pid,
        id: u64,
        payload: P,
    },
    Failure {
        to: Pid,
        id: u64,
        failure: CallError,
    },
    Exit {
        from: Pid,
        to: Pid,
        reason: Reason,
        link: bool,
    },
    Link {
        from: Pid,
        to: Pid,
    },
    Unlink {
        from: Pid,
        to: Pid,
        id: u64,
    },
    UnlinkAck {
        from: Pid,
        to: Pid,
        id: u64,
    },
    Monitor {
        watcher: Pid,
        to: Target<'a>,
        id: u64,
    },
    Demonitor {
        watcher: Pid,
        to: Pid,
        id: u64,
    },
    Down {
        from: Pid,
        to: Pid,
        id: u64,
        reason: Reason,
    },
    Info {
        from: Pid,
        to: Pid,
        id: u64,
    },
    Whereis {
        from: Pid,
        id: u64,
        name: &'a str,
    },
    Lead {
        from: Pid,
        to: Pid,
        leader: Pid,
    },
}

impl<P> Frame<'_, P> {
    pub(super) fn freight(&self) -> FreightKind {
        match self {
            Self::Message { .. } | Self::Alias { .. } => FreightKind::Message,
            // Of answers there are no more than of requests.
            _ => FreightKind::Signal,
        }
    }

    /// A number of whom it is for.
    pub(super) fn receiver(&self) -> u64 {
        match self {
            Self::Message {
                to: Target::Name(_, name),
                ..
            } => name.bytes().fold(FNV_BASIS, |sum, byte| {
                (sum ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
            }),
            Self::Message {
                to: Target::Pid(to),
                ..
            }
            | Self::Alias { to, .. }
            | Self::Answer { to, .. }
            | Self::Failure { to, .. } => number(*to),
            // What is no message goes the usual way.
            _ => 0,
        }
    }

    /// A number of the type of message that it is, and of who sends it.
    pub(super) fn topic(&self, sender: Option<Pid>) -> u64 {
        match self {
            Self::Message { message, .. } | Self::Alias { message, .. } => {
                let sender = sender.map_or(0, number);
                message.tag.as_u64() ^ sender.wrapping_mul(FNV_PRIME)
            }
            _ => 0,
        }
    }

    /// Who waits for an answer to it.
    pub(super) fn request(&self) -> Option<(Pid, u64)> {
        match self {
            Self::Message { message, .. } | Self::Alias { message, .. } => message.caller,
            _ => None,
        }
    }

    /// Who sends it, where it says so.
    pub(super) fn sender(&self) -> Option<Pid> {
        match self {
            Self::Message { message, .. } | Self::Alias { message, .. } => message.from,
            Self::Exit { from, .. }
            | Self::Link { from, .. }
            | Self::Unlink { from, .. }
            | Self::UnlinkAck { from, .. }
            | Self::Down { from, .. }
            | Self::Info { from, .. }
            | Self::Lead { from, .. }
            | Self::Whereis { from, .. } => Some(*from),
            Self::Monitor { watcher, .. } | Self::Demonitor { watcher, .. } => Some(*watcher),
            Self::Answer { .. } | Self::Failure { .. } => None,
        }
    }
}

impl Frame<'_> {
    /// The signal that this frame is, and its receiver.
    pub(super) fn into_signal(self) -> Option<(Pid, Signal)> {
        Some(match self {
            Self::Exit {
                from,
                to,
                reason,
                link,
            } => {
                let kind = if link { ExitKind::Link } else { ExitKind::Sent };
                (to, Signal::Exit { from, reason, kind })
            }
            Self::Link { from, to } => (to, Signal::Link { from }),
            Self::Unlink { from, to, id } => (to, Signal::Unlink { from, id }),
            Self::UnlinkAck { from, to, id } => (to, Signal::UnlinkAck { from, id }),
            Self::Monitor {
                watcher,
                to: Target::Pid(to),
                id,
            } => (
                to,
                Signal::Monitor {
                    watcher,
                    id,
                    name: None,
                },
            ),
            Self::Demonitor { watcher, to, id } => (to, Signal::Demonitor { watcher, id }),
            Self::Lead { from, to, leader } => (to, Signal::Lead { from, leader }),
            Self::Down {
                from,
                to,
                id,
                reason,
            } => (to, Signal::Down { id, from, reason }),
            _ => return None,
        })
    }
}
