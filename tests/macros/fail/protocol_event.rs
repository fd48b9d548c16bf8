//! What if a protocol has what belongs to the actor alone?

use foundation::prelude::*;

#[protocol]
trait Shape {
    #[down]
    fn gone(&mut self, down: Down);
    #[call]
    fn area(&self) -> f64;
}

fn main() {}
