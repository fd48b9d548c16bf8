//! What if two methods handle the same event?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[down]
    fn gone(&mut self, down: Down) {
        drop(down);
    }
    #[down]
    fn also_gone(&mut self) {}
}

fn main() {}
