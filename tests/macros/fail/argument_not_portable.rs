//! What if an argument cannot travel?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn keep(&mut self, by: u64, file: Option<std::fs::File>) {
        let _ = (by, file);
    }
}

fn main() {}
