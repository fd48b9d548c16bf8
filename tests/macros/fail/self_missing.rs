//! What if a handler has no `self`?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn get() -> u64 {
        1
    }
}

fn main() {}
