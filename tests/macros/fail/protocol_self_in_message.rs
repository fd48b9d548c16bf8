//! What if messages would differ from actor to actor?

use foundation::prelude::*;

#[protocol]
trait Shape {
    #[cast]
    fn join(&mut self, other: Self);
    #[call]
    fn copy_of(&self) -> Option<Self>;
    #[call]
    fn area(&self) -> f64;
}

fn main() {}
