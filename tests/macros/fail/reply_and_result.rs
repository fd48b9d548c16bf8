//! What if a handler answers twice?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn get(&self, from: ReplyTo<u64>) -> u64 {
        from.send(self.0);
        self.0
    }
}

fn main() {}
