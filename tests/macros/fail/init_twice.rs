//! What if there are two `#[init]`s?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[init]
    fn init() -> Self {
        Self(0)
    }
    #[init]
    fn init_at(start: u64) -> Self {
        Self(start)
    }
}

fn main() {}
