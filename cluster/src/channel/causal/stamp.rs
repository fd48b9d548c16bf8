//! What does a message carry so that it can come in causal order?
//!
//! Role       Its number among those of its sender to its receiver, and which messages to which nodes it
//!            follows; as bytes before the message's own.
//! Limit      [`DEPENDENCIES_MAX`] of them.

use foundation_runtime::NodeId;

/// How many messages one may say that it follows.
pub(crate) const DEPENDENCIES_MAX: usize = 4096;
/// The number, and how many nodes there are.
const HEAD_BYTES: usize = 10;
/// A node, and how many senders to it.
const NODE_BYTES: usize = 10;
/// A sender, the number of its message, and since when that is known.
const ENTRY_BYTES: usize = 20;

/// The newest message of a sender to a node, of those that a message follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) to: NodeId,
    pub(crate) from: NodeId,
    pub(crate) number: u64,
    /// For how many milliseconds somebody has known of it.
    pub(crate) age: u32,
}

/// What a message carries. Its dependencies are in the order of the nodes they go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) number: u64,
    pub(crate) after: Vec<Dependency>,
}

impl Stamp {
    /// The bytes of the message behind its stamp.
    pub(crate) fn before(&self, message: &[u8]) -> Vec<u8> {
        let runs = self.after.chunk_by(|one, other| one.to == other.to);
        let nodes = runs.clone().count();
        let room = HEAD_BYTES + NODE_BYTES * nodes + ENTRY_BYTES * self.after.len();
        let mut bytes = Vec::with_capacity(room + message.len());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&(nodes as u16).to_be_bytes());
        for run in runs {
            bytes.extend_from_slice(&run[0].to.as_u64().to_be_bytes());
            bytes.extend_from_slice(&(run.len() as u16).to_be_bytes());
            for dependency in run {
                bytes.extend_from_slice(&dependency.from.as_u64().to_be_bytes());
                bytes.extend_from_slice(&dependency.number.to_be_bytes());
                bytes.extend_from_slice(&dependency.age.to_be_bytes());
            }
        }
        bytes.extend_from_slice(message);
        bytes
    }

    /// How many bytes of a stamped message are its stamp, if it has one.
    pub(crate) fn bytes_of(bytes: &[u8]) -> Option<usize> {
        let (_, rest) = Self::read(bytes)?;
        Some(bytes.len() - rest.len())
    }

    /// The stamp of a message, and its own bytes; `None` when there is no such stamp.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = bytes;
        let number = u64::from_be_bytes(*take(&mut rest)?);
        let nodes = u16::from_be_bytes(*take(&mut rest)?);
        let (mut after, mut last) = (Vec::new(), None);
        for _ in 0..nodes {
            let to = NodeId::from_u64(u64::from_be_bytes(*take(&mut rest)?));
            let count = usize::from(u16::from_be_bytes(*take(&mut rest)?));
            if last.is_some_and(|last| to <= last)
                || count == 0
                || DEPENDENCIES_MAX < after.len() + count
            {
                return None;
            }
            last = Some(to);
            for _ in 0..count {
                let from = NodeId::from_u64(u64::from_be_bytes(*take(&mut rest)?));
                let number = u64::from_be_bytes(*take(&mut rest)?);
                let age = u32::from_be_bytes(*take(&mut rest)?);
                after.push(Dependency {
                    to,
                    from,
                    number,
                    age,
                });
            }
        }
        Some((Self { number, after }, rest))
    }
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(to: u64, from: u64, number: u64) -> Dependency {
        let [to, from] = [to, from].map(NodeId::from_u64);
        Dependency {
            to,
            from,
            number,
            age: 70_000,
        }
    }

    fn stamped(after: Vec<Dependency>) -> Stamp {
        Stamp { number: 300, after }
    }

    fn stamp() -> Stamp {
        stamped(vec![
            dependency(1, 7, 5),
            dependency(1, 8, 6),
            dependency(4, 7, u64::MAX),
        ])
    }

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        for (stamp, message) in [(stamped(Vec::new()), &b""[..]), (stamp(), b"hello")] {
            let bytes = stamp.before(message);
            assert_eq!(Stamp::bytes_of(&bytes), Some(bytes.len() - message.len()));
            assert_eq!(Stamp::read(&bytes), Some((stamp, message)));
        }
        assert_eq!(stamp().before(b"").len(), 10 + 2 * 10 + 3 * 20);
    }

    #[test]
    fn what_is_cut_or_out_of_order_is_no_stamp() {
        let bytes = stamp().before(b"");
        for length in 0..bytes.len() {
            assert_eq!(Stamp::read(&bytes[..length]), None, "{length} bytes");
        }
        let after = vec![dependency(4, 7, 1), dependency(1, 7, 1)];
        assert_eq!(Stamp::read(&stamped(after).before(b"")), None);
        let mut none = stamp().before(b"");
        none[18..20].copy_from_slice(&[0, 0]);
        assert_eq!(Stamp::read(&none), None, "a node without senders");
        let after = |count| (0..count).map(|at| dependency(1, at, 1)).collect();
        let [most, over] = [DEPENDENCIES_MAX as u64, DEPENDENCIES_MAX as u64 + 1]
            .map(|count| stamped(after(count)).before(b""));
        assert!(Stamp::read(&most).is_some());
        assert_eq!(Stamp::read(&over), None);
    }
}
