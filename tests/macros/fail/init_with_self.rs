//! What if `#[init]` has a `self`?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[init]
    fn init(&mut self) -> Self {
        Self(0)
    }
}

fn main() {}
