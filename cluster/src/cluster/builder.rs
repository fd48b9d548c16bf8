//! How does a node join a cluster?
//!
//! Role       Addresses, the secret, times; then a node with its cluster tree, or an error and
//!            nothing left.
//! Invariant  Nothing is listened at but loopback addresses: on a network nodes speak over TLS only.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use foundation_actors::{Supervisor, child_fn};
use foundation_runtime::{Node, NodeBuilder, Process, World};
use tokio::sync::Mutex;

use super::StartError;
use crate::connection::Context;
use crate::desk;
use crate::handshake::{ADDRESS_BYTES_MAX, NAME_BYTES_MAX, Who};
use crate::membership;
use crate::mesh::{self, MeshConfig, MeshRef, NodeEvent, Plan};
use crate::secret::Secret;
use crate::storage;
use crate::transport::simulated::SimNetwork;
use crate::transport::{Listener, Transport};

/// How long a dial and a handshake may take together.
const HANDSHAKE_BOUND: Duration = Duration::from_secs(5);
/// How long the acceptor rests when the system gives it no connection: it may be out of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const STOP_BOUND: Duration = Duration::from_secs(5);

/// A node that is to be part of a cluster.
#[derive(Debug)]
#[must_use = "a node is started by `start`"]
pub struct Builder {
    node: NodeBuilder,
    cluster: Box<str>,
    listen: Option<Box<str>>,
    seeds: Vec<Box<str>>,
    secret: Option<Secret>,
    secret_file: Option<PathBuf>,
    mesh: MeshConfig,
    handshake_bound: Duration,
}

/// What makes a node's builder one of a node in a cluster.
pub trait BuilderExt {
    /// The node joins the cluster of whoever listens at this address, as soon as somebody does.
    fn seed(self, address: impl Into<Box<str>>) -> Builder;

    /// The node takes connections of its cluster at this address; port 0 is any free one.
    fn listen(self, address: impl Into<Box<str>>) -> Builder;
}

impl BuilderExt for NodeBuilder {
    fn seed(self, address: impl Into<Box<str>>) -> Builder {
        Builder::new(self).seed(address)
    }

    fn listen(self, address: impl Into<Box<str>>) -> Builder {
        Builder::new(self).listen(address)
    }
}

impl Builder {
    /// A part of the cluster `foundation`, with everything else to be said.
    pub fn new(node: NodeBuilder) -> Self {
        Self {
            node,
            cluster: "foundation".into(),
            listen: None,
            seeds: Vec::new(),
            secret: None,
            secret_file: None,
            mesh: MeshConfig::default(),
            handshake_bound: HANDSHAKE_BOUND,
        }
    }

    /// One more address to join at. Seeds are dialled for as long as the node lives, while nobody
    /// there is connected; the node's own address among them does no harm.
    pub fn seed(mut self, address: impl Into<Box<str>>) -> Self {
        self.seeds.push(address.into());
        self
    }

    /// Where the node takes connections. Unless set it is the first seed's address, as long as
    /// nobody listens there: so nodes on one machine need no more than the same seed. Else it is a
    /// free port of `127.0.0.1`.
    pub fn listen(mut self, address: impl Into<Box<str>>) -> Self {
        self.listen = Some(address.into());
        self
    }

    /// The cluster's name; `foundation` unless set. Nodes of different clusters refuse each other.
    pub fn cluster(mut self, name: impl Into<Box<str>>) -> Self {
        self.cluster = name.into();
        self
    }

    /// The cluster's secret. Unless set it is in a file: see [`Builder::secret_file`].
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// The file that the cluster's secret is in; it is made when it is not there. Unless set it is
    /// where [`default_secret_file`](crate::default_secret_file) says.
    pub fn secret_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.secret_file = Some(path.into());
        self
    }

    /// The times and limits of the mesh.
    pub fn mesh(mut self, config: MeshConfig) -> Self {
        self.mesh = config;
        self
    }

    /// How long a dial and a handshake may take together: 5 s unless set.
    pub fn handshake_bound(mut self, bound: Duration) -> Self {
        self.handshake_bound = bound;
        self
    }

    /// Starts the node, and its part of the cluster. It returns when the node listens; whom it
    /// reaches shows later, see [`Cluster::nodes`](crate::Cluster::nodes).
    ///
    /// # Errors
    /// [`StartError`]; nothing is left of it.
    pub async fn start(mut self) -> Result<Node, StartError> {
        let (node, secret) = self.start_node()?;
        self.join(node, Transport::Sockets, secret).await
    }

    /// [`Builder::start`], in a program without a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left of it.
    pub fn start_blocking(mut self) -> Result<Node, StartError> {
        let (node, secret) = self.start_node()?;
        let joined = node.block_on(self.start_tree(&node, Transport::Sockets, secret));
        match joined {
            Ok(()) => Ok(node),
            Err(error) => {
                // It has no processes yet that could hold it up.
                let _ = node.shutdown_blocking(STOP_BOUND);
                Err(error)
            }
        }
    }

    fn start_node(&mut self) -> Result<(Node, Secret), StartError> {
        let mut addresses = self.seeds.iter().chain(&self.listen);
        addresses.try_for_each(|address| check_loopback(address))?;
        let secret = self.find_secret()?;
        let builder = std::mem::replace(&mut self.node, Node::builder());
        self.check()?;
        let node = builder.start().map_err(StartError::Node)?;
        Ok((node, secret))
    }

    /// [`Builder::start`] in a world of a test, on its network in memory. The host has the node's
    /// name, and listens at that name with the port 7000 unless said otherwise.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left of it.
    pub async fn start_in(
        mut self,
        world: &World,
        network: &SimNetwork,
    ) -> Result<Node, StartError> {
        let secret = self.secret.take();
        let secret = secret.unwrap_or_else(|| {
            Secret::new([7; 32]).unwrap_or_else(|_| unreachable!("it is long enough"))
        });
        let builder = std::mem::replace(&mut self.node, Node::builder());
        self.check()?;
        let node = world.start_with(builder);
        let host = network.host(node.name());
        self.listen
            .get_or_insert_with(|| format!("{}:7000", node.name()).into());
        self.join(node, Transport::Simulated(host), secret).await
    }

    fn check(&self) -> Result<(), StartError> {
        self.mesh.check().map_err(StartError::Mesh)?;
        check_name(&self.cluster)
    }

    fn find_secret(&mut self) -> Result<Secret, StartError> {
        if let Some(secret) = self.secret.take() {
            return Ok(secret);
        }
        let path = match self.secret_file.take() {
            Some(path) => path,
            None => storage::default_secret_file(&self.cluster).map_err(StartError::Secret)?,
        };
        let fresh = foundation_runtime::random_bytes();
        storage::secret_file(&path, fresh).map_err(StartError::Secret)
    }

    /// Makes the node a part of the cluster, or ends it.
    async fn join(
        self,
        node: Node,
        transport: Transport,
        secret: Secret,
    ) -> Result<Node, StartError> {
        match self.start_tree(&node, transport, secret).await {
            Ok(()) => Ok(node),
            Err(error) => {
                // It has no processes yet that could hold it up.
                let _ = node.shutdown(STOP_BOUND).await;
                Err(error)
            }
        }
    }

    async fn start_tree(
        self,
        node: &Node,
        transport: Transport,
        secret: Secret,
    ) -> Result<(), StartError> {
        check_name(node.name())?;
        let seed = self.seeds.first().map(|seed| &**seed);
        let (listener, address) = listen(&transport, self.listen.as_deref(), seed).await?;
        let own = Who {
            name: node.name().into(),
            incarnation: node.incarnation(),
            address,
        };
        let context = Arc::new(Context {
            node: node.clone(),
            transport,
            cluster: self.cluster,
            own,
            secret,
            handshake_bound: self.handshake_bound,
            next: AtomicU64::new(1),
            half_open: AtomicUsize::new(0),
        });
        let door = Arc::new(Mutex::new(Some(listener)));
        let plan = Plan {
            context: Arc::clone(&context),
            config: self.mesh,
            seeds: self.seeds,
        };
        let members = membership::Plan {
            node: node.clone(),
            own: context.own.clone(),
            config: membership::config_of(&plan.config),
        };
        let desk = desk::Plan {
            node: node.clone(),
            cluster: context.cluster.as_ref().into(),
        };
        let acceptor = child_fn("acceptor", move |_: Process<NodeEvent>| {
            accept(Arc::clone(&context), Arc::clone(&door))
        });
        let tree = Supervisor::rest_for_one()
            .child(membership::child(members))
            .child(mesh::child(plan))
            .child(acceptor)
            .child(desk::child(desk));
        let started = tree.start(node).await;
        started
            .map(drop)
            .map_err(|error| StartError::Tree(error.to_string().into()))
    }
}

/// Listens at the address that was said, else at the seed's when it is vacant, else anywhere.
async fn listen(
    transport: &Transport,
    said: Option<&str>,
    seed: Option<&str>,
) -> Result<(Listener, Box<str>), StartError> {
    if let (None, Some(seed)) = (said, seed)
        && let Ok(listener) = transport.listen(seed).await
        && let Ok(address) = listener.address()
    {
        return Ok((listener, address));
    }
    let wanted = said.unwrap_or("127.0.0.1:0");
    let failed = |error| StartError::Listen(wanted.into(), error);
    let listener = transport.listen(wanted).await.map_err(failed)?;
    let address = listener.address().map_err(failed)?;
    Ok((listener, address))
}

/// Takes connections for the mesh, for ever.
async fn accept(context: Arc<Context>, door: Arc<Mutex<Option<Listener>>>) {
    let mesh = MeshRef::of(&context.node);
    let mut door = door.lock().await;
    loop {
        let listener = match &mut *door {
            Some(listener) => listener,
            // The one before this has crashed.
            empty => match context.transport.listen(&context.own.address).await {
                Ok(listener) => empty.insert(listener),
                Err(error) => {
                    tracing::error!(target: "foundation::cluster", %error, "cannot listen");
                    context.node.sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        match listener.accept(&context.node).await {
            Ok((stream, from)) => {
                // Dropped where there is no room, it is closed.
                let _ = mesh.mesh().accept(stream, from).await;
            }
            Err(error) => {
                tracing::warn!(target: "foundation::cluster", %error, "no connection was taken");
                context.node.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn check_name(name: &str) -> Result<(), StartError> {
    match name.len() {
        1..=NAME_BYTES_MAX => Ok(()),
        _ => Err(StartError::Name(name.into())),
    }
}

/// Whether an address leads to this machine alone.
fn check_loopback(address: &str) -> Result<(), StartError> {
    let bad = || StartError::Address(address.into());
    if ADDRESS_BYTES_MAX < address.len() {
        return Err(bad());
    }
    let is_loopback = match address.parse::<SocketAddr>() {
        Ok(address) => IpAddr::is_loopback(&address.ip()),
        Err(_) => {
            let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
            port.parse::<u16>().map_err(|_| bad())?;
            host == "localhost"
        }
    };
    match is_loopback {
        true => Ok(()),
        false => Err(StartError::NotLoopback(address.into())),
    }
}
