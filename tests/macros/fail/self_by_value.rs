//! What if a handler takes the state away?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn finish(self) -> u64 {
        self.0
    }
    #[call]
    fn boxed(self: Box<Self>) -> u64 {
        self.0
    }
}

fn main() {}
