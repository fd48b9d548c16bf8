//! What does a node say on its segment?
//!
//! Role       The bytes of one beat: who, which start of it, the how-many-eth, where; and the proof
//!            that whoever says it knows the cluster's secret.
//! Invariant  The proof covers every byte before it, and the cluster's name.

use crate::handshake::{ADDRESS_BYTES_MAX, NAME_BYTES_MAX};
use crate::secret::{PROOF_BYTES, Secret};

const MAGIC: &[u8; 8] = b"fndbeat1";
const ROLE: &[u8] = b"foundation beat 1";

/// The most bytes of a beat.
pub(super) const BEAT_BYTES_MAX: usize =
    8 + 16 + 2 + NAME_BYTES_MAX + ADDRESS_BYTES_MAX + PROOF_BYTES;

/// One beat of a node.
///
/// ```
/// use foundation_cluster::{Secret, discovery::Beat};
/// let secret = Secret::new([7; 32])?;
/// let beat = Beat { name: "a".into(), incarnation: 3, count: 1, address: "10.0.0.1:7001".into() };
/// let bytes = beat.encode(&secret, "shop");
/// assert_eq!(Beat::read(&bytes), Some(beat));
/// assert!(Beat::is_proved(&bytes, &secret, "shop") && !Beat::is_proved(&bytes, &secret, "bank"));
/// # Ok::<(), foundation_cluster::BadSecret>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The node's name.
    pub name: Box<str>,
    /// Which start of it.
    pub incarnation: u64,
    /// The how-many-eth beat of this start; each is greater than the one before.
    pub count: u64,
    /// Where it is dialled.
    pub address: Box<str>,
}

impl Beat {
    /// The bytes, with the proof for this cluster.
    #[must_use]
    pub fn encode(&self, secret: &Secret, cluster: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BEAT_BYTES_MAX);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.incarnation.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        for text in [&self.name, &self.address] {
            // Both are of the node that was started: they were checked then.
            bytes.push(u8::try_from(text.len()).unwrap_or(0));
            bytes.extend_from_slice(text.as_bytes());
        }
        let proof = secret.proof(ROLE, &[cluster.as_bytes(), &bytes]);
        bytes.extend_from_slice(&proof);
        bytes
    }

    /// What these bytes say, if they are a beat; of whom, the proof has to show.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (said, _) = bytes.split_last_chunk::<PROOF_BYTES>()?;
        let rest = said.strip_prefix(MAGIC)?;
        let (incarnation, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (name, rest) = text(rest, NAME_BYTES_MAX)?;
        let (address, rest) = text(rest, ADDRESS_BYTES_MAX)?;
        rest.is_empty().then_some(Self {
            name,
            incarnation: u64::from_be_bytes(*incarnation),
            count: u64::from_be_bytes(*count),
            address,
        })
    }

    /// Whether somebody of this cluster has said them.
    #[must_use]
    pub fn is_proved(bytes: &[u8], secret: &Secret, cluster: &str) -> bool {
        let parts = bytes.split_last_chunk::<PROOF_BYTES>();
        parts.is_some_and(|(said, proof)| secret.proves(ROLE, &[cluster.as_bytes(), said], proof))
    }
}

fn text(bytes: &[u8], most: usize) -> Option<(Box<str>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let length = usize::from(*length);
    if length == 0 || most < length {
        return None;
    }
    let (text, rest) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?.into(), rest))
}
