//! What does a process take that has no messages of its own?
//!
//! Role       The message type of processes to which everything comes as envelopes.

use foundation_runtime::{Codec, Message, Tag};

/// There is none.
pub(crate) enum Nothing {}

impl Message for Nothing {
    const NAME: &'static str = "nothing";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "nothing", "")
    }
}
