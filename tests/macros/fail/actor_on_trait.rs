//! What if `#[actor]` is on a trait?

use foundation::prelude::*;

#[actor]
pub trait Count {
    fn get(&self) -> u64;
}

fn main() {}
