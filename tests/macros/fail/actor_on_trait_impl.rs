//! What if `#[actor]` is on the implementation of a trait?

use foundation::prelude::*;

pub struct Counter(u64);

pub trait Count {
    fn get(&self) -> u64;
}

#[actor]
impl Count for Counter {
    #[call]
    fn get(&self) -> u64 {
        self.0
    }
}

fn main() {}
