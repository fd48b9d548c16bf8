//! Do generic actors compile: parameters, constants, `where` clauses, associated types?
#![deny(unused, warnings)]

use std::collections::HashMap;
use std::hash::Hash;

use foundation::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub trait Store: Send + Sync + 'static {
    type Key: Send + Sync + 'static + Eq + Hash;
}

#[derive(Default)]
pub struct Cache<K, V, const N: usize = 4>
where
    K: Eq + Hash,
{
    rows: HashMap<K, V>,
}

#[actor]
impl<K: Eq + Hash, V, const N: usize> Cache<K, V, N>
where
    K: Send + Sync + Serialize + DeserializeOwned + 'static,
    V: Send + Sync + Clone + Serialize + DeserializeOwned + 'static,
{
    /// What is there.
    #[call]
    pub fn look_up(&self, key: K) -> Option<V> {
        self.rows.get(&key).cloned()
    }

    #[cast]
    pub async fn put(&mut self, key: K, value: V) {
        self.rows.insert(key, value);
    }

    #[call(tag = "cache.len")]
    pub fn len(&self, cx: &mut Cx<Self>, from: ReplyTo<usize>) {
        let _ = cx;
        from.send(N + self.rows.len());
    }
}

pub struct Index<S: Store>(Vec<S::Key>);

#[actor]
impl<S: Store> Index<S> {
    #[init]
    fn init(keys: Vec<S::Key>) -> Self {
        Self(keys)
    }
    #[cast(local)]
    fn add(&mut self, key: S::Key) {
        self.0.push(key);
    }
    #[call]
    fn count(&self) -> usize {
        self.0.len()
    }
}

async fn user(cache: Ref<Cache<u8, String, 9>>) -> foundation::Result {
    cache.put(1, String::new())?;
    let _: Option<String> = cache.look_up(1).await?;
    let _: usize = cache.len().await?;
    Ok(())
}

pub async fn over<S: Store>(index: Ref<Index<S>>, key: S::Key) -> foundation::Result<usize> {
    index.add(key)?;
    Ok(index.count().await?)
}

fn main() {
    let _ = user;
}
