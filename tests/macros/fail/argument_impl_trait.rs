//! What if an argument is `impl Trait`?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, by: impl Into<u64>) {
        self.0 += by.into();
    }
}

fn main() {}
