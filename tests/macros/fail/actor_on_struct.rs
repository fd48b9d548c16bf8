//! What if `#[actor]` is on the type?

use foundation::prelude::*;

#[actor]
pub struct Counter(u64);

fn main() {}
