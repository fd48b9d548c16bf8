//! What goes in and out of the overlay?
//!
//! Role       The whole surface of the machine: inputs, effects, and messages between nodes.

pub use crate::overlay::PeerId;

/// What two nodes say to each other, in order, over one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// I am new.
    Join,
    /// This node is new; the walk has so many hops left.
    ForwardJoin(PeerId, u8),
    /// Be my neighbour. With priority it is not refused.
    Neighbour {
        /// Has the sender no other peer?
        priority: bool,
    },
    /// Are you there? It is not answered: a connection that is gone shows.
    Probe,
    /// I am your neighbour.
    Accept,
    /// My active view is full.
    Refuse,
    /// I am not your neighbour any more.
    Disconnect,
    /// Who is first on its path knows these peers.
    Shuffle {
        /// How many hops the walk has left.
        hops: u8,
        /// Over whom it came, in order: the origin, and those who passed it on. Without any, the sender is the
        /// origin.
        path: Vec<PeerId>,
        /// Whom the origin knows.
        peers: Vec<PeerId>,
    },
    /// I know these peers: for the first on the path of the walk, back over those who passed it on.
    ShuffleReply {
        /// Who is still to pass it on, the origin first. Without any, it is for whom it came to.
        path: Vec<PeerId>,
        /// Whom the sender knows.
        peers: Vec<PeerId>,
    },
    /// Be my neighbour instead of this one, which costs more. It is answered as a request without
    /// priority.
    Optimise {
        /// Whom the sender gives up.
        old: PeerId,
    },
    /// Give me up for the old neighbour of the initiator, if it costs you less. The answer is
    /// [`Message::Replaced`].
    Replace {
        /// Who wants to be the sender's neighbour.
        initiator: PeerId,
        /// Whom the initiator gives up.
        old: PeerId,
    },
    /// Be my neighbour instead of the initiator. It is answered as a request without priority.
    Switch {
        /// Who has another neighbour instead.
        initiator: PeerId,
    },
    /// I have given you up, and am not your neighbour any more; or I have not.
    Replaced(bool),
}

/// All that can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Join the overlay by this node. It is asked again while there is nobody else.
    Join(PeerId),
    /// A message came.
    Received(PeerId, Message),
    /// A connection was lost or not made. What was sent over it may be lost. To be given before
    /// anything that comes over a newer connection with this peer.
    PeerFailed(PeerId),
    /// It is time for a shuffle: to be given at regular intervals. Who has not answered in time is
    /// noticed then at the latest.
    Round,
    /// It is time to look for a cheaper neighbour (X-BOT): to be given at regular intervals, less
    /// often than rounds; or never.
    Optimise,
    /// A link to this peer costs so much: for example the time of a message and its answer in
    /// microseconds. It may be told at any time.
    Cost(PeerId, u64),
}

/// All that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Connect if need be, and send. A failure has to be reported.
    Send(PeerId, Message),
    /// A peer has become a neighbour: keep its connection, and watch it.
    Up(PeerId),
    /// It is none any more. What was sent to it before still goes out.
    Down(PeerId),
    /// Say what a link to this peer costs, or that it failed. A peer that is not a neighbour has to
    /// be reached for it.
    Measure(PeerId),
}
