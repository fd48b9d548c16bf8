//! What is wanted of this node's registry, and how far has it come?
//!
//! Owns       Each thing that is wanted until it is answered, at most [`OPS_MAX`], and the locks of
//!            this node's processes.

use std::collections::{BTreeMap, BTreeSet};

use foundation_actors::pg::machine::Member;

use super::event::Request;
use super::word::Resource;
use crate::machine::Tick;

/// How many things may be wanted at once; more are refused.
pub const OPS_MAX: usize = 1024;

/// How far something has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage<P: Member> {
    /// Until then nothing is tried.
    Resting(Tick),
    /// These nodes were asked for the lock, and these have granted it. The first that is asked is the
    /// same for all who see the same nodes, and is asked alone: whoever has its grant gets the others'.
    /// A node that is connected meanwhile is asked as well.
    Asking {
        asked: BTreeSet<P::Node>,
        granted: BTreeSet<P::Node>,
    },
    /// The lock is held; whoever has the name is to lose it first.
    Withdrawing,
    /// Done here, as of this version; the others are to have heard of it.
    Confirming(u64),
}

/// Something that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Op<P: Member> {
    pub(super) request: Request<P>,
    pub(super) deadline: Tick,
    pub(super) stage: Stage<P>,
    /// How often it was tried.
    pub(super) tries: u32,
    /// The number of the last try: by it the nodes know the lock.
    pub(super) attempt: u64,
    /// Which nodes may have granted that.
    pub(super) told: BTreeSet<P::Node>,
}

impl<P: Member> Op<P> {
    /// What has to be locked for it.
    pub(super) fn resource(&self) -> Option<Resource> {
        match &self.request {
            Request::Register { name, .. } => Some(Resource::Name(name.clone())),
            Request::Lock { resource, .. } => Some(Resource::Lock(resource.clone())),
            Request::Unregister(_) | Request::Unlock { .. } => None,
        }
    }

    pub(super) fn is_forced(&self) -> bool {
        matches!(
            self.request,
            Request::Register {
                is_forced: true,
                ..
            }
        )
    }

    /// How often it may be tried.
    pub(super) fn tries_max(&self) -> u32 {
        match self.request {
            Request::Lock { tries, .. } => tries,
            _ => u32::MAX,
        }
    }

    /// The process of this node without which it means nothing.
    pub(super) fn of(&self) -> Option<P> {
        match &self.request {
            Request::Register { claim, .. } => Some(claim.pid),
            Request::Lock { requester, .. } => Some(*requester),
            Request::Unregister(_) | Request::Unlock { .. } => None,
        }
    }

    /// A node is lost.
    pub(super) fn forget(&mut self, node: P::Node) {
        self.told.remove(&node);
        if let Stage::Asking { asked, granted, .. } = &mut self.stage {
            asked.remove(&node);
            granted.remove(&node);
        }
    }

    /// Whether the lock is held by now.
    pub(super) fn has_lock(&self) -> bool {
        matches!(self.stage, Stage::Withdrawing | Stage::Confirming(_))
    }
}

/// A lock that a process of this node holds.
#[derive(Clone, Debug)]
pub(super) struct Held<P: Member> {
    pub(super) requester: P,
    /// How often it has been set.
    pub(super) count: u32,
    /// The number by which the nodes know it.
    pub(super) number: u64,
    pub(super) told: BTreeSet<P::Node>,
}

/// The locks of this node's processes, by what is locked.
pub(super) type Holding<P> = BTreeMap<String, Held<P>>;
