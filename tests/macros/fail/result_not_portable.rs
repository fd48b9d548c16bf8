//! What if a result cannot travel?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn file(&self) -> Result<std::fs::File, String> {
        Err(String::new())
    }
}

fn main() {}
