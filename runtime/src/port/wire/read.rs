//! How is a frame read?
//!
//! Role       [`decode`]: one frame, the whole of the bytes. What is long in it borrows from them.
//! Invariant  Bytes that `write.rs` would not have written are refused.

use super::error::{Flaw, WireError};
use super::input::Input;
use super::{Ends, FRAME_BYTES_MAX, NAME_BYTES_MAX, flag, kind};
use crate::Pid;
use crate::envelope::Tag;
use crate::port::frame::{Frame, Message, Target};

/// Reads a frame.
///
/// # Errors
/// [`WireError`]: what is wrong, and where.
pub(in crate::port) fn decode(bytes: &[u8], ends: Ends) -> Result<Frame<'_>, WireError> {
    if bytes.len() > FRAME_BYTES_MAX {
        let (flaw, at) = (Flaw::Large, FRAME_BYTES_MAX);
        return Err(WireError { flaw, at });
    }
    let mut input = Input::new(bytes, ends);
    let frame = input.frame()?;
    input.end()?;
    Ok(frame)
}

impl<'a> Input<'a> {
    fn frame(&mut self) -> Result<Frame<'a>, WireError> {
        Ok(match self.byte()? {
            kind::MESSAGE => {
                let (flags, from) = self.head(flag::OF_MESSAGE)?;
                let to = match flags & flag::NAME {
                    0 => Target::Pid(self.pid()?),
                    _ => Target::Name(self.ends.receiver, self.name()?),
                };
                let message = self.message(flags, from)?;
                Frame::Message { to, message }
            }
            kind::ALIAS => {
                let (flags, from) = self.head(flag::OF_ALIAS)?;
                Frame::Alias {
                    to: self.pid()?,
                    alias: self.number()?,
                    priority: flags & flag::PRIORITY != 0,
                    message: self.message(flags, from)?,
                }
            }
            kind::ANSWER => Frame::Answer {
                to: self.pid()?,
                id: self.number()?,
                payload: self.bytes()?,
            },
            kind::FAILURE => Frame::Failure {
                to: self.pid()?,
                id: self.number()?,
                failure: self.failure()?,
            },
            kind::MONITOR_NAME => Frame::Monitor {
                watcher: self.pid()?,
                id: self.number()?,
                to: Target::Name(self.ends.receiver, self.name()?),
            },
            kind::WHEREIS => Frame::Whereis {
                from: self.pid()?,
                id: self.number()?,
                name: self.name()?,
            },
            kind::LEAD => Frame::Lead {
                from: self.pid()?,
                to: self.pid()?,
                leader: self.pid()?,
            },
            kind => return self.between(kind),
        })
    }

    /// What one process says to another.
    fn between(&mut self, kind: u8) -> Result<Frame<'a>, WireError> {
        if !matches!(
            kind,
            kind::EXIT..=kind::MONITOR | kind::DEMONITOR..=kind::INFO
        ) {
            return Err(self.flaw(Flaw::Kind(kind)));
        }
        let (from, to) = (self.pid()?, self.pid()?);
        if let kind::EXIT | kind::EXIT_OF_LINK = kind {
            let link = kind == kind::EXIT_OF_LINK;
            let reason = self.reason()?;
            return Ok(Frame::Exit {
                from,
                to,
                reason,
                link,
            });
        }
        if kind == kind::LINK {
            return Ok(Frame::Link { from, to });
        }
        let id = self.number()?;
        Ok(match kind {
            kind::UNLINK => Frame::Unlink { from, to, id },
            kind::UNLINK_ACK => Frame::UnlinkAck { from, to, id },
            kind::MONITOR => Frame::Monitor {
                watcher: from,
                to: Target::Pid(to),
                id,
            },
            kind::DEMONITOR => Frame::Demonitor {
                watcher: from,
                to,
                id,
            },
            kind::DOWN => Frame::Down {
                from,
                to,
                id,
                reason: self.reason()?,
            },
            _ => Frame::Info { from, to, id },
        })
    }

    /// What is before the receiver of a message: its flags, and its sender.
    #[inline]
    fn head(&mut self, allowed: u8) -> Result<(u8, Option<Pid>), WireError> {
        let flags = self.byte()?;
        let is = |flag| flags & flag != 0;
        let nobody_called = is(flag::CALL) && !is(flag::CALLER) && !is(flag::FROM);
        if flags & !allowed != 0 || (is(flag::CALLER) && !is(flag::CALL)) || nobody_called {
            return Err(self.flaw(Flaw::Flags(flags)));
        }
        let from = match is(flag::FROM) {
            true => Some(self.pid()?),
            false => None,
        };
        Ok((flags, from))
    }

    /// What is behind the receiver of a message.
    #[inline]
    fn message(&mut self, flags: u8, from: Option<Pid>) -> Result<Message<&'a [u8]>, WireError> {
        let caller = match flags & (flag::CALL | flag::CALLER) {
            0 => None,
            flag::CALL => from,
            _ => Some(self.pid()?),
        };
        if flags & flag::CALLER != 0 && caller == from {
            return Err(self.flaw(Flaw::Flags(flags)));
        }
        let caller = match caller {
            None => None,
            Some(caller) => Some((caller, self.number()?)),
        };
        Ok(Message {
            from,
            caller,
            tag: Tag::from_u64(u64::from_le_bytes(self.fixed()?)),
            payload: self.bytes()?,
        })
    }

    fn name(&mut self) -> Result<&'a str, WireError> {
        let at = self.at();
        let name = self.text()?;
        if name.len() > NAME_BYTES_MAX {
            let flaw = Flaw::Name;
            return Err(WireError { flaw, at });
        }
        Ok(name)
    }
}
