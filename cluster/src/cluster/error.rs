//! What can go wrong with a cluster, as a whole?
//!
//! Role       One enum for starting, one for asking, one for switching the overlay.

use std::fmt;
use std::io;
use std::time::Duration;

use foundation_runtime::{CallError, NodeStartError};

use crate::broadcast::EVERYWHERE;
use crate::channel::BadChannel;
use crate::discovery::BadDiscovery;
use crate::handshake::NAME_BYTES_MAX;
use crate::mesh::BadMesh;
use crate::overlay::{OverlayError, PolicyError};
use crate::storage::SecretFileError;

/// Why a node did not start as part of a cluster. Nothing of it is left.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The node itself did not start.
    Node(NodeStartError),
    /// A name, of the node or of the cluster, is empty, longer than 128 bytes, or `*`.
    Name(Box<str>),
    /// It cannot listen at this address.
    Listen(Box<str>, io::Error),
    /// An address is none: it takes a host and a port, as in `127.0.0.1:7001`.
    Address(Box<str>),
    /// An address is not of this machine alone, and the node was given no certificates. Nodes on
    /// several machines speak over TLS only: `foundation cert init` makes what it takes, and the
    /// builder's `tls` (cargo feature `tls`) takes it.
    NotLoopback(Box<str>),
    /// The node cannot speak TLS with its files.
    #[cfg(feature = "tls")]
    Tls(crate::tls::TlsError),
    /// There is no secret of the cluster.
    Secret(SecretFileError),
    /// The times of the mesh cannot be so.
    Mesh(BadMesh),
    /// The overlay cannot be so.
    Overlay(OverlayError),
    /// The rules by which the overlay is to change make no sense.
    Policy(PolicyError),
    /// The node's finders, or their times, cannot be so.
    Discovery(BadDiscovery),
    /// A channel cannot be so.
    Channel(BadChannel),
    /// The tree that holds the cluster did not start.
    Tree(Box<str>),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(error) => error.fmt(f),
            Self::Name(name) if name.is_empty() => f.write_str("a name is empty"),
            Self::Name(name) if **name == *EVERYWHERE => {
                write!(
                    f,
                    "`{EVERYWHERE}` stands for all nodes: none can be called so"
                )
            }
            Self::Name(name) => write!(
                f,
                "a name of {} bytes is too long: at most {NAME_BYTES_MAX}",
                name.len()
            ),
            Self::Listen(address, error) => {
                write!(f, "cannot listen at {address}: {error}")?;
                match error.kind() {
                    io::ErrorKind::AddrInUse => f.write_str(
                        "; a node that has it as its seed and was told no address to listen at \
                         may have taken it",
                    ),
                    _ => Ok(()),
                }
            }
            Self::Address(address) => write!(
                f,
                "`{address}` is no address: it takes a host and a port, as in `127.0.0.1:7001`"
            ),
            Self::NotLoopback(address) => write!(
                f,
                "`{address}` is not of this machine alone, and nodes on several machines speak over \
                 TLS only: make certificates with `foundation cert init`, and give them to the node \
                 with `tls`"
            ),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
            Self::Secret(error) => write!(f, "the cluster's secret: {error}"),
            Self::Mesh(error) => error.fmt(f),
            Self::Overlay(error) => error.fmt(f),
            Self::Policy(error) => error.fmt(f),
            Self::Discovery(error) => error.fmt(f),
            Self::Channel(error) => error.fmt(f),
            Self::Tree(error) => write!(f, "the cluster's tree did not start: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Why a question to the cluster of a node has no answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AskError {
    /// The node was not started as part of a cluster.
    NotClustered,
    /// No node of this name is connected.
    NoNode(Box<str>),
    /// As many watch already as may.
    Full,
    /// The process that holds the cluster gave no answer.
    Call(CallError),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotClustered => f.write_str("the node is no part of a cluster"),
            Self::NoNode(name) => write!(f, "no node `{name}` is connected"),
            Self::Full => f.write_str("as many watch the nodes as may"),
            Self::Call(error) => write!(f, "the cluster did not answer: {error}"),
        }
    }
}

impl std::error::Error for AskError {}

impl From<CallError> for AskError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoProc => Self::NotClustered,
            other => Self::Call(other),
        }
    }
}

/// Why a cluster's overlay was not switched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SwitchError {
    /// The overlay cannot be so.
    Overlay(OverlayError),
    /// There was a switch a short time ago: another one can be ordered here after this time. See
    /// [`MeshConfig::switch_pause`](crate::mesh::MeshConfig::switch_pause).
    CoolingDown(Duration),
    /// The cluster of this node was not to be asked.
    Ask(AskError),
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlay(error) => error.fmt(f),
            Self::CoolingDown(rest) => write!(
                f,
                "the overlay was switched a short time ago: wait for {:.1} s",
                rest.as_secs_f64()
            ),
            Self::Ask(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SwitchError {}

impl From<AskError> for SwitchError {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}
