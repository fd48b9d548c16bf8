//! Is a frame that is read written the same, whatever bytes come?
//!
//! Role       What a fuzzer calls of this room; built with the feature `fuzz` alone.

use super::wire::{Ends, decode, encode};
use crate::NodeId;

const ENDS: Ends = Ends {
    sender: NodeId::from_u64(0xa1a2_a3a4_a5a6_a7a8),
    receiver: NodeId::from_u64(0xb1b2_b3b4_b5b6_b7b8),
};

/// Reads the bytes as a frame. Whether they are one.
///
/// # Panics
/// When a frame that was read is written otherwise.
pub fn frame(bytes: &[u8]) -> bool {
    let Ok(frame) = decode(bytes, ENDS) else {
        return false;
    };
    let mut written = Vec::new();
    encode(&frame, ENDS, &mut written).expect("it was read");
    assert_eq!(written, bytes, "{frame:?}");
    true
}
