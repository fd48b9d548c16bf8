//! What does a small message cost on its way from the sender's node to the receiver's?
//!
//! Sketch: a score of bytes, each written and read once, and one allocation at each end: below
//! 200 ns. `cargo test --release -p foundation-runtime --lib wire::tests::measure -- --ignored`,
//! with `TIMES` in the environment, under a clock or a counter of instructions.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use super::{ENDS, RECEIVER, SENDER, pid};
use crate::envelope::{Codec, Envelope, Payload, Tag};
use crate::port::frame::{Frame, Message, Target};
use crate::port::wire::{decode, encode};

#[derive(Serialize, Deserialize)]
struct Add {
    n: u64,
}

impl Payload for Add {
    const NAME: &'static str = "add";
    const CODEC: Codec<Self> = Codec::portable();
    fn tag() -> Tag {
        Tag::of("tests", "wire", "add")
    }
}

fn written(n: u64, bytes: &mut Vec<u8>) {
    let envelope = Envelope::message(Add { n });
    let message = Message {
        from: Some(pid(SENDER, 300, 1)),
        tag: Add::tag(),
        caller: None,
        payload: &envelope,
    };
    let to = Target::Pid(pid(RECEIVER, 301, 1));
    encode(&Frame::Message { to, message }, ENDS, bytes).expect("it can be written");
}

#[test]
fn a_small_cast_is_small() {
    let mut bytes = Vec::new();
    written(100, &mut bytes);
    assert_eq!(bytes.len(), 23);
}

#[test]
#[ignore = "measures"]
fn round_trips() {
    let times = std::env::var("TIMES").map_or(1000, |times| times.parse().expect("a number"));
    for n in 0..times {
        let mut bytes = Vec::with_capacity(64);
        written(n & 127, &mut bytes);
        let Ok(Frame::Message { message, .. }) = decode(&bytes, ENDS) else {
            panic!("it was written");
        };
        black_box(message.payload.to_vec());
        black_box(message);
    }
}
