//! How is a frame written?
//!
//! Role       [`encode`]: one frame, behind whatever the buffer holds. The order of the fields is
//!            that of the lines here.
//! Invariant  What cannot be sent leaves the buffer as it was.

use super::output::Output;
use super::{Ends, FRAME_BYTES_MAX, NAME_BYTES_MAX, flag, kind};
use crate::envelope::CodecError;
use crate::port::frame::{Body, Frame, Message, Target};
use crate::{CallError, Pid, SendError};

/// Why a frame was not written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// It would be too long.
    TooLarge,
    /// The name in it is longer than the names of processes.
    Name,
    /// The message in it does not become bytes.
    Message(CodecError),
}

impl Unwritten {
    /// What a caller is told.
    pub(crate) fn failure(&self) -> CallError {
        match self {
            Self::TooLarge => CallError::Refused(too_large()),
            Self::Name => CallError::NoProc,
            Self::Message(CodecError::Local(name)) => CallError::NotPortable((*name).into()),
            Self::Message(error) => CallError::Refused(error.to_string().into()),
        }
    }

    /// What a sender is told; nothing of a name that nobody has.
    pub(crate) fn send_error(&self) -> Option<SendError> {
        match self {
            Self::TooLarge => Some(SendError::Refused(too_large())),
            Self::Name => None,
            Self::Message(CodecError::Local(name)) => Some(SendError::NotPortable(name)),
            Self::Message(error) => Some(SendError::Refused(error.to_string().into())),
        }
    }
}

fn too_large() -> Box<str> {
    format!("it is larger than the {FRAME_BYTES_MAX} bytes that one node takes from another").into()
}

/// Appends a frame.
///
/// # Errors
/// [`Unwritten`]; nothing was appended.
pub(in crate::port) fn encode<P: Body>(
    frame: &Frame<'_, P>,
    ends: Ends,
    bytes: &mut Vec<u8>,
) -> Result<(), Unwritten> {
    let begin = bytes.len();
    let written = Output::new(bytes, ends).frame(frame);
    let large = bytes.len() - begin > FRAME_BYTES_MAX;
    let written = written.and(if large {
        Err(Unwritten::TooLarge)
    } else {
        Ok(())
    });
    if written.is_err() {
        bytes.truncate(begin);
    }
    written
}

impl Output<'_> {
    fn frame<P: Body>(&mut self, frame: &Frame<'_, P>) -> Result<(), Unwritten> {
        match frame {
            Frame::Message { to, message } => self.message(to, message)?,
            Frame::Alias {
                to,
                alias,
                priority,
                message,
            } => {
                let priority = if *priority { flag::PRIORITY } else { 0 };
                self.head(kind::ALIAS, priority, message);
                self.pid(*to);
                self.number(*alias);
                self.body(message)?;
            }
            Frame::Answer { to, id, payload } => {
                self.about(kind::ANSWER, *to, *id);
                self.payload(payload)?;
            }
            Frame::Failure { to, id, failure } => {
                self.about(kind::FAILURE, *to, *id);
                self.failure(failure);
            }
            Frame::Exit {
                from,
                to,
                reason,
                link,
            } => {
                let kind = if *link {
                    kind::EXIT_OF_LINK
                } else {
                    kind::EXIT
                };
                self.between(kind, *from, *to);
                self.reason(reason);
            }
            Frame::Link { from, to } => self.between(kind::LINK, *from, *to),
            Frame::Unlink { from, to, id } => self.numbered(kind::UNLINK, *from, *to, *id),
            Frame::UnlinkAck { from, to, id } => self.numbered(kind::UNLINK_ACK, *from, *to, *id),
            Frame::Monitor { watcher, to, id } => match to {
                Target::Pid(to) => self.numbered(kind::MONITOR, *watcher, *to, *id),
                Target::Name(_, name) => {
                    self.about(kind::MONITOR_NAME, *watcher, *id);
                    self.name(name)?;
                }
            },
            Frame::Demonitor { watcher, to, id } => {
                self.numbered(kind::DEMONITOR, *watcher, *to, *id)
            }
            Frame::Down {
                from,
                to,
                id,
                reason,
            } => {
                self.numbered(kind::DOWN, *from, *to, *id);
                self.reason(reason);
            }
            Frame::Info { from, to, id } => self.numbered(kind::INFO, *from, *to, *id),
            Frame::Lead { from, to, leader } => self.lead(*from, *to, *leader),
            Frame::Whereis { from, id, name } => {
                self.about(kind::WHEREIS, *from, *id);
                self.name(name)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn message<P: Body>(&mut self, to: &Target<'_>, message: &Message<P>) -> Result<(), Unwritten> {
        match to {
            Target::Pid(to) => {
                self.head(kind::MESSAGE, 0, message);
                self.pid(*to);
            }
            Target::Name(_, name) => {
                self.head(kind::MESSAGE, flag::NAME, message);
                self.name(name)?;
            }
        }
        self.body(message)
    }

    /// What is before the receiver of a message.
    #[inline]
    fn head<P>(&mut self, kind: u8, flags: u8, message: &Message<P>) {
        let from = message.from.map_or(0, |_| flag::FROM);
        let call = match message.caller {
            None => 0,
            Some((caller, _)) if message.from == Some(caller) => flag::CALL,
            Some(_) => flag::CALL | flag::CALLER,
        };
        self.byte(kind);
        self.byte(flags | from | call);
        if let Some(from) = message.from {
            self.pid(from);
        }
    }

    /// What is behind the receiver of a message.
    #[inline]
    fn body<P: Body>(&mut self, message: &Message<P>) -> Result<(), Unwritten> {
        if let Some((caller, id)) = message.caller {
            if message.from != Some(caller) {
                self.pid(caller);
            }
            self.number(id);
        }
        self.fixed(message.tag.as_u64().to_le_bytes());
        self.payload(&message.payload)
    }

    fn payload(&mut self, payload: &impl Body) -> Result<(), Unwritten> {
        self.behind_its_length(|bytes| payload.write(bytes))
            .map_err(Unwritten::Message)
    }

    fn between(&mut self, kind: u8, from: Pid, to: Pid) {
        self.byte(kind);
        self.pid(from);
        self.pid(to);
    }

    fn lead(&mut self, from: Pid, to: Pid, leader: Pid) {
        self.between(kind::LEAD, from, to);
        self.pid(leader);
    }

    fn numbered(&mut self, kind: u8, from: Pid, to: Pid, id: u64) {
        self.between(kind, from, to);
        self.number(id);
    }

    fn about(&mut self, kind: u8, pid: Pid, id: u64) {
        self.byte(kind);
        self.pid(pid);
        self.number(id);
    }

    fn name(&mut self, name: &str) -> Result<(), Unwritten> {
        if name.len() > NAME_BYTES_MAX {
            return Err(Unwritten::Name);
        }
        self.text(name);
        Ok(())
    }
}
