//! What if a result borrows from the state?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn get(&self) -> &u64 {
        &self.0
    }
}

fn main() {}
