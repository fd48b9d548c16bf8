//! What does a message say?
//!
//! Role       From untrusted bytes to a message. All of it is understood, or nothing of it acts.

use super::super::digest::{BUCKETS, Digest};
use super::super::name::{ADDRESS_MAX, NAME_MAX};
use super::super::record::{ACCUSERS_MAX, Accusers, Claim, METADATA_MAX, State};
use super::message::{Body, Message, Ping, Sender};
use super::reader::Reader;
use super::{DecodeError, STREAM_MAX, VERSION, kind};

/// Reads a message.
pub(in super::super) fn decode(bytes: &[u8]) -> Result<Message<'_>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let (kind, cluster, sender) = header(bytes, &mut reader)?;
    let body = body(kind, &mut reader)?;
    // Grows with what is there, not with what was promised.
    let mut claims = Vec::new();
    for _ in 0..reader.u16()? {
        claims.push(claim(&mut reader)?);
    }
    if !reader.is_empty() {
        return Err(DecodeError::Trailing);
    }
    Ok(Message {
        cluster,
        sender,
        body,
        claims,
    })
}

fn header<'a>(bytes: &[u8], reader: &mut Reader<'a>) -> Result<(u8, u64, Sender<'a>), DecodeError> {
    if bytes.len() > STREAM_MAX {
        return Err(DecodeError::TooLong);
    }
    let version = reader.u8()?;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let kind = reader.u8()?;
    let cluster = reader.u64()?;
    let sender = Sender {
        name: reader.text(NAME_MAX)?,
        incarnation: reader.u64()?,
        address: reader.text(ADDRESS_MAX)?,
    };
    Ok((kind, cluster, sender))
}

/// Who says that it sent these bytes: its name, and when it was started. Who knows by other means
/// who the peer is, a certificate for example, compares the two before the machine gets the bytes.
///
/// # Errors
/// When they do not begin as a message does. The rest of them is not looked at.
pub fn sender_of(bytes: &[u8]) -> Result<(&str, u64), DecodeError> {
    let (_, _, sender) = header(bytes, &mut Reader::new(bytes))?;
    Ok((sender.name, sender.incarnation))
}

fn body<'a>(kind: u8, reader: &mut Reader<'a>) -> Result<Body<'a>, DecodeError> {
    Ok(match kind {
        kind::PING | kind::STREAM_PING => Body::Ping(Ping {
            number: reader.u32()?,
            name: reader.text(NAME_MAX)?,
            incarnation: reader.u64()?,
            stream: kind == kind::STREAM_PING,
        }),
        kind::ACK => Body::Ack {
            number: reader.u32()?,
            stream: false,
        },
        kind::HELP => Body::Help {
            number: reader.u32()?,
            name: reader.text(NAME_MAX)?,
            incarnation: reader.u64()?,
            address: reader.text(ADDRESS_MAX)?,
        },
        kind::NACK => Body::Nack {
            number: reader.u32()?,
        },
        kind::GOSSIP => Body::Gossip,
        kind::COMPARE => {
            let mut sums = [0; BUCKETS];
            for sum in &mut sums {
                *sum = reader.u64()?;
            }
            let digest = Box::new(Digest(sums));
            Body::Compare { digest }
        }
        kind::DIFFER => Body::Differ {
            mask: reader.u64()?,
        },
        other => return Err(DecodeError::Kind(other)),
    })
}

fn claim<'a>(reader: &mut Reader<'a>) -> Result<Claim<'a>, DecodeError> {
    let state = match reader.u8()? {
        0 => State::Alive,
        1 => State::Suspect,
        2 => State::Down,
        3 => State::Left,
        4 => State::Evicted,
        other => return Err(DecodeError::State(other)),
    };
    let name = reader.text(NAME_MAX)?;
    let incarnation = reader.u64()?;
    let revision = reader.u32()?;
    let address = reader.text(ADDRESS_MAX)?;
    let len = usize::from(reader.u16()?);
    if len > METADATA_MAX {
        return Err(DecodeError::Length);
    }
    let metadata = reader.take(len)?;
    let mut accusers = Accusers::default();
    if state == State::Suspect {
        let count = usize::from(reader.u8()?);
        if count > ACCUSERS_MAX {
            return Err(DecodeError::Length);
        }
        for _ in 0..count {
            if !accusers.add(reader.u64()?) {
                return Err(DecodeError::Repeated);
            }
        }
    }
    let age = if state.is_live() { 0 } else { reader.u32()? };
    Ok(Claim {
        name,
        incarnation,
        revision,
        address,
        metadata,
        state,
        accusers,
        age,
    })
}
