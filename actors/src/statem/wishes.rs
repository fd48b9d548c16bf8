//! What did a handler ask for?
//!
//! Role       Collects a handler's transition and actions until it is done.
//! Invariant  A handler that asks for nothing allocates nothing.

use foundation_runtime::Reason;

use super::actor::Statem;
use super::machine::Asks;
use crate::server::Attached;

/// What one handler asked for.
pub struct Step<A: Statem> {
    pub(super) goto: Option<A::State>,
    pub(super) repeat: bool,
    pub(super) wishes: Option<Box<Wishes<A>>>,
}

/// What few handlers ask for.
pub(super) struct Wishes<A: Statem> {
    pub(super) asks: Asks<A::Msg>,
    pub(super) stop: Option<Reason>,
    pub(super) hibernate: bool,
    pub(super) streams: Vec<Attached<A>>,
}

impl<A: Statem> Default for Step<A> {
    fn default() -> Self {
        Self {
            goto: None,
            repeat: false,
            wishes: None,
        }
    }
}

impl<A: Statem> Default for Wishes<A> {
    fn default() -> Self {
        Self {
            asks: Asks::default(),
            stop: None,
            hibernate: false,
            streams: Vec::new(),
        }
    }
}

impl<A: Statem> Step<A> {
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.goto.is_none() && !self.repeat && self.wishes.is_none()
    }

    pub(super) fn wishes(&mut self) -> &mut Wishes<A> {
        self.wishes.get_or_insert_default()
    }
}

impl<A: Statem> std::fmt::Debug for Step<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use super::states::States as _;
        f.debug_struct("Step")
            .field("goto", &self.goto.as_ref().map(|state| state.name()))
            .field("repeat", &self.repeat)
            .field("asks", &self.wishes.is_some())
            .finish()
    }
}
