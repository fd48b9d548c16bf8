//! What can happen to a membership, and what does it ask for?
//!
//! Role       The whole surface of the machine: inputs, effects and events.

use std::fmt;

use crate::machine::Tick;
use crate::model::{Ask, Sending};

use super::config::Config;
use super::machine::Membership;
use super::name::{Address, Name};
use super::record::Record;
use super::wire::DecodeError;

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It begins, and joins by these addresses, now and whenever it knows nobody. None: it is the
    /// first. Given again, the addresses replace those before.
    Join(Vec<Address>),
    /// A message came, by whatever way.
    Received(Vec<u8>),
    /// A connection to this one came about, started as this, at this address. Unless it is a member
    /// that is well, views are compared with it.
    Met(Name, u64, Address),
    /// The overlay keeps the connection to this one, started as this.
    Linked(Name, u64),
    /// It does not any more, or the connection broke.
    Unlinked(Name, u64),
    /// Its figures are these from here on, as the overlay is another one. Those that do not pass
    /// [`Config::check`] have no effect.
    Configured(Box<Config>),
    /// The time came that [`Effect::Wake`] asked for, or any other time.
    Woken,
    /// This member says something else of itself.
    Describe(Vec<u8>),
    /// This member says good-bye: [`Event::Departed`] comes when it was said.
    Leave,
    /// An operator takes a member out. It cannot object, and comes back only if it is started anew.
    Evict(Name),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send at most [`DATAGRAM_MAX`](super::DATAGRAM_MAX) bytes. They may be lost.
    Send {
        /// Where.
        to: Address,
        /// What.
        bytes: Vec<u8>,
    },
    /// Send at most [`STREAM_MAX`](super::STREAM_MAX) bytes over a connection: they do not fit into a
    /// datagram, or are to arrive where datagrams are lost. They may be lost with the connection.
    Stream {
        /// Where.
        to: Address,
        /// What.
        bytes: Vec<u8>,
    },
    /// Give it [`Input::Woken`] at this time. Replaces the time asked for before.
    Wake(Tick),
    /// Tell those who watch.
    Tell(Event),
    /// An input had no effect.
    Refused(Refusal),
}

/// What those who watch are told. A member is live from `Joined` to `Failed` or `Left`, and what
/// comes between these concerns live members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is a member now: for the first time, again after it failed, or because it was started anew.
    Joined(Record),
    /// It says something else of itself, or is reached elsewhere.
    Updated(Record),
    /// Somebody did not reach it. It still counts as a member.
    Suspected(Record),
    /// It is not suspected any more.
    Recovered(Record),
    /// It was suspected for too long, or was started anew: it is no member any more.
    Failed(Record),
    /// It said good-bye or was evicted: it is no member any more.
    Left(Record),
    /// This member said good-bye, and does nothing any more.
    Departed,
    /// This member was taken out, and does nothing any more.
    Ousted(Ousted),
}

/// Why this member is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ousted {
    /// An operator evicted it.
    Evicted,
    /// Another one with its name was started later.
    Replaced,
}

/// Why an input had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are no message.
    Malformed(DecodeError),
    /// Nobody is known by this name.
    NoMember(Name),
    /// The metadata has more than [`METADATA_MAX`](super::METADATA_MAX) bytes.
    MetadataTooLong,
    /// There are more seeds than the configuration allows.
    TooManySeeds,
    /// This member has not begun, has left, or was taken out.
    NotRunning,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::NoMember(name) => write!(f, "there is no member {name}"),
            Self::MetadataTooLong => f.write_str("the metadata is too long"),
            Self::TooManySeeds => f.write_str("there are too many seeds"),
            Self::NotRunning => f.write_str("this member does not run"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Sending for Membership {
    fn received(bytes: Vec<u8>) -> Input {
        Input::Received(bytes)
    }

    fn woken() -> Input {
        Input::Woken
    }

    fn ask(effect: Effect) -> Ask<Effect> {
        match effect {
            Effect::Send { to, bytes } => Ask::Send(to.as_str().to_owned(), bytes),
            Effect::Stream { to, bytes } => Ask::Stream(to.as_str().to_owned(), bytes),
            Effect::Wake(at) => Ask::Wake(at),
            other => Ask::Other(other),
        }
    }
}
