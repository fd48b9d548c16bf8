//! What if an event handler asks for the wrong event?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[down]
    fn gone(&mut self, down: Exit) {
        drop(down);
    }
}

fn main() {}
