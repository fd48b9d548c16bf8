//! What if `#[actor]` or `#[state]` has a word that nobody knows?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor(name = "counter")]
#[state(versoin = 2)]
impl Counter {
    #[call]
    fn get(&self) -> u64 {
        self.0
    }
}

fn main() {}
