//! What do the nodes of one cluster know, and nobody else?
//!
//! Role       The key by which nodes prove to each other that they belong together.
//! Limit      At least [`SECRET_BYTES_MIN`] bytes: a guess must be hopeless also for somebody who
//!            has listened.
//! Invariant  Never printed; compared in constant time, by the MAC that it makes.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The fewest bytes of a secret.
pub const SECRET_BYTES_MIN: usize = 32;
/// Bytes of a proof.
pub(crate) const PROOF_BYTES: usize = 32;

/// The secret that all nodes of a cluster share. `Debug` does not show it.
///
/// ```
/// use foundation_cluster::{BadSecret, Secret};
/// let secret = Secret::new(*b"0123456789abcdef0123456789abcdef")?;
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(Secret::new(*b"foundation").err(), Some(BadSecret { bytes: 10 }));
/// # Ok::<(), BadSecret>(())
/// ```
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

/// The secret is too short to be one. Let the node make it: see
/// [`SECRET_BYTES_MIN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSecret {
    /// How many bytes it has.
    pub bytes: usize,
}

impl fmt::Display for BadSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a secret of {} bytes can be guessed; it takes {SECRET_BYTES_MIN} random ones",
            self.bytes
        )
    }
}

impl std::error::Error for BadSecret {}

impl Secret {
    /// The secret with these bytes.
    ///
    /// # Errors
    /// [`BadSecret`] when they are fewer than [`SECRET_BYTES_MIN`].
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, BadSecret> {
        let bytes = bytes.as_ref();
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(BadSecret { bytes: bytes.len() });
        }
        Ok(Self(bytes.into()))
    }

    fn mac(&self, role: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.0);
        let mut mac = mac.unwrap_or_else(|_| unreachable!("a MAC takes a key of any length"));
        for part in std::iter::once(&role).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    /// What only somebody can say of `parts` who has the secret. The role is part of it, so that
    /// nobody can answer with what was just said to him.
    pub(crate) fn proof(&self, role: &[u8], parts: &[&[u8]]) -> [u8; PROOF_BYTES] {
        self.mac(role, parts).finalize().into_bytes().into()
    }

    /// Whether a proof is right; takes as long either way.
    pub(crate) fn proves(&self, role: &[u8], parts: &[&[u8]], proof: &[u8]) -> bool {
        self.mac(role, parts).verify_slice(proof).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
