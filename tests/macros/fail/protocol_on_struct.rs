//! What if `#[protocol]` is on a type?

use foundation::prelude::*;

#[protocol]
struct Shape;

fn main() {}
