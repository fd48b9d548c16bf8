//! What if `main` wants more than the node?

use foundation::prelude::*;

#[foundation::main]
async fn main(node: Node, args: Vec<String>) {
    drop((node, args));
}
