//! What if a word is unknown, or says too little?

use foundation::prelude::*;

#[protocol(version = 2)]
trait Shape {
    #[call]
    fn area(&self) -> f64;
}

struct Square;

#[actor(protocol)]
impl Square {}

fn main() {}
