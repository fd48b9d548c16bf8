//! What if `#[init]` returns nothing?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[init]
    fn init(start: u64) {
        let _ = start;
    }
}

fn main() {}
