//! Which change of four links does this node take part in?
//!
//! Role       An optimisation round of X-BOT, as one of its nodes sees it: the initiator gives up
//!            `old` for `candidate`, which gives up `disconnected`, which takes `old` instead. One
//!            at a time; `old` itself decides at once and keeps nothing.
//! Limit      Each wait has an end: what is still open then was refused.

use crate::machine::Tick;

use super::event::PeerId;

/// The part that this node plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The initiator: it waits for what its links, and these peers, cost.
    Scanning { candidates: Vec<PeerId> },
    /// The initiator: it has asked the candidate to take the place of the old neighbour.
    Asking { candidate: PeerId, old: PeerId },
    /// The candidate: it has asked a neighbour to give it up.
    Replacing {
        initiator: PeerId,
        disconnected: PeerId,
    },
    /// The disconnected: it waits for what a link to the old neighbour would cost.
    Weighing {
        candidate: PeerId,
        initiator: PeerId,
        old: PeerId,
    },
    /// The disconnected: it has asked the old neighbour to change the initiator for it.
    Switching { candidate: PeerId, old: PeerId },
}

#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) part: Part,
    /// When it is given up.
    pub(super) until: Tick,
}
