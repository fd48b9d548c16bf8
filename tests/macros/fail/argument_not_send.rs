//! What if an argument cannot change threads?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast(local)]
    fn keep(&mut self, by: std::rc::Rc<u64>) {
        drop(by);
    }
    #[call(local)]
    fn get(&self) -> std::rc::Rc<u64> {
        std::rc::Rc::new(1)
    }
}

fn main() {}
