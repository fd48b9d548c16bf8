//! Which connections does the overlay of this node need, and which does it dial?
//!
//! Role       The one interface of all overlays: the mesh asks it, whatever overlay there is.
//! Invariant  Of two nodes of the same epoch that are connected both need the connection, or none does,
//!            but for the moment in which they agree on it.

use super::event::Effect;
use super::members::Members;
use super::sparse::Sparse;
use crate::handshake::Who;
use crate::machine::{Effects, Tick};
use crate::overlay::{Epoch, Overlay, OverlayError, client_server};

/// The overlay of one node.
#[derive(Debug)]
pub(super) enum Graph {
    /// All are connected to all.
    Full,
    /// All are connected to servers, and this node is one or is not.
    Star {
        servers: client_server::Config,
        is_server: bool,
    },
    /// A few are.
    View(Box<Sparse>),
}

impl Graph {
    /// The overlay of this epoch, for a node that has connected nobody in it.
    pub(super) fn new(epoch: &Epoch, own: &Who, seed: u64) -> Result<Self, OverlayError> {
        epoch.overlay.check()?;
        Ok(match &epoch.overlay {
            Overlay::FullMesh => Self::Full,
            Overlay::HyParView(config) => {
                let sparse = Sparse::new(config.clone(), own.clone(), epoch.mark(), seed);
                Self::View(Box::new(sparse.map_err(OverlayError::HyParView)?))
            }
            Overlay::ClientServer(servers) => Self::Star {
                is_server: servers.is_server(&own.name),
                servers: servers.clone(),
            },
        })
    }

    /// Are all nodes connected to all, so that a member without a connection is not reached?
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Full)
    }

    pub(super) fn view(&mut self) -> Option<&mut Sparse> {
        match self {
            Self::View(sparse) => Some(sparse),
            Self::Full | Self::Star { .. } => None,
        }
    }

    /// Does the overlay need the connection to this one?
    pub(super) fn needs(&self, who: &Who) -> bool {
        match self {
            Self::Full => true,
            Self::Star { servers, is_server } => *is_server || servers.is_server(&who.name),
            Self::View(sparse) => sparse.needs(who.peer_id()),
        }
    }

    /// Is a member of this name dialled until it is connected, whoever has something to say to it? A
    /// client dials its servers, and these do not dial it.
    pub(super) fn dials(&self, name: &str) -> bool {
        match self {
            Self::Full => true,
            Self::Star { servers, .. } => servers.is_server(name),
            Self::View(_) => false,
        }
    }

    /// Is it through this one that the node is part of the overlay?
    pub(super) fn is_neighbour(&self, who: &Who) -> bool {
        match self {
            Self::Full | Self::Star { .. } => self.needs(who),
            Self::View(sparse) => sparse.is_neighbour(who.peer_id()),
        }
    }

    /// Is an address of a seed to be tried now at which no member is? Nodes of one part of a cluster
    /// that was cut in two take turns.
    pub(super) fn takes_turn(&mut self, members: &Members) -> bool {
        match self {
            Self::Full | Self::Star { .. } => true,
            Self::View(sparse) => sparse.takes_turn(members),
        }
    }

    /// The connection to this one broke, or there can be none.
    pub(super) fn failed(
        &mut self,
        now: Tick,
        who: &Who,
        members: &Members,
        out: &mut Effects<Effect>,
    ) {
        match self {
            Self::Full => {}
            Self::Star { .. } => {
                if self.needs(who) {
                    out.push(Effect::Neighbour(who.clone(), false));
                }
            }
            Self::View(sparse) => sparse.failed(now, who.peer_id(), members, out),
        }
    }

    pub(super) fn check(&self) {
        if let Self::View(sparse) = self {
            sparse.check();
        }
    }
}
