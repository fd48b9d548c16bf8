//! What if a handler has the name of a method of `Ref`?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn name(&self) -> String {
        String::new()
    }
    #[cast]
    fn clone(&mut self, times: u64) {
        self.0 *= times;
    }
    #[call]
    fn is_alive(&self) -> bool {
        true
    }
}

fn main() {}
