//! What if a reference to whoever speaks a protocol could not have all that is in it?

use foundation::prelude::*;

#[protocol]
trait Shape {
    const CORNERS: u32;
    type Unit;

    #[call]
    fn area(&self) -> u32;

    async fn paint(&mut self);

    fn scale<T: Into<u32>>(&mut self, by: T);

    fn unit() -> u32;

    fn default() -> u32
    where
        Self: Sized;
}

fn main() {}
