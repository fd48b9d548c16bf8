//! Where does a node take connections, and where do others dial it?
//!
//! Role       The address that was said, else the seed's when it is vacant, else one of the node's
//!            own host.
//! Invariant  What others are told can be dialled: it is never the address that stands for all.

use std::net::SocketAddr;

use super::StartError;
use crate::handshake::ADDRESS_BYTES_MAX;
use crate::transport::{BadAddress, Listener, Reach, Transport, host_of, join};

/// A node that takes connections.
pub(super) struct Listening {
    pub(super) listener: Listener,
    /// Where it listens.
    pub(super) address: Box<str>,
    /// What others are told to dial.
    pub(super) told: Box<str>,
}

impl Listening {
    /// A node of this name, which was told this address, or none, and has this seed, or none.
    pub(super) async fn begin(
        transport: &Transport,
        name: &str,
        said: Option<&str>,
        seed: Option<&str>,
    ) -> Result<Self, StartError> {
        if let (None, Some(seed)) = (said, seed)
            && let Ok(listener) = transport.listen(seed).await
            && let Ok(address) = listener.address()
        {
            return Ok(Self::new(listener, address, name));
        }
        let wanted = said.map_or_else(|| free_port(transport.reach(), name), str::to_owned);
        let failed = |error| StartError::Listen(wanted.as_str().into(), error);
        let listener = transport.listen(&wanted).await.map_err(failed)?;
        let address = listener.address().map_err(failed)?;
        Ok(Self::new(listener, address, name))
    }

    fn new(listener: Listener, address: Box<str>, name: &str) -> Self {
        let told = told(&address, name);
        Self {
            listener,
            address,
            told,
        }
    }
}

/// Any port, where a node of this name is.
fn free_port(reach: Reach, name: &str) -> String {
    match reach {
        Reach::Network if name.contains('@') => join(host_of(name), 0),
        Reach::Network | Reach::Machine => "127.0.0.1:0".to_owned(),
    }
}

/// Where a node of this name that listens there is dialled.
fn told(address: &str, name: &str) -> Box<str> {
    match address.parse::<SocketAddr>() {
        Ok(all) if all.ip().is_unspecified() => join(host_of(name), all.port()).into(),
        _ => address.into(),
    }
}

/// Whether an address may be written for a node that reaches so far.
pub(super) fn check_address(address: &str, reach: Reach) -> Result<(), StartError> {
    let bad = || StartError::Address(address.into());
    if ADDRESS_BYTES_MAX < address.len() {
        return Err(bad());
    }
    reach.check(address).map_err(|error| match error {
        BadAddress::NoAddress => bad(),
        BadAddress::Beyond => StartError::NotLoopback(address.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_told_what_can_be_dialled() {
        let rows = [
            ("127.0.0.1:7001", "a", "127.0.0.1:7001"),
            ("0.0.0.0:7001", "a@10.0.0.1", "10.0.0.1:7001"),
            ("[::]:7001", "a@fd00::1", "[fd00::1]:7001"),
            ("0.0.0.0:7001", "a@a.example.org", "a.example.org:7001"),
        ];
        for (address, name, expected) in rows {
            assert_eq!(&*told(address, name), expected, "{address} of {name}");
        }
        let rows = [
            (Reach::Machine, "a@10.0.0.1", "127.0.0.1:0"),
            (Reach::Network, "a@10.0.0.1", "10.0.0.1:0"),
            (Reach::Network, "a", "127.0.0.1:0"),
        ];
        for (reach, name, expected) in rows {
            assert_eq!(free_port(reach, name), expected, "{name}");
        }
    }
}
