//! What if `#[actor]` is on a function?

use foundation::prelude::*;

#[actor]
pub fn counter() {}

fn main() {}
