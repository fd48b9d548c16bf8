//! Are all mistakes said at once, and do the other methods still work?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn get(&self) -> u64 {
        self.0
    }
    #[cast]
    fn rename(&mut self, name: &str) -> u64 {
        name.len() as u64
    }
    #[call]
    fn node(self) -> u64 {
        self.0
    }
}

pub fn user(counter: Ref<Counter>) {
    drop(counter.get());
}

fn main() {}
