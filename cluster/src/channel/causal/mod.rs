//! What has to be there before a message is given out?
//!
//! Role       Causal order over one channel: each message says which others it follows, and waits on the
//!            node it comes to until they are there. After Prakash, Raynal and Singhal, An Adaptive Causal
//!            Ordering Algorithm Suited to Mobile Computing Environments (1997): of what is known to go to
//!            a node, only the newest of each sender is told.
//! Invariant  A node is one participant: what any of its processes has sent or was given comes before what
//!            any of them sends later. Messages of one node to another come in the order of their numbers,
//!            which the lane keeps.

mod machine;
mod stamp;
#[cfg(test)]
mod walk;

pub(crate) use machine::{Causal, Item};
pub(crate) use stamp::Stamp;
