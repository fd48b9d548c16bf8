//! What if an attribute has the name it has elsewhere?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[handle_call]
    fn get(&self) -> u64 {
        self.0
    }
}

fn main() {}
