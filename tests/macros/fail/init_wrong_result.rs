//! What if `#[init]` returns something else?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[init]
    fn init(start: u64) -> Option<Self> {
        Some(Self(start))
    }
}

fn main() {}
