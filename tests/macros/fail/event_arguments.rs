//! What if an event handler wants more than there is?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[exit]
    fn ended(&mut self, exit: Exit, count: u64) {
        let _ = (exit, count);
    }
    #[timeout]
    fn idle(&mut self, info: Info) {
        drop(info);
    }
}

fn main() {}
