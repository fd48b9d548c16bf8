//! Which connection leads to a node, by its id or by its name?
//!
//! Role       The connections of one node. A node may have a thousand, and a name is looked up for each
//!            message that is sent by name.
//! Invariant  A name leads to a node that is connected, if any of this name is.

use std::collections::HashMap;
use std::sync::Arc;

use super::Connection;
use crate::NodeId;

#[derive(Default)]
pub(super) struct Table {
    by_id: HashMap<NodeId, Arc<Connection>>,
    /// By what [`NodeId::unconnected`] makes of the name.
    by_name: HashMap<NodeId, NodeId>,
}

impl Table {
    pub(super) fn get(&self, node: NodeId) -> Option<&Arc<Connection>> {
        self.by_id.get(&node)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&NodeId, &Arc<Connection>)> {
        self.by_id.iter()
    }

    /// The connected node for whose name this id stands.
    pub(super) fn named(&self, unconnected: NodeId) -> Option<NodeId> {
        self.by_name.get(&unconnected).copied()
    }

    pub(super) fn insert(&mut self, node: NodeId, connection: Arc<Connection>) {
        let name = NodeId::unconnected(&connection.name);
        self.by_name.insert(name, node);
        self.by_id.insert(node, connection);
    }

    /// Takes out the connection of this number to this node; another one stays.
    pub(super) fn remove(&mut self, node: NodeId, number: u32) -> Option<Arc<Connection>> {
        if self.by_id.get(&node)?.number != number {
            return None;
        }
        let connection = self.by_id.remove(&node)?;
        let name = NodeId::unconnected(&connection.name);
        if self.by_name.get(&name) == Some(&node) {
            self.by_name.remove(&name);
            // Two starts of one node may have been connected for a moment.
            let mut others = self.by_id.iter();
            let other = others.find(|(_, other)| other.name == connection.name);
            if let Some((other, _)) = other {
                self.by_name.insert(name, *other);
            }
        }
        Some(connection)
    }
}
