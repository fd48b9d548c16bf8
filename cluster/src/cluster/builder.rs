//! How does a node join a cluster?
//!
//! Role       Addresses, the secret, times; then a node with its cluster tree, or an error and
//!            nothing left.
//! Invariant  Without TLS nothing is listened at but loopback addresses.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use foundation_actors::{Actor, Offers};
use foundation_runtime::{Node, NodeBuilder, Portable, World};

use super::StartError;
use super::listening::check_address;
use crate::broadcast::EVERYWHERE;
use crate::channel::{Channel, Channels};
use crate::discovery::{BadDiscovery, DiscoveryConfig, FINDERS_MAX, Finder};
use crate::handshake::NAME_BYTES_MAX;
use crate::mesh::MeshConfig;
use crate::overlay::{Overlay, Policy};
use crate::secret::Secret;
use crate::storage;
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::transport::simulated::SimNetwork;
use crate::transport::{Identity, Reach};

/// How long a dial and a handshake may take together.
const HANDSHAKE_BOUND: Duration = Duration::from_secs(5);
pub(super) const STOP_BOUND: Duration = Duration::from_secs(5);

/// A node that is to be part of a cluster.
#[derive(Debug)]
#[must_use = "a node is started by `start`"]
pub struct Builder {
    pub(super) node: NodeBuilder,
    pub(super) cluster: Box<str>,
    pub(super) listen: Option<Box<str>>,
    pub(super) seeds: Vec<Box<str>>,
    pub(super) finders: Vec<Finder>,
    pub(super) nameservers: Vec<SocketAddr>,
    pub(super) discovery: DiscoveryConfig,
    pub(super) secret: Option<Secret>,
    pub(super) secret_file: Option<PathBuf>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
    pub(super) mesh: MeshConfig,
    pub(super) overlay: Overlay,
    pub(super) policy: Option<Policy>,
    pub(super) handshake_bound: Duration,
    pub(super) channels: Channels,
    pub(super) offers: Offers,
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
            finders: Vec::new(),
            nameservers: Vec::new(),
            discovery: DiscoveryConfig::default(),
            secret: None,
            secret_file: None,
            #[cfg(feature = "tls")]
            tls: None,
            mesh: MeshConfig::default(),
            overlay: Overlay::default(),
            policy: None,
            handshake_bound: HANDSHAKE_BOUND,
            channels: Channels::default(),
            offers: Offers::new(),
        }
    }

    /// One more address to join at. Seeds are dialled for as long as the node lives, while nobody
    /// there is connected; the node's own address among them does no harm.
    pub fn seed(mut self, address: impl Into<Box<str>>) -> Self {
        self.seeds.push(address.into());
        self
    }

    /// One more way of finding nodes to join, besides the seeds. It is asked for as long as the node
    /// lives; whoever it finds is dialled as a seed is, and has to prove itself as anybody.
    ///
    /// ```
    /// use foundation_cluster::Builder;
    /// use foundation_cluster::discovery::{Finder, Multicast};
    /// use foundation_runtime::Node;
    /// # async fn example() -> Result<(), foundation_cluster::StartError> {
    /// let builder = Builder::new(Node::builder().name("a@10.0.0.1"));
    /// let node = builder.find(Finder::hosts("nodes.example.org", 7001)).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn find(mut self, finder: Finder) -> Self {
        self.finders.push(finder);
        self
    }

    /// One more name server to ask, in this order. Unless set they are those of the machine's
    /// `/etc/resolv.conf`, which is read for each question.
    pub fn nameserver(mut self, address: SocketAddr) -> Self {
        self.nameservers.push(address);
        self
    }

    /// How often the finders are asked, and how much they may find.
    pub fn discovery(mut self, config: DiscoveryConfig) -> Self {
        self.discovery = config;
        self
    }

    /// Where the node takes connections. Unless set it is the first seed's address, as long as
    /// nobody listens there: so nodes on one machine need no more than the same seed. Else it is a
    /// free port of `127.0.0.1`, or, with TLS, of the host that follows the last `@` of the node's
    /// name. A node that listens at every address of its machine, as in `0.0.0.0:7001`, is dialled
    /// at that host, too.
    ///
    /// Without TLS it is an address of this machine alone.
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

    /// Every connection is encrypted, and both ends show certificates that the cluster's CA has
    /// signed: so nodes may be on several machines. The secret is needed all the same.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The times and limits of the mesh.
    pub fn mesh(mut self, config: MeshConfig) -> Self {
        self.mesh = config;
        self
    }

    /// Who is connected to whom: all to all unless set. All nodes of a cluster start with the same; see
    /// [`Cluster::switch`](crate::Cluster::switch).
    ///
    /// ```
    /// use foundation_cluster::BuilderExt;
    /// use foundation_cluster::overlay::{Overlay, hyparview};
    /// use foundation_runtime::Node;
    /// # async fn example() -> Result<(), foundation_cluster::StartError> {
    /// let few = Overlay::HyParView(hyparview::Config::default());
    /// let node = Node::builder().name("a").seed("127.0.0.1:7001").overlay(few).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn overlay(mut self, overlay: Overlay) -> Self {
        self.overlay = overlay;
        self
    }

    /// The cluster switches its overlay by itself, by these rules: all nodes have the same. Unless set
    /// nobody does but who calls [`Cluster::switch`](crate::Cluster::switch).
    ///
    /// ```
    /// use foundation_cluster::BuilderExt;
    /// use foundation_cluster::overlay::Policy;
    /// use foundation_runtime::Node;
    /// # async fn example() -> Result<(), foundation_cluster::StartError> {
    /// let policy = Policy { mesh_max: 50, ..Policy::default() };
    /// let node = Node::builder().name("a").seed("127.0.0.1:7001").adapt(policy).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn adapt(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The node has this channel, besides the four that every node has, or instead of the one of this
    /// name. Both nodes need it: what is sent over a channel that the other node lacks is refused.
    ///
    /// ```
    /// use foundation_cluster::{BuilderExt, channel::Channel};
    /// use foundation_runtime::Node;
    /// # async fn example() -> Result<(), foundation_cluster::StartError> {
    /// let readings = Channel::named("readings").lanes(4).monotonic();
    /// let node = Node::builder().name("a").seed("127.0.0.1:7001").channel(readings).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn channel(mut self, channel: Channel) -> Self {
        self.node = self.node.channel(channel.name.clone());
        self.channels.declare(channel);
        self
    }

    /// How long a dial and a handshake may take together: 5 s unless set.
    pub fn handshake_bound(mut self, bound: Duration) -> Self {
        self.handshake_bound = bound;
        self
    }

    /// Other nodes of the cluster may start actors of this type here: see
    /// [`Remote::spawn`](foundation_actors::Remote::spawn). Nothing can be started that is not
    /// offered.
    ///
    /// ```
    /// # use foundation_actors::NodeExt;
    /// # use foundation_cluster::{BuilderExt, SimNetwork};
    /// # use foundation_macros::actor;
    /// # use foundation_runtime::{Node, World};
    /// # use std::time::Duration;
    /// struct Worker { size: u32 }
    ///
    /// #[actor(crate = foundation_actors)]
    /// impl Worker {
    ///     #[init] fn init(size: u32) -> Self { Self { size } }
    ///     #[call] fn size(&self) -> u32 { self.size }
    /// }
    ///
    /// World::simulate(1, |world| async move {
    ///     let network = SimNetwork::new(&world);
    ///     let plan = |name| Node::builder().name(name).seed("b:7000");
    ///     let b = plan("b").offer::<Worker>().start_in(&world, &network).await.expect("it starts");
    ///     let a = plan("a").start_in(&world, &network).await.expect("it starts");
    ///     let together = async || a.peer("b") == Some(b.id());
    ///     world.eventually(Duration::from_secs(30), together).await;
    ///     let worker = a.remote("b").spawn::<Worker>(64).await.expect("it is offered");
    ///     assert_eq!(worker.size().await, Ok(64));
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    pub fn offer<A: Actor<Args: Portable>>(mut self) -> Self {
        self.offers = self.offers.offer::<A>();
        self
    }

    /// How many starts for one other node may be under way at once: 1,024 unless set. Others are
    /// refused.
    pub fn spawns_max(mut self, most: usize) -> Self {
        self.offers = self.offers.spawns_max(most);
        self
    }

    /// Starts the node, and its part of the cluster. It returns when the node listens; whom it
    /// reaches shows later, see [`Cluster::nodes`](crate::Cluster::nodes).
    ///
    /// # Errors
    /// [`StartError`]; nothing is left of it.
    pub async fn start(mut self) -> Result<Node, StartError> {
        let (node, secret) = self.start_node()?;
        self.join(node, None, secret).await
    }

    /// [`Builder::start`], in a program without a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left of it.
    pub fn start_blocking(mut self) -> Result<Node, StartError> {
        let (node, secret) = self.start_node()?;
        let joined = node.block_on(self.start_tree(&node, None, secret));
        match joined {
            Ok(()) => Ok(node),
            Err(error) => {
                // It has no processes yet that could hold it up.
                let _ = node.shutdown_blocking(STOP_BOUND);
                Err(error)
            }
        }
    }

    /// [`Builder::start`] in a world that lives in the time of a tokio runtime, [`World::hosted`]: one thread, and the
    /// sockets of that runtime.
    ///
    /// ```
    /// use foundation_cluster::{BuilderExt, Secret};
    /// use foundation_runtime::{Node, World};
    /// let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// tokio.block_on(World::hosted(1, |world| async move {
    ///     let builder = Node::builder().name("a").listen("127.0.0.1:0");
    ///     let builder = builder.secret(Secret::new([7; 32]).expect("it is long enough"));
    ///     builder.start_within(&world).await.expect("it starts");
    /// }))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StartError`]; nothing is left of it.
    pub async fn start_within(mut self, world: &World) -> Result<Node, StartError> {
        let (builder, secret) = self.prepare()?;
        self.join(world.start_with(builder), None, secret).await
    }

    fn start_node(&mut self) -> Result<(Node, Secret), StartError> {
        let (builder, secret) = self.prepare()?;
        let node = builder.start().map_err(StartError::Node)?;
        Ok((node, secret))
    }

    /// What is wrong shows before anything starts.
    fn prepare(&mut self) -> Result<(NodeBuilder, Secret), StartError> {
        let reach = self.reach();
        let mut addresses = self.seeds.iter().chain(&self.listen);
        addresses.try_for_each(|address| check_address(address, reach))?;
        self.check_finders(reach)?;
        let secret = self.find_secret()?;
        let builder = std::mem::replace(&mut self.node, Node::builder());
        self.check()?;
        Ok((builder, secret))
    }

    #[cfg(feature = "tls")]
    fn reach(&self) -> Reach {
        match self.tls {
            Some(_) => Reach::Network,
            None => Reach::Machine,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn identity(&self, name: &str) -> Result<Option<Identity>, StartError> {
        let identity = self.tls.as_ref().map(|tls| tls.identity(name));
        identity.transpose().map_err(StartError::Tls)
    }

    #[cfg(not(feature = "tls"))]
    fn reach(&self) -> Reach {
        Reach::Machine
    }

    #[cfg(not(feature = "tls"))]
    pub(super) fn identity(&self, _: &str) -> Result<Option<Identity>, StartError> {
        Ok(None)
    }

    /// [`Builder::start`] in a world of a test, on its network in memory. The host has the node's
    /// name, and listens at that name with the port 7000 unless said otherwise. With
    /// [`Builder::tls`] it speaks TLS there, too: chance and the dates of certificates are the machine's then,
    /// and only keys of a fixed size, Ed25519, make runs of one seed send the same numbers of bytes.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left of it.
    pub async fn start_in(
        mut self,
        world: &World,
        network: &SimNetwork,
    ) -> Result<Node, StartError> {
        self.check_finders(Reach::Network)?;
        let is_segment = |finder: &Finder| matches!(finder, Finder::Multicast(_));
        if self.finders.iter().any(is_segment) {
            return Err(StartError::Discovery(BadDiscovery::NotSimulated));
        }
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
        self.join(node, Some(host), secret).await
    }

    fn check(&self) -> Result<(), StartError> {
        self.mesh.check().map_err(StartError::Mesh)?;
        self.channels.check().map_err(StartError::Channel)?;
        self.overlay.check().map_err(StartError::Overlay)?;
        let policy = self.policy.as_ref().map_or(Ok(()), Policy::check);
        policy.map_err(StartError::Policy)?;
        check_name(&self.cluster)
    }

    fn check_finders(&self, reach: Reach) -> Result<(), StartError> {
        let config = self.discovery.check();
        let many = match self.finders.len() {
            many if many <= FINDERS_MAX => Ok(()),
            many => Err(BadDiscovery::TooMany(many)),
        };
        let mut finders = self.finders.iter();
        let checked = config.and(many);
        let checked = checked.and_then(|()| finders.try_for_each(|finder| finder.check(reach)));
        checked.map_err(StartError::Discovery)
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
}

pub(super) fn check_name(name: &str) -> Result<(), StartError> {
    match name.len() {
        // It stands for all nodes.
        1 if name == EVERYWHERE => Err(StartError::Name(name.into())),
        1..=NAME_BYTES_MAX => Ok(()),
        _ => Err(StartError::Name(name.into())),
    }
}
