//! What can happen to a registry of global names, and what does it want done?

use std::time::Duration;

use foundation_actors::pg::machine::Member;
use serde::{Deserialize, Serialize};

use super::word::{Claim, Fate, Verdict, Word};
use crate::machine::Tick;

/// What is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<P> {
    /// A process of this node is to have a name; instead of whoever has it, if that is said.
    Register {
        /// The name.
        name: String,
        /// The process.
        claim: Claim<P>,
        /// Whether it gets the name from whoever has it.
        is_forced: bool,
    },
    /// Nobody of this node is to have the name.
    Unregister(String),
    /// A process of this node wants a lock.
    Lock {
        /// What is to be locked.
        resource: String,
        /// For whom.
        requester: P,
        /// How often it is tried at most.
        tries: u32,
    },
    /// A process of this node gives a lock back.
    Unlock {
        /// What was locked.
        resource: String,
        /// For whom.
        requester: P,
    },
}

/// All that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<P: Member> {
    /// A node is connected.
    Up(P::Node),
    /// It is lost.
    Down(P::Node),
    /// A word of this process came.
    Heard(P, Word<P>),
    /// The registry of another node has ended; its node may live.
    Ended(P),
    /// A process of this node has ended.
    Died(P),
    /// Something is wanted, by this number, within this bound.
    Asked(u64, Request<P>, Duration),
    /// A function of the program has said who keeps a name.
    Decided {
        /// Which name.
        name: String,
        /// The process of this node that had it.
        mine: P,
        /// The other one.
        theirs: P,
        /// Who keeps it.
        verdict: Verdict,
    },
    /// There was no room for a word.
    Unsaid(P),
    /// It is the time that was asked for.
    Woken,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<P: Member> {
    /// A word for the registry of that node, by name.
    Seek(P::Node, Word<P>),
    /// A word for this process.
    Say(P, Word<P>),
    /// The end of this process of another node matters from here on.
    Watch(P),
    /// A name leads to this process from here on, or to none.
    Show(String, Option<P>),
    /// This node has given a name to this process of its own, or has taken it back.
    Keep(String, Option<Claim<P>>),
    /// A lock is held by this process of this node, or by none.
    KeepLock(String, Option<P>),
    /// What was wanted is done, or not.
    Answer(u64, Result<(), Trouble<P>>),
    /// A process of this node has lost a name to the other.
    Punish(String, P, Fate, P),
    /// A function of the program is to say which of two processes keeps a name: the first is this node's.
    Decide(String, P, P),
    /// [`Input::Woken`] is wanted then.
    Wake(Tick),
}

/// Why something that was wanted is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble<P> {
    /// This process has the name.
    Taken(P),
    /// Nobody of this node has the name, or the lock was not held.
    NotHeld,
    /// Not within the bound, or the tries; nothing was changed.
    Late,
    /// It is done, but not every node that is connected has said so within the bound.
    Unconfirmed,
    /// There is so much already: of names, locks or things that are wanted.
    Full(usize),
    /// The process has ended, or is of another node.
    NoProc(P),
}
