//! What if `#[foundation::main]` is given words?

use foundation::prelude::*;

#[foundation::main(workers = 4)]
async fn main(node: Node) {
    drop(node);
}
