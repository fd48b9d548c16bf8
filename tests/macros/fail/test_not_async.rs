//! What if a test is not async?

use foundation::prelude::*;

#[foundation::test]
fn counts(w: World) {
    drop(w);
}

fn main() {}
