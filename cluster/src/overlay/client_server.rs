//! Who are the servers?
//!
//! Role       The names of the nodes to which all others are connected.
//! Limit      [`SERVERS_MAX`] of them.

use std::fmt;

use crate::handshake::NAME_BYTES_MAX;

/// The most servers of a cluster.
pub const SERVERS_MAX: usize = 64;

/// The servers of a client-server overlay. The same on all nodes of a cluster.
///
/// ```
/// use foundation_cluster::overlay::client_server::{Config, ConfigError};
/// assert!(Config::new(["s1", "s2"]).check().is_ok());
/// assert_eq!(Config::new([""; 0]).check(), Err(ConfigError::NoServers));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The names of the nodes that are servers. One that is no member is nobody's server.
    pub servers: Vec<Box<str>>,
}

impl Config {
    /// Nodes of these names are the servers; each is taken once.
    pub fn new(servers: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        let mut servers: Vec<Box<str>> = servers.into_iter().map(Into::into).collect();
        servers.sort_unstable();
        servers.dedup();
        Self { servers }
    }

    /// Is a node of this name a server?
    #[must_use]
    pub fn is_server(&self, name: &str) -> bool {
        self.servers.iter().any(|server| **server == *name)
    }

    /// Whether there can be such servers.
    ///
    /// # Errors
    /// [`ConfigError`] says why not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let is_name = |name: &str| (1..=NAME_BYTES_MAX).contains(&name.len());
        match self.servers.len() {
            0 => Err(ConfigError::NoServers),
            count if SERVERS_MAX < count => Err(ConfigError::TooMany),
            _ if !self.servers.iter().all(|name| is_name(name)) => Err(ConfigError::Name),
            _ => Ok(()),
        }
    }
}

/// Why there cannot be such servers. Nothing was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is none.
    NoServers,
    /// There are more than [`SERVERS_MAX`].
    TooMany,
    /// A name is empty, or longer than a node's can be.
    Name,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServers => f.write_str("no node is named as a server"),
            Self::TooMany => write!(f, "more than {SERVERS_MAX} nodes are named as servers"),
            Self::Name => f.write_str("the name of a server is empty or too long"),
        }
    }
}

impl std::error::Error for ConfigError {}
