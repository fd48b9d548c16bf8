//! How does a library above connect this node with others?
//!
//! Role       The door for whoever carries frames: a connection begins, brings frames, and ends.
//! Invariant  A connection is ended by its number, so that the end of an old one is never taken for
//!            that of its successor.

use std::fmt;
use std::sync::Arc;

use super::wire::WireError;
use super::{Brought, Port, Spool};
use crate::envelope::Signal;
use crate::platform::current;
use crate::{CallError, Node, NodeId, Pid};

/// A frame that is none: what is wrong with it, and at which byte. Nothing of it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFrame(WireError);

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BadFrame {}

impl Node {
    /// From here on the node called `name` is reached through this port. What is returned is the
    /// connection's number, with which it is ended.
    pub fn connect_port(&self, peer: NodeId, name: &str, port: Arc<dyn Port>) -> u32 {
        self.core().connect(peer, name.into(), port)
    }

    /// From here on what is sent to this name goes to this port, for as long as the node lives. It leads to
    /// no node: nobody is told of it, and [`Node::peers`] does not list it.
    pub fn connect_hidden_port(&self, id: NodeId, name: &str, port: Arc<dyn Port>) {
        self.core().connect_hidden(id, name.into(), port);
    }

    /// A connection has ended. Every process that has to do with the other node learns it; a call
    /// that waits for an answer from there fails. Nothing happens when another connection to that
    /// node stands by now.
    pub fn disconnect_port(&self, peer: NodeId, number: u32) {
        self.core().disconnect_numbered(peer, number);
    }

    /// Does what a frame says that came from this node, in this way.
    ///
    /// # Errors
    /// [`BadFrame`]; whoever sends such a thing does not speak the protocol.
    pub fn receive_frame(
        &self,
        from: NodeId,
        brought: Brought,
        frame: &[u8],
    ) -> Result<(), BadFrame> {
        let carrier = current::process().map(|running| &running.brings);
        if let Some(brings) = carrier {
            brings.set(Some(from));
        }
        let received = self.core().receive(self, from, brought, frame);
        if let Some(brings) = carrier {
            brings.set(None);
        }
        received.map_err(BadFrame)
    }

    /// A request that a port had taken was not sent after all: whoever waits for an answer is told
    /// why.
    pub fn refuse_request(&self, (caller, id): (Pid, u64), why: &CallError) {
        self.core().fail_call(caller, id, why);
    }

    /// From here on what is to be acknowledged is kept there while its node is not connected. The first
    /// stays.
    pub fn spool(&self, spool: Arc<dyn Spool>) {
        let _ = self.core().ports().spool.set(spool);
    }

    /// There is room again in a port at which this process waits.
    pub fn release(&self, pid: Pid) {
        self.core().send_signal(pid, Signal::Released);
    }
}
