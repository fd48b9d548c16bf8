//! What if a message is a union?

use foundation::prelude::*;

#[derive(Message)]
pub union Number {
    whole: u32,
    real: f32,
}

fn main() {}
