//! What if an attribute has a word that nobody knows?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call(locl)]
    fn get(&self) -> u64 {
        self.0
    }
    #[cast(tag = 5)]
    fn add(&mut self) {}
    #[init(local)]
    fn init() -> Self {
        Self(0)
    }
    #[call = "get"]
    fn value(&self) -> u64 {
        self.0
    }
}

fn main() {}
