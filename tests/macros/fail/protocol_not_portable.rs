//! What if a protocol's argument cannot travel?

use foundation::prelude::*;

struct Paint;

#[protocol]
trait Shape {
    #[cast]
    fn fill(&mut self, paint: Paint);
}

fn main() {}
