//! What if the state cannot change threads?

use foundation::prelude::*;

pub struct Counter(std::rc::Rc<u64>);

#[actor]
impl Counter {
    #[call]
    fn get(&self) -> u64 {
        *self.0
    }
}

fn main() {}
