//! Who waits for a start, and when is it told?
//!
//! Role       The right to tell the starter of an actor or a supervisor how its start ended.
//! Invariant  It is told once: after init, or, when that fails, after the name is free again.

use foundation_runtime::{Me, Pid, ReplyTo};

use super::stop::Stop;
use crate::offer::NotSpawned;

/// How a start ended, for the starter.
pub(crate) type Started = Result<(), Stop>;

/// How a start ended, for a starter on another node.
pub(crate) type Spawned = Result<Pid, NotSpawned>;

/// Where the starter waits.
enum Place {
    Here(ReplyTo<Started>),
    /// On another node, for the process's pid.
    Away(ReplyTo<Spawned>, Pid),
}

/// The right to tell the starter; told at the latest when it is dropped.
pub(crate) struct Starter {
    place: Option<Place>,
    failed: Option<NotSpawned>,
}

impl Starter {
    pub(crate) fn new(reply: Option<ReplyTo<Started>>) -> Self {
        Self {
            place: reply.map(Place::Here),
            failed: None,
        }
    }

    /// The starter of a process of this pid is on another node.
    pub(crate) fn away(reply: ReplyTo<Spawned>, pid: Pid) -> Self {
        Self {
            place: Some(Place::Away(reply, pid)),
            failed: None,
        }
    }

    pub(crate) fn ready(&mut self) {
        match self.place.take() {
            Some(Place::Here(reply)) => reply.send(Ok(())),
            Some(Place::Away(reply, pid)) => reply.send(Ok(pid)),
            None => {}
        }
    }

    /// Remembers why it failed: the starter learns it when the process is gone. The first reason
    /// counts.
    pub(crate) fn fail(&mut self, stop: Stop) {
        self.refuse(stop.into());
    }

    /// The same, for what only happens where the starter is on another node.
    pub(crate) fn refuse(&mut self, why: NotSpawned) {
        self.failed.get_or_insert(why);
    }

    /// The same for code that ends before its process does: it is kept in the process dictionary,
    /// which outlives the code, so that the starter finds the name free.
    pub(crate) fn fail_at_death(mut self, me: Me, stop: Stop) {
        self.fail(stop);
        me.put("foundation: starter", self);
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        match (self.place.take(), self.failed.take()) {
            (Some(Place::Here(reply)), Some(why)) => reply.send(Err(why.into_stop())),
            (Some(Place::Away(reply, _)), Some(why)) => reply.send(Err(why)),
            _ => {}
        }
    }
}
