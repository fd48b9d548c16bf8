//! Can every kind of handler show what it was asked?
#![deny(unused, warnings)]

use std::fmt::Debug;

use foundation::prelude::*;

#[derive(Debug)]
struct Cache<T> {
    items: Vec<T>,
}

/// Has no `Debug`.
struct Plain;

#[actor(debug(args), version = 2)]
impl<T: Clone + Debug + Send + 'static> Cache<T> {
    #[init]
    async fn init(items: Vec<T>) -> Self {
        Self { items }
    }

    #[call(local)]
    fn push(&mut self, item: T, _plain: Plain) -> usize {
        self.items.push(item);
        self.items.len()
    }

    #[call(local)]
    async fn all(&mut self, but: usize) -> Vec<T> {
        self.items[but..].to_vec()
    }

    #[call]
    fn count(&self, from: ReplyTo<usize>, but: Secret<usize>, cx: &mut Cx<Self>) {
        let count = self.items.len() - but.reveal();
        assert!(cx.self_ref().is_alive());
        from.send(count);
    }

    #[cast(local)]
    async fn forget(&mut self, (from, to): (usize, usize)) {
        self.items.drain(from..to);
    }

    #[continue_with]
    fn later(&mut self, r#type: u8) {
        assert_eq!(r#type, 0);
    }

    #[terminate]
    async fn bye(&mut self, why: &Reason) {
        assert_eq!(*why, Reason::Normal);
    }
}

#[foundation::main]
async fn main(node: Node) -> foundation::Result {
    let cache = node.start::<Cache<u8>>(vec![1, 2]).await?;
    assert_eq!(cache.push(3, Plain).await?, 3);
    assert_eq!(cache.all(1).await?, [2, 3]);
    assert_eq!(cache.count(Secret::new(1)).await?, 2);
    cache.forget((0, 2))?;
    assert_eq!(cache.all(0).await?, [3]);
    node.stop(&cache, Reason::Normal, secs(5)).await?;
    Ok(())
}
