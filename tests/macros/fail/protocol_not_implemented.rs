//! What if an actor says that it speaks a protocol, and does not?

use foundation::prelude::*;

#[protocol]
trait Shape {
    #[call]
    fn area(&self) -> f64;
}

struct Square;

#[actor(protocol(Shape))]
impl Square {}

fn main() {}
