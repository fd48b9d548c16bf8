//! What if `main` is not async?

use foundation::prelude::*;

#[foundation::main]
fn main(node: Node) {
    drop(node);
}
