//! What if a test is marked as one twice?

use foundation::prelude::*;

#[foundation::test]
#[test]
async fn counts(w: World) {
    drop(w);
}

fn main() {}
