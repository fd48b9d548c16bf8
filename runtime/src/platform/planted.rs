//! Which fault was planted, to see whether tests find it?
//!
//! Role       One fault at a time in the code of nodes, for tests of the tests: only with the feature
//!            `planted`. Without it nothing is planted, and what would be is compiled away.
//! Invariant  Set before the first node starts, and not changed while nodes run.

use std::time::Duration;

/// A fault of the kind that programs like this have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// What came is not acknowledged.
    AckDropped = 1,
    /// An acknowledgement counts for all that has left, and not only for what came.
    AckOfAll,
    /// What came before comes again, and is taken again.
    TakenAgain,
    /// Numbers of what is acknowledged begin anew with each connection.
    NumberedAnew,
    /// What was not acknowledged is forgotten when the connection breaks.
    LeftoverForgotten,
    /// What was for one incarnation of a node goes to the next.
    StaleIncarnation,
    /// Room that was given back is not noted.
    CreditForgotten,
    /// Parts of a large message stay, and are in front of the next one.
    PartsStay,
    /// A large message is overtaken by what was sent after it.
    Overtaken,
    /// Links over a connection outlive it.
    LinkForgotten,
    /// Monitors over a connection outlive it.
    MonitorForgotten,
    /// Calls over a connection that broke wait until their time is over.
    CallForgotten,
    /// What was started for a node that is lost lives on.
    StartForgotten,
    /// Who was connected is not dialled any more.
    RedialForgotten,
    /// A node that is said to be lost does not contradict.
    RefutationForgotten,
    /// Of overlays the next one is taken for the same.
    WrongEpoch,
    /// Members of groups on a node that is lost stay.
    GroupOfLost,
    /// Who leaves a group is still in it on other nodes.
    LeaveForgotten,
    /// Names of a node that is lost stay.
    NameOfLost,
    /// A lock is not given back.
    LockForgotten,
    /// A timer that went off is taken for one that will.
    TimerForgotten,
    /// What follows something does not wait for it.
    CausalUnheld,
    /// What was given out comes before nothing that is sent then.
    CausalForgotten,
    /// A sync is done before anything is safe.
    SyncSkipped,
    /// What goes over another lane does not wait for what is under way over the one before.
    MovedTooSoon,
    /// Something is decided by chance that no seed decides.
    OwnEntropy,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::AckDropped,
        Self::AckOfAll,
        Self::TakenAgain,
        Self::NumberedAnew,
        Self::LeftoverForgotten,
        Self::StaleIncarnation,
        Self::CreditForgotten,
        Self::PartsStay,
        Self::Overtaken,
        Self::LinkForgotten,
        Self::MonitorForgotten,
        Self::CallForgotten,
        Self::StartForgotten,
        Self::RedialForgotten,
        Self::RefutationForgotten,
        Self::WrongEpoch,
        Self::GroupOfLost,
        Self::LeaveForgotten,
        Self::NameOfLost,
        Self::LockForgotten,
        Self::TimerForgotten,
        Self::CausalUnheld,
        Self::CausalForgotten,
        Self::SyncSkipped,
        Self::MovedTooSoon,
        Self::OwnEntropy,
    ];
}

#[cfg(feature = "planted")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Plants a fault, in place of the one before.
#[cfg(feature = "planted")]
pub fn plant(bug: Bug) {
    PLANTED.store(bug as u8, std::sync::atomic::Ordering::Relaxed);
}

/// Whether this fault was planted.
#[cfg(feature = "planted")]
#[must_use]
pub fn is(bug: Bug) -> bool {
    PLANTED.load(std::sync::atomic::Ordering::Relaxed) == bug as u8
}

/// Nothing is planted.
#[cfg(not(feature = "planted"))]
#[must_use]
pub const fn is(_: Bug) -> bool {
    false
}

/// With [`Bug::OwnEntropy`] up to 15 milliseconds, otherwise none.
#[cfg(feature = "planted")]
#[must_use]
pub fn chance() -> Duration {
    let drawn = is(Bug::OwnEntropy).then(|| super::entropy::seed() % 16);
    Duration::from_millis(drawn.unwrap_or(0))
}

/// No time.
#[cfg(not(feature = "planted"))]
#[must_use]
pub const fn chance() -> Duration {
    Duration::ZERO
}
