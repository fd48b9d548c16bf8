//! What do two nodes say about the end of a connection that nobody needs, and about the next one?
//!
//! Role       One end asks, the other agrees or not. A new connection begins with what it goes on after, if it
//!            does: where the two ends do not say the same, one of them has told processes of a loss, and
//!            the other does so now.

use std::sync::Arc;

use super::association::Association;
use super::context::Context;
use super::frame::Kind;
use crate::mesh::{ConnectionId, Loss, MeshRef};

/// Does the other end need this connection?
pub(super) const ASKS_TO_PART: &[u8] = &[0];
/// It does not: the connection is closed once this is read.
const PARTS: &[u8] = &[1];
/// It does.
const STAYS: &[u8] = &[2];
/// This goes on where the connection of the number that follows ended.
const GOES_ON: u8 = 3;
/// This begins.
const BEGINS: &[u8] = &[4];

/// What follows from a word on whether a connection is needed.
pub(super) enum Parting {
    /// It ends.
    Goes,
    /// It stays.
    Stays,
    /// The other end is told that it may end it.
    Said,
    /// That was no such word.
    Garbage,
}

/// The first word over a connection.
pub(super) fn goes_on(after: Option<u64>) -> Vec<u8> {
    match after {
        None => BEGINS.to_vec(),
        Some(link) => {
            let mut word = vec![GOES_ON];
            word.extend_from_slice(&link.to_be_bytes());
            word
        }
    }
}

/// What a first word says; `None` when it is none.
fn read(word: &[u8]) -> Option<Option<u64>> {
    match word {
        BEGINS => Some(None),
        [GOES_ON, link @ ..] => Some(Some(u64::from_be_bytes(link.try_into().ok()?))),
        _ => None,
    }
}

/// The other end of this connection says something about it.
pub(super) async fn said(
    context: &Context,
    mesh: &MeshRef,
    id: ConnectionId,
    of: &Arc<Association>,
    content: &[u8],
) -> Parting {
    let ways = &context.ways;
    match content {
        ASKS_TO_PART => {
            let mut may = mesh.may_part(id).await;
            if may {
                ways.detach(of);
                may = of.may_part();
                if !may {
                    ways.reattach(of);
                    mesh.kept(id).await;
                }
            }
            if !may {
                of.outgoing.say(Kind::Parting, STAYS);
                return Parting::Stays;
            }
            of.outgoing.say(Kind::Parting, PARTS);
            of.outgoing.close(Loss::Unneeded);
            Parting::Said
        }
        PARTS => Parting::Goes,
        STAYS => {
            of.stay();
            ways.reattach(of);
            mesh.kept(id).await;
            Parting::Stays
        }
        word => match read(word) {
            Some(theirs) => {
                ways.compare(of, theirs);
                Parting::Stays
            }
            None => Parting::Garbage,
        },
    }
}

#[cfg(test)]
mod tests {
    use foundation_runtime::Node;

    use super::*;
    use crate::channel::Channels;
    use crate::connection::Keeper;
    use crate::handshake::Who;

    /// When both ask at once, each takes the other's word for an answer to its own: were one to say that it
    /// needs the connection, both would have lost the other for good.
    #[test]
    fn who_has_asked_agrees_whatever_is_on_its_way() {
        let node = Node::builder().name("a").start().expect("it starts");
        let keeper = Keeper::of(&node, Channels::default());
        let peer = Who {
            name: "b".into(),
            incarnation: 1,
            address: "b:7000".into(),
        };
        let of = Association::new(&node, (peer, false), 1, keeper);
        assert!(of.may_part(), "nothing is on its way");
        of.outgoing.say(Kind::Heartbeat, &[]);
        assert!(!of.may_part(), "something would be lost");
        of.ask_to_part();
        assert!(of.may_part(), "the other end may have agreed");
        of.stay();
        assert!(!of.may_part());
    }

    #[test]
    fn a_first_word_says_what_was_written_and_anything_else_is_none() {
        for after in [None, Some(0), Some(7), Some(u64::MAX)] {
            let word = goes_on(after);
            assert_eq!(read(&word), Some(after));
            for cut in 0..word.len() {
                assert_eq!(read(&word[..cut]), None, "{cut} bytes of {word:?}");
            }
            let longer: Vec<u8> = word.iter().copied().chain([0]).collect();
            assert_eq!(read(&longer), None);
        }
        for other in [ASKS_TO_PART, PARTS, STAYS, &[5], &[5; 9]] {
            assert_eq!(read(other), None);
        }
    }
}
