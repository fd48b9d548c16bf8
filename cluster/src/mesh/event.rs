//! What goes in and out of a mesh?
//!
//! Role       The whole surface of the machine: inputs, effects, and news of nodes.

use std::time::Duration;

use super::peer::{ConnectionId, Loss};
use crate::handshake::{Refusal, Role, Who};
use crate::overlay::{Epoch, Overlay};

/// What can happen to a mesh.
#[derive(Clone, Debug)]
pub enum Input {
    /// This address is to be dialled until somebody there is connected.
    Seed(Box<str>),
    /// A finder has found this address: it is dialled as a seed is, for as long as it is found.
    Candidate(Box<str>),
    /// No finder finds this address any more. Who is connected stays so.
    Forgotten(Box<str>),
    /// The finders begin anew: so far they have found nobody.
    AllForgotten,
    /// On this connection a node has proved who it is: may it stay?
    Proved(ConnectionId, Who, Role),
    /// Both ends have agreed.
    Up(ConnectionId),
    /// A connection is gone.
    Down(ConnectionId, Loss),
    /// The dial of this address has led to this connection, which is up.
    Reached(Box<str>, ConnectionId),
    /// A dial came to nothing.
    Undialled(Box<str>, Refusal),
    /// A dial through other nodes came to nothing.
    Unthrough(Who, Refusal),
    /// Something was heard on this connection since the last tick.
    Heard(ConnectionId),
    /// Something was sent on this connection since the last tick.
    Sent(ConnectionId),
    /// This one is a member of the cluster: it is dialled until it is connected.
    Member(Who),
    /// This incarnation of a node is a member no more, for this reason. Who was evicted is refused.
    Lost(Box<str>, u64, Loss),
    /// So much time has passed: [`MeshConfig::tick`](super::MeshConfig::tick).
    Ticked,
    /// Somebody has something to say to this member.
    Wanted(Who),
    /// Processes spoke over this connection since the last tick.
    Used(ConnectionId),
    /// What the overlay of the other end says came over this connection.
    Said(ConnectionId, Vec<u8>),
    /// The other end does not need this connection any more: does this one?
    MayPart(ConnectionId),
    /// This connection was to end, and one of its ends needs it after all.
    Kept(ConnectionId),
    /// Since the last tick somebody waited for a busy connection, or nobody did; and so long an answer
    /// takes, there and back, as far as that is known.
    Loaded(bool, Option<Duration>),
    /// Somebody orders another overlay for the whole cluster.
    Switch(Overlay),
    /// This node leaves.
    Leave,
}

/// What a mesh wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Dial this address; say when it came to nothing.
    Dial(Box<str>),
    /// Dial this address, at which somebody was that has fallen silent, so that it is reached as soon as it
    /// can be; say when it came to nothing.
    Knock(Box<str>),
    /// Dial this member through other nodes; say when it came to nothing.
    DialThrough(Who),
    /// The answer to [`Input::Proved`], or to [`Input::MayPart`].
    Answer(ConnectionId, Result<(), Refusal>),
    /// Close this connection; say when it is gone.
    Close(ConnectionId, Loss),
    /// Tell a peer that this node lives.
    Heartbeat(ConnectionId),
    /// News for whoever watches the nodes.
    Told(Event),
    /// The overlay is that of this epoch from here on.
    Switched(Epoch),
    /// This node starts with another overlay than this one does, and none was ordered since.
    Differs(Who, Overlay),
    /// Say this to the overlay of the other end.
    Say(ConnectionId, Vec<u8>),
    /// This node is a neighbour in the overlay, or is none any more.
    Neighbour(Who, bool),
    /// This member is there to be spoken to, whether it is connected or not.
    Reach(Who),
    /// It cannot be spoken to any more.
    Lose(Who),
    /// End this connection, if the other end and all that is under way allow it: say
    /// [`Input::Kept`] when they do not.
    Part(ConnectionId),
}

/// News of another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It is connected.
    Up(Who),
    /// It is connected no more.
    Down(Who, Loss),
}
