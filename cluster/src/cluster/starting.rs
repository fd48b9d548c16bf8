//! How does a node become part of a cluster?
//!
//! Role       Listens, and starts the tree of processes that make up its part.

use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

use foundation_actors::Supervisor;
use foundation_runtime::Node;

use super::StartError;
use super::accepting::{self, Door};
use super::builder::{Builder, STOP_BOUND, check_name};
use super::listening::Listening;
use crate::broadcast::{self, Everywhere};
use crate::connection::{Context, Keeper, Ways};
use crate::desk;
use crate::discovery;
use crate::globals;
use crate::groups;
use crate::handshake::Who;
use crate::membership;
use crate::mesh::{self, Plan};
use crate::overlay::{Epoch, Overlay};
use crate::relay;
use crate::secret::Secret;
use crate::transport::Transport;
use crate::transport::simulated::SimHost;

impl Builder {
    /// Makes the node a part of the cluster, or ends it.
    pub(super) async fn join(
        self,
        node: Node,
        host: Option<SimHost>,
        secret: Secret,
    ) -> Result<Node, StartError> {
        match self.start_tree(&node, host, secret).await {
            Ok(()) => Ok(node),
            Err(error) => {
                // It has no processes yet that could hold it up.
                let _ = node.shutdown(STOP_BOUND).await;
                Err(error)
            }
        }
    }

    fn transport(&self, name: &str, host: Option<SimHost>) -> Result<Transport, StartError> {
        let identity = self.identity(name)?;
        Ok(match host {
            Some(host) => Transport::Simulated(host, identity),
            None => Transport::Sockets(identity),
        })
    }

    pub(super) async fn start_tree(
        self,
        node: &Node,
        host: Option<SimHost>,
        secret: Secret,
    ) -> Result<(), StartError> {
        check_name(node.name())?;
        let transport = self.transport(node.name(), host)?;
        let seed = self.seeds.first().map(|seed| &**seed);
        let listening = self.listen.as_deref();
        let listening = Listening::begin(&transport, node.name(), listening, seed).await?;
        let own = Who {
            name: node.name().into(),
            incarnation: node.incarnation(),
            address: listening.told,
        };
        let keeper = Keeper::of(node, self.channels.ordered(node.channel_names()));
        let is_sparse = self.overlay != Overlay::FullMesh;
        let context = Arc::new(Context {
            node: node.clone(),
            transport,
            cluster: self.cluster,
            own,
            secret,
            ways: Ways::new(node, &keeper),
            round_trip: Arc::default(),
            epoch: Mutex::new(Epoch::first(self.overlay)),
            keeper,
            handshake_bound: self.handshake_bound,
            next: AtomicU64::new(1),
            half_open: AtomicUsize::new(0),
        });
        let door = Arc::new(Door::new(listening.address, listening.listener));
        let plan = Plan {
            context: Arc::clone(&context),
            config: self.mesh,
            policy: self.policy,
        };
        let found = discovery::Plan {
            context: Arc::clone(&context),
            config: self.discovery,
            finders: self.finders,
            nameservers: self.nameservers,
            own: vec![context.own.address.clone(), door.address.clone()],
        };
        let members = membership::config_of(&plan.config, is_sparse);
        let members = membership::Plan::of(&context, members, is_sparse);
        let mut tree = Supervisor::rest_for_one()
            .child(membership::child(members))
            .child(mesh::child(plan))
            .child(groups::child(node.clone(), is_sparse))
            .child(globals::child(node.clone(), is_sparse))
            .child(relay::child(node.clone(), context.own.clone()))
            .child(broadcast::child(node.clone(), Everywhere::begin(node)))
            .child(desk::child(desk::Plan {
                node: node.clone(),
                cluster: context.cluster.as_ref().into(),
            }));
        if !self.offers.is_empty() {
            tree = tree.child(self.offers);
        }
        // Whoever is connected may speak to all of these.
        tree = tree
            .child(accepting::child(&context, door, self.seeds))
            .child(discovery::child(found));
        let started = tree.start(node).await;
        started
            .map(drop)
            .map_err(|error| StartError::Tree(error.to_string().into()))
    }
}
