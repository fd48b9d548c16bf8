//! What if a cast wants to answer?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, by: u64, from: ReplyTo<u64>) {
        from.send(by);
    }
}

fn main() {}
