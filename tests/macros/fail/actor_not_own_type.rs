//! What if the actor is no type with a name?

use foundation::prelude::*;

#[actor]
impl [u8] {
    #[call]
    fn count(&self) -> usize {
        self.len()
    }
}

fn main() {}
