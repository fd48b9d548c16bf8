//! What if an actor implements a protocol's trait, and does not say so?

use foundation::prelude::*;

#[protocol]
trait Shape {
    #[call]
    fn area(&self) -> f64;
}

struct Square;

impl Shape for Square {
    fn area(&self) -> f64 {
        1.0
    }
}

#[actor]
impl Square {}

fn shape(square: Ref<Square>) -> Ref<dyn Shape> {
    square.protocol()
}

fn main() {}
