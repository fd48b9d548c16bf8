//! What do two nodes say to each other of their groups?

use std::sync::Arc;

use foundation_actors::pg::machine::Change;
use serde::{Deserialize, Serialize};

/// How many memberships one word names at most: more are several words.
pub const PIDS_MAX: usize = 4096;

/// One message between the processes that exchange groups; in the order in which they are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word<P> {
    /// Here I am: say everything.
    Discover {
        /// Who.
        from: P,
        /// Whether it answers one.
        is_answer: bool,
    },
    /// What follows up to the [`Word::End`] is everything.
    Begin {
        /// Who says so.
        from: P,
    },
    /// Members of a scope; with others before it all of them, once it is the last.
    Part {
        /// Who says so.
        from: P,
        /// The scope's name,
        scope: String,
        /// and which of that node's it is.
        number: u64,
        /// The members by group.
        groups: Vec<(String, Vec<P>)>,
        /// Whether the scope has no more.
        is_last: bool,
    },
    /// That was everything.
    End {
        /// Who says so.
        from: P,
    },
    /// Members joined or left.
    Changed {
        /// Who says so.
        from: P,
        /// The scope's name,
        scope: String,
        /// and which of that node's it is.
        number: u64,
        /// Whether they joined; else they left.
        is_join: bool,
        /// The group.
        group: String,
        /// Who joined or left.
        pids: Vec<P>,
    },
}

impl<P: Copy> Word<P> {
    /// Who says it.
    #[must_use]
    pub fn from(&self) -> P {
        match self {
            Self::Discover { from, .. }
            | Self::Begin { from }
            | Self::Part { from, .. }
            | Self::End { from }
            | Self::Changed { from, .. } => *from,
        }
    }

    /// A change of one group, as words that are not too long.
    pub(super) fn changed(
        from: P,
        scope: &(Arc<str>, u64),
        change: Change,
        group: &str,
        pids: &[P],
    ) -> Vec<Self> {
        let word = |pids: &[P]| Self::Changed {
            from,
            scope: scope.0.to_string(),
            number: scope.1,
            is_join: change == Change::Joined,
            group: group.to_owned(),
            pids: pids.to_vec(),
        };
        pids.chunks(PIDS_MAX).map(word).collect()
    }

    /// All members of a scope, as words that are not too long.
    pub(super) fn whole(
        from: P,
        scope: &(Arc<str>, u64),
        groups: &[(Arc<str>, Vec<P>)],
    ) -> Vec<Self> {
        let mut parts = vec![Vec::new()];
        let mut room = PIDS_MAX;
        for (group, pids) in groups {
            let mut left = pids.as_slice();
            while !left.is_empty() {
                if room == 0 {
                    parts.push(Vec::new());
                    room = PIDS_MAX;
                }
                let (now, later) = left.split_at(room.min(left.len()));
                if let Some(part) = parts.last_mut() {
                    part.push((group.to_string(), now.to_vec()));
                }
                room -= now.len();
                left = later;
            }
        }
        let count = parts.len();
        let word = |(at, groups)| Self::Part {
            from,
            scope: scope.0.to_string(),
            number: scope.1,
            groups,
            is_last: at + 1 == count,
        };
        parts.into_iter().enumerate().map(word).collect()
    }
}
