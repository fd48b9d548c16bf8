//! How is the address of a process written?
//!
//! Role       Three bytes for most: a node of the connection, a slot and a generation.
//! Invariant  The two nodes of a connection are never spelt out.

use std::num::NonZeroU32;

use super::error::{Flaw, WireError};
use super::input::Input;
use super::output::Output;
use crate::{NodeId, Pid};

const SENDER: u8 = 0;
const RECEIVER: u8 = 1;
const OTHER: u8 = 2;

impl Output<'_> {
    #[inline]
    pub(super) fn pid(&mut self, pid: Pid) {
        self.node(pid.node());
        self.number(u64::from(pid.slot()));
        self.number(u64::from(pid.generation().get()));
    }

    fn node(&mut self, node: NodeId) {
        if node == self.ends.sender {
            self.byte(SENDER);
        } else if node == self.ends.receiver {
            self.byte(RECEIVER);
        } else {
            self.byte(OTHER);
            self.fixed(node.as_u64().to_le_bytes());
        }
    }
}

impl Input<'_> {
    #[inline]
    pub(super) fn pid(&mut self) -> Result<Pid, WireError> {
        let node = self.node()?;
        let slot = self.short_number()?;
        let generation = NonZeroU32::new(self.short_number()?);
        let generation = generation.ok_or_else(|| self.flaw(Flaw::Number))?;
        Ok(Pid::new(node, slot, generation))
    }

    fn node(&mut self) -> Result<NodeId, WireError> {
        match self.byte()? {
            SENDER => Ok(self.ends.sender),
            RECEIVER => Ok(self.ends.receiver),
            OTHER => {
                let node = NodeId::from_u64(u64::from_le_bytes(self.fixed()?));
                if node == self.ends.sender || node == self.ends.receiver {
                    return Err(self.flaw(Flaw::Node));
                }
                Ok(node)
            }
            kind => Err(self.flaw(Flaw::Kind(kind))),
        }
    }
}
