//! What if a handler is generic?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn add<N: Into<u64>>(&mut self, by: N) {
        self.0 += by.into();
    }
}

fn main() {}
