//! Where and how often is a node heard on its segment?
//!
//! Role       Group, port, interface, time to live, times and limits of multicast, checked before the
//!            start.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::discovery::BadDiscovery;
use crate::transport::Reach;

/// How nodes of one segment find each other: they say where they are to a group of IPv4 addresses.
///
/// ```
/// use foundation_cluster::discovery::Multicast;
/// let multicast = Multicast { port: 9000, ..Multicast::default() };
/// assert_eq!(multicast.ttl, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multicast {
    /// The group; 239.255.70.1 unless set.
    pub group: Ipv4Addr,
    /// The port, the same for all; 7701 unless set.
    pub port: u16,
    /// The address of this machine on the segment. Unless set it is 127.0.0.1 without TLS, and with TLS
    /// what the system chooses.
    pub interface: Option<Ipv4Addr>,
    /// Over how many routers it may go, and one. 1 unless set: it stays on the segment.
    pub ttl: u8,
    /// How often a node says where it is. 1 s unless set.
    pub beat: Duration,
    /// How many datagrams a second are looked at; others are dropped. 500 unless set.
    pub rate_max: u32,
}

impl Default for Multicast {
    fn default() -> Self {
        Self {
            group: Ipv4Addr::new(239, 255, 70, 1),
            port: 7701,
            interface: None,
            ttl: 1,
            beat: Duration::from_secs(1),
            rate_max: 500,
        }
    }
}

impl Multicast {
    pub(in crate::discovery) fn check(&self, reach: Reach) -> Result<(), BadDiscovery> {
        if !self.group.is_multicast() {
            return Err(BadDiscovery::Group(self.group.to_string().into()));
        }
        let zero = [
            ("multicast.port", self.port == 0),
            ("multicast.ttl", self.ttl == 0),
            ("multicast.beat", self.beat.is_zero()),
            ("multicast.rate_max", self.rate_max == 0),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, zero)| *zero) {
            return Err(BadDiscovery::Zero(name));
        }
        match self.interface {
            Some(interface) if reach == Reach::Machine && !interface.is_loopback() => {
                Err(BadDiscovery::Interface(interface.to_string().into()))
            }
            _ => Ok(()),
        }
    }

    /// The interface that is used by a node that reaches so far.
    pub(super) fn interface(&self, reach: Reach) -> Ipv4Addr {
        match (self.interface, reach) {
            (Some(interface), _) => interface,
            (None, Reach::Machine) => Ipv4Addr::LOCALHOST,
            (None, Reach::Network) => Ipv4Addr::UNSPECIFIED,
        }
    }
}
