//! How is a socket of a segment opened?
//!
//! Role       UDP, bound to the group, so that nothing else comes; shared with other nodes of this
//!            machine.
//! Invariant  Without TLS it is joined at, and sends from, an interface of this machine alone.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::Multicast;
use crate::transport::Reach;

/// A socket that hears the group; what is sent to the group from it stays within the time to live.
pub(in crate::discovery) fn open(multicast: &Multicast, reach: Reach) -> io::Result<UdpSocket> {
    let interface = multicast.interface(reach);
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    socket.set_reuse_port(true)?;
    // Where the system lets nobody bind to a group, all of the port is heard, and the proof sorts it.
    let host = if cfg!(unix) {
        multicast.group
    } else {
        Ipv4Addr::UNSPECIFIED
    };
    socket.bind(&SocketAddr::from((host, multicast.port)).into())?;
    socket.join_multicast_v4(&multicast.group, &interface)?;
    socket.set_multicast_if_v4(&interface)?;
    socket.set_multicast_ttl_v4(multicast.ttl.into())?;
    // Other nodes of this machine are to hear it.
    socket.set_multicast_loop_v4(true)?;
    UdpSocket::from_std(socket.into())
}

impl Multicast {
    /// Where beats are sent to.
    pub(in crate::discovery) fn to(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.group, self.port)
    }
}
