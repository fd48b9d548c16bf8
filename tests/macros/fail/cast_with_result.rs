//! What if a cast returns something?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, by: u64) -> u64 {
        self.0 += by;
        self.0
    }
    #[info]
    fn other(&mut self, info: Info) -> Result<(), Stop> {
        drop(info);
        Ok(())
    }
}

fn main() {}
