//! What do two nodes say to each other of global names and locks?

use serde::{Deserialize, Serialize};

/// How many names one word has at most: more are several words.
pub const NAMES_PER_WORD: usize = 1024;

/// What becomes of two processes that have one name, when two parts of a cluster find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Conflict {
    /// One of them keeps the name, and the other is killed.
    RandomExit,
    /// One of them keeps the name, and the other is sent a `GlobalNameConflict`.
    RandomNotify,
    /// Neither keeps it, and both are sent a `GlobalNameConflict`.
    NotifyAll,
    /// A function of the program says who keeps it.
    Own,
}

/// A process that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim<P> {
    /// Who has it.
    pub pid: P,
    /// What becomes of it when somebody else has it as well.
    pub conflict: Conflict,
}

/// What is locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Resource {
    /// The right to register a name.
    Name(String),
    /// Whatever a program calls so.
    Lock(String),
}

/// Who keeps the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The process of the node that decides.
    Mine,
    /// The other one.
    Theirs,
    /// Neither.
    Nobody,
}

/// What the process that loses a name gets for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It is killed.
    Exit,
    /// It is told.
    Notify,
    /// It is told, and of whom as well.
    NotifyAll,
    /// Nothing but that the name is somebody else's: the program has decided, and may do more.
    Nothing,
}

/// One message between two registries; in the order in which they are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word<P> {
    /// Here I am: say everything.
    Discover {
        /// Whether it answers one.
        is_answer: bool,
    },
    /// What follows up to the [`Word::End`] is everything.
    Begin {
        /// The locks that are held, with the numbers of whoever asked for them.
        locks: Vec<(Resource, u64)>,
        /// Up to which version the other one was heard.
        heard: u64,
    },
    /// These names are held here.
    Names(Vec<(String, Claim<P>)>),
    /// That was everything, as of this version.
    End(u64),
    /// From this version on a name is held by this process, or by none.
    Changed(u64, String, Option<Claim<P>>),
    /// So much was heard.
    Heard(u64),
    /// May this be locked, by this number; for a name, even if somebody has it.
    Ask(Resource, u64, bool),
    /// It is, for this number.
    Grant(u64),
    /// It is not, for this number: somebody else has the lock, or this one the name.
    Refuse(u64, Option<P>),
    /// It is locked no more by this number.
    Unlock(Resource, u64),
    /// Somebody else gets the name.
    Withdraw(String),
    /// The name stays with somebody else, to whom this process of yours has lost it.
    Lost {
        /// Which name.
        name: String,
        /// Who loses it,
        pid: P,
        /// and what it gets for it.
        fate: Fate,
        /// Who had it as well.
        other: P,
    },
}
