//! By what are other nodes found?
//!
//! Role       One way of finding addresses, as a program or a file says it, checked before the start.
//! Source     rfc: 1035 (names), 2782 (services)

use std::fmt;

use super::config::BadDiscovery;
use super::machine::Way;
use super::multicast::Multicast;
use crate::transport::Reach;

/// One way of finding the addresses of other nodes.
///
/// ```
/// use foundation_cluster::discovery::{Finder, Multicast};
/// let hosts = Finder::hosts("nodes.example.org", 7001);
/// assert_eq!(hosts.to_string(), "hosts nodes.example.org:7001");
/// let service = Finder::service("_foundation._tcp.example.org");
/// assert_eq!(service.to_string(), "service _foundation._tcp.example.org");
/// let segment = Finder::multicast(Multicast::default());
/// assert_eq!(segment.to_string(), "multicast 239.255.70.1:7701");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finder {
    /// A node listens at this port of each address, A and AAAA, that the name has.
    Hosts {
        /// The whole name: nothing is appended to it.
        name: Box<str>,
        /// The port.
        port: u16,
    },
    /// A node listens at each host and port that the service, by its SRV records, is at.
    Service {
        /// The whole name, as in `_foundation._tcp.example.org`.
        name: Box<str>,
    },
    /// Nodes tell each other on a segment where they are.
    Multicast(Multicast),
}

impl Finder {
    /// Nodes listen at this port of every address that the name has.
    pub fn hosts(name: impl Into<Box<str>>, port: u16) -> Self {
        let name = name.into();
        Self::Hosts { name, port }
    }

    /// Nodes listen at the hosts and ports of a service.
    pub fn service(name: impl Into<Box<str>>) -> Self {
        let name = name.into();
        Self::Service { name }
    }

    /// Nodes of one segment find each other.
    #[must_use]
    pub fn multicast(multicast: Multicast) -> Self {
        Self::Multicast(multicast)
    }

    pub(crate) fn check(&self, reach: Reach) -> Result<(), BadDiscovery> {
        match self {
            Self::Hosts { name, port } => {
                check_name("hosts", name)?;
                match port {
                    0 => Err(BadDiscovery::NoPort(name.clone())),
                    _ => Ok(()),
                }
            }
            Self::Service { name } => check_name("services", name),
            Self::Multicast(multicast) => multicast.check(reach),
        }
    }

    pub(super) fn way(&self) -> Way {
        match self {
            Self::Hosts { .. } | Self::Service { .. } => Way::Asked,
            Self::Multicast(multicast) => Way::Heard {
                beat: multicast.beat,
            },
        }
    }
}

impl fmt::Display for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosts { name, port } => write!(f, "hosts {name}:{port}"),
            Self::Service { name } => write!(f, "service {name}"),
            Self::Multicast(it) => write!(f, "multicast {}:{}", it.group, it.port),
        }
    }
}

fn check_name(key: &'static str, name: &str) -> Result<(), BadDiscovery> {
    let whole = name.strip_suffix('.').unwrap_or(name);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_letter);
    match whole.len() <= 253 && whole.split('.').all(is_label) {
        true => Ok(()),
        false => Err(BadDiscovery::Name(key, name.into())),
    }
}
