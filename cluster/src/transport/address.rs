//! Which addresses may a node use?
//!
//! Role       Those of this machine, or any: the one rule for what is listened at, what is dialled
//!            and what a user writes. And the part of a node's name that is an address.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// As far as a node reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This machine: what is said is not encrypted.
    Machine,
    /// The network, over TLS.
    Network,
}

/// What is wrong with an address that somebody wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadAddress {
    /// It is not a host and a port.
    NoAddress,
    /// It is beyond reach.
    Beyond,
}

impl Reach {
    /// Whether an address is within it.
    pub(super) fn has(self, address: IpAddr) -> bool {
        self == Self::Network || address.is_loopback()
    }

    /// Whether what is written may be within it. What a name stands for shows when it is used.
    pub(crate) fn check(self, address: &str) -> Result<(), BadAddress> {
        let is_within = match address.parse::<SocketAddr>() {
            Ok(address) => self.has(address.ip()),
            Err(_) => {
                let (host, port) = address.rsplit_once(':').ok_or(BadAddress::NoAddress)?;
                port.parse::<u16>().map_err(|_| BadAddress::NoAddress)?;
                let is_host = !host.is_empty() && !host.contains([':', '[', ']', '/', '@']);
                match self {
                    Self::Network if !is_host => return Err(BadAddress::NoAddress),
                    Self::Network => true,
                    Self::Machine => host == "localhost",
                }
            }
        };
        match is_within {
            true => Ok(()),
            false => Err(BadAddress::Beyond),
        }
    }
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAddress => "it takes a host and a port",
            Self::Beyond => "it is not of this machine",
        })
    }
}

/// Of a node's name what says where it is: all behind the last `@`, or the whole name.
pub(crate) fn host_of(name: &str) -> &str {
    name.rsplit('@').next().unwrap_or(name)
}

/// A host with a port, as it is dialled.
pub(crate) fn join(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, port).to_string(),
        Err(_) => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reach_table() {
        use BadAddress::{Beyond, NoAddress};
        let rows = [
            ("127.0.0.1:7001", Ok(()), Ok(())),
            ("127.9.9.9:0", Ok(()), Ok(())),
            ("[::1]:7001", Ok(()), Ok(())),
            ("localhost:7001", Ok(()), Ok(())),
            ("10.0.0.1:7001", Err(Beyond), Ok(())),
            ("0.0.0.0:7001", Err(Beyond), Ok(())),
            ("[::]:0", Err(Beyond), Ok(())),
            ("b.example.org:7001", Err(Beyond), Ok(())),
            ("10.0.0.1", Err(NoAddress), Err(NoAddress)),
            ("localhost:", Err(NoAddress), Err(NoAddress)),
            ("localhost:65536", Err(NoAddress), Err(NoAddress)),
            ("", Err(NoAddress), Err(NoAddress)),
            (":7001", Err(Beyond), Err(NoAddress)),
            ("::1:7001", Err(Beyond), Err(NoAddress)),
            ("b@10.0.0.1:7001", Err(Beyond), Err(NoAddress)),
        ];
        for (address, machine, network) in rows {
            assert_eq!(Reach::Machine.check(address), machine, "{address}");
            assert_eq!(Reach::Network.check(address), network, "{address}");
        }
    }

    #[test]
    fn a_name_says_where_it_is() {
        let rows = [
            ("a@10.0.0.1", "10.0.0.1", "10.0.0.1:7"),
            ("a@::1", "::1", "[::1]:7"),
            ("a@b@example.org", "example.org", "example.org:7"),
            ("a", "a", "a:7"),
        ];
        for (name, host, dialled) in rows {
            assert_eq!(host_of(name), host);
            assert_eq!(join(host, 7), dialled);
        }
    }
}
