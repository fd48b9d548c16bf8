//! What does a node's configuration file say?
//!
//! Role       Reads TOML: names, addresses, files, times. What is not said has its default.
//! Invariant  A key that is not known is refused with its line: a slip of the pen must not pass.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use foundation::cluster::channel::Channel;
use foundation::cluster::mesh::{MeshConfig, Relaying};
use foundation::cluster::overlay::{Overlay, Policy, client_server, hyparview};
use foundation::cluster::{Builder, Tls};
use foundation::{Node, Priority};
use serde::Deserialize;

use super::search::Search;

/// The file of one node. Paths in it are relative to its folder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The node's name: unique in its cluster.
    pub name: String,
    /// The cluster's name.
    pub cluster: Option<String>,
    /// Addresses to join at.
    #[serde(default)]
    pub seeds: Vec<String>,
    /// Where the node takes connections.
    pub listen: Option<String>,
    /// The file of the cluster's secret.
    pub secret_file: Option<PathBuf>,
    /// The files of a node that speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Where `foundation cluster` and `foundation observe` find it.
    pub socket: Option<PathBuf>,
    /// Who is connected to whom.
    #[serde(default)]
    pub overlay: Shape,
    /// Times and limits.
    #[serde(default)]
    pub mesh: Mesh,
    /// How other nodes are found, besides the seeds.
    #[serde(default)]
    pub discovery: Search,
    /// The node's own channels, or other values for one that every node has.
    #[serde(default)]
    pub channels: BTreeMap<String, Lanes>,
}

/// One channel: see the library's `Channel`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lanes {
    /// How many connections to each node it has; unset, as many as are of use.
    pub lanes: Option<u8>,
    /// `low`, `normal`, `high` or `max`.
    pub priority: Option<Urgency>,
    /// Whether the newest wins.
    #[serde(default)]
    pub monotonic: bool,
    /// Whether what leaves together is compressed together.
    #[serde(default)]
    pub compressed: bool,
    /// How many bytes of one sender may be on the other node before a process takes them.
    pub credit_bytes: Option<usize>,
    /// How many bytes may wait in a lane before senders are held.
    pub hold_bytes: Option<usize>,
    /// How many before messages are refused.
    pub full_bytes: Option<usize>,
    /// How many milliseconds a message of causal order waits for what it follows.
    pub causal_ms: Option<u64>,
}

/// The priority of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// It gives way to all others.
    Low,
    /// As what is sent without a channel.
    Normal,
    /// Others give way to it.
    High,
    /// Also those of high priority do.
    Max,
}

/// What a node on a network proves itself with: see the library's `Tls`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate of the cluster's CA.
    pub ca: PathBuf,
    /// The node's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Times and limits of the connections: see the library's `MeshConfig`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mesh {
    /// How often it looks who is silent, and to whom nothing was sent for a quarter of `silence_ms`.
    pub tick_ms: Option<u64>,
    /// After how long without a byte a connection is lost.
    pub silence_ms: Option<u64>,
    /// How long after a failed dial the next one comes, at first.
    pub redial_ms: Option<u64>,
    /// The longest time between two dials.
    pub redial_max_ms: Option<u64>,
    /// How many nodes there may be.
    pub nodes_max: Option<usize>,
    /// How long a connection that the overlay does not need stays when nobody speaks over it.
    pub idle_ms: Option<u64>,
    /// How long after a switch of the overlay no other one can be ordered.
    pub switch_pause_ms: Option<u64>,
    /// Whether members that cannot dial each other speak through others.
    #[serde(default)]
    pub relaying: Relay,
}

/// When a node is spoken to through others: see the library's `Relaying`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relay {
    /// Never.
    Never,
    /// Where not all are connected to all.
    #[default]
    Few,
    /// In a full mesh, too.
    Always,
}

/// The overlay: see the library's `Overlay`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Which one.
    #[serde(default)]
    pub kind: Kind,
    /// How many nodes one is connected to over HyParView.
    pub active: Option<usize>,
    /// How many it has in reserve.
    pub passive: Option<usize>,
    /// How many of these it looks at when it looks for a nearer neighbour; none: it never does.
    pub scan: Option<usize>,
    /// The names of the servers, to which all others are connected.
    #[serde(default)]
    pub servers: Vec<Box<str>>,
    /// By which rules the cluster switches by itself; by none, when it is left out.
    pub policy: Option<Rules>,
}

/// When a cluster switches its overlay by itself: see the library's `Policy`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Up to so many nodes all are connected to all.
    pub mesh_max: Option<usize>,
    /// Up to so many HyParView is used.
    pub view_max: Option<usize>,
    /// An answer that takes longer is slow.
    pub slow_ms: Option<u64>,
    /// So large a share of the time connections may be busy.
    pub busy_max: Option<f64>,
    /// So many nodes may be lost from one look to the next.
    pub losses_max: Option<usize>,
    /// How often a node looks.
    pub interval_ms: Option<u64>,
}

/// The kinds of overlays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub enum Kind {
    /// All nodes are connected to all.
    #[default]
    Mesh,
    /// Each is connected to a few.
    HyParView,
    /// All are connected to some servers.
    #[serde(rename = "client-server")]
    #[value(name = "client-server")]
    ClientServer,
}

/// Why a configuration cannot be used. Nothing was started.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// What is in it is no configuration: where, and what is wrong.
    Toml(PathBuf, toml::de::Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(out, "{}: {error}", path.display()),
            Self::Toml(path, error) => {
                write!(out, "{}: {}", path.display(), error.to_string().trim_end())
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`].
    #[expect(clippy::disallowed_methods, reason = "the program reads its own file")]
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |error| ConfigError::Io(path.to_owned(), error);
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|error| ConfigError::Toml(path.to_owned(), error))
    }

    /// What the text says, of a file in `folder`.
    ///
    /// # Errors
    /// What is wrong with it, and in which line.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, toml::de::Error> {
        let mut config: Self = toml::from_str(text)?;
        for path in [&mut config.secret_file, &mut config.socket] {
            *path = path.take().map(|path| folder.join(path));
        }
        if let Some(TlsFiles {
            ca,
            certificate,
            key,
        }) = &mut config.tls
        {
            for path in [ca, certificate, key] {
                *path = folder.join(&*path);
            }
        }
        Ok(config)
    }

    /// The node that it describes.
    pub fn builder(&self) -> Builder {
        let mut builder = Builder::new(Node::builder().name(self.name.as_str()));
        if let Some(cluster) = &self.cluster {
            builder = builder.cluster(cluster.as_str());
        }
        if let Some(listen) = &self.listen {
            builder = builder.listen(listen.as_str());
        }
        if let Some(path) = &self.secret_file {
            builder = builder.secret_file(path);
        }
        if let Some(files) = &self.tls {
            builder = builder.tls(Tls::files(&files.ca, &files.certificate, &files.key));
        }
        let seeds = self.seeds.iter();
        let builder = seeds.fold(builder, |builder, seed| builder.seed(seed.as_str()));
        let mut builder = builder
            .mesh(self.mesh.config())
            .overlay(self.overlay.overlay());
        if let Some(policy) = self.overlay.policy() {
            builder = builder.adapt(policy);
        }
        let builder = self.discovery.apply(builder);
        let channels = self.channels.iter();
        channels.fold(builder, |builder, (name, lanes)| {
            builder.channel(lanes.channel(name))
        })
    }
}

impl Lanes {
    fn channel(&self, name: &str) -> Channel {
        let mut channel = Channel::named(name);
        if let Some(lanes) = self.lanes {
            channel = channel.lanes(lanes);
        }
        if let Some(urgency) = self.priority {
            channel = channel.priority(match urgency {
                Urgency::Low => Priority::Low,
                Urgency::Normal => Priority::Normal,
                Urgency::High => Priority::High,
                Urgency::Max => Priority::Max,
            });
        }
        if self.monotonic {
            channel = channel.monotonic();
        }
        if self.compressed {
            channel = channel.compressed();
        }
        if let Some(bytes) = self.credit_bytes {
            channel = channel.credit(bytes);
        }
        if let Some(bytes) = self.hold_bytes {
            channel = channel.hold_at(bytes);
        }
        if let Some(bytes) = self.full_bytes {
            channel = channel.full_at(bytes);
        }
        if let Some(millis) = self.causal_ms {
            channel = channel.causal_within(Duration::from_millis(millis));
        }
        channel
    }
}

impl Kind {
    /// The overlay with the figures that it has unless set, and these servers, if it has any.
    #[must_use]
    pub fn overlay(self, servers: &[Box<str>]) -> Overlay {
        match self {
            Self::Mesh => Overlay::FullMesh,
            Self::HyParView => Overlay::HyParView(hyparview::Config::default()),
            Self::ClientServer => {
                Overlay::ClientServer(client_server::Config::new(servers.iter().cloned()))
            }
        }
    }
}

impl Shape {
    fn policy(&self) -> Option<Policy> {
        let (rules, default) = (self.policy.as_ref()?, Policy::default());
        let time = |millis: Option<u64>, default| millis.map_or(default, Duration::from_millis);
        let view = match self.overlay() {
            Overlay::HyParView(config) => config,
            _ => default.view,
        };
        Some(Policy {
            mesh_max: rules.mesh_max.unwrap_or(default.mesh_max),
            view_max: rules.view_max.unwrap_or(default.view_max),
            view,
            servers: self.servers.clone(),
            slow: time(rules.slow_ms, default.slow),
            busy_max: rules.busy_max.unwrap_or(default.busy_max),
            losses_max: rules.losses_max.unwrap_or(default.losses_max),
            interval: time(rules.interval_ms, default.interval),
        })
    }

    fn overlay(&self) -> Overlay {
        match self.kind.overlay(&self.servers) {
            Overlay::HyParView(default) => {
                let active_max = self.active.unwrap_or(default.active_max);
                let passive_max = self.passive.unwrap_or(default.passive_max);
                Overlay::HyParView(hyparview::Config {
                    active_max,
                    passive_max,
                    optimise_scan: self.scan.unwrap_or(default.optimise_scan),
                    // As many as are usual, or as there can be.
                    shuffle_active: default.shuffle_active.min(active_max),
                    shuffle_passive: default.shuffle_passive.min(passive_max),
                    ..default
                })
            }
            other => other,
        }
    }
}

impl Mesh {
    fn config(&self) -> MeshConfig {
        let default = MeshConfig::default();
        let time = |millis: Option<u64>, default| millis.map_or(default, Duration::from_millis);
        MeshConfig {
            tick: time(self.tick_ms, default.tick),
            silence: time(self.silence_ms, default.silence),
            redial: time(self.redial_ms, default.redial),
            redial_max: time(self.redial_max_ms, default.redial_max),
            peers_max: self.nodes_max.unwrap_or(default.peers_max),
            idle: time(self.idle_ms, default.idle),
            switch_pause: time(self.switch_pause_ms, default.switch_pause),
            relaying: match self.relaying {
                Relay::Never => Relaying::Never,
                Relay::Few => Relaying::Few,
                Relay::Always => Relaying::Always,
            },
            ..default
        }
    }
}
