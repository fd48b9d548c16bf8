//! What if a generic argument may be something that cannot travel?

use foundation::prelude::*;

pub struct Cell<T>(T);

#[actor]
impl<T: Send + 'static> Cell<T> {
    #[cast]
    fn set(&mut self, value: T) {
        self.0 = value;
    }
}

fn main() {}
