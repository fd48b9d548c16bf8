//! What if `#[protocol]` is on an implementation?

use foundation::prelude::*;

trait Shape {
    fn area(&self) -> f64;
}

struct Square;

#[protocol]
impl Shape for Square {
    fn area(&self) -> f64 {
        1.0
    }
}

fn main() {}
