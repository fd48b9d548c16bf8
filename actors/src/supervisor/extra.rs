//! What do all children of a dynamic supervisor get before what is their own?
//!
//! Role       One value that the supervisor keeps, and that each start, and restart, puts before
//!            the child's own arguments.
//! Source     elixir: DynamicSupervisor, `:extra_arguments`

use std::any::Any;
use std::sync::Arc;

use foundation_runtime::{Me, Reason, me, promise};

use super::child::Recipe;
use crate::server::{Actor, Server, StartError, Started, Starter, await_start};

/// Where the supervisor keeps it.
const KEPT: &str = "foundation: extra arguments";

/// Puts the value where the supervisor's starts find it.
#[derive(Clone)]
pub(super) struct Extra(Arc<dyn Fn(Me) + Send + Sync>);

impl Extra {
    pub(super) fn new<E: Any + Clone + Send + Sync>(value: E) -> Self {
        Self(Arc::new(move |me| drop(me.put(KEPT, value.clone()))))
    }

    pub(super) fn keep(&self, me: Me) {
        (self.0)(me);
    }
}

impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Extra")
    }
}

/// The recipe of an actor whose init gets what its supervisor keeps, and then `own`.
pub(super) fn recipe<A, E, O>(own: O) -> Recipe
where
    A: Actor<Args = (E, O)>,
    E: Any + Clone + Send,
    O: Clone + Send + Sync + 'static,
{
    Recipe::new(move |node, options, timeout| {
        let own = own.clone();
        Box::pin(async move {
            let Some(extra) = me().and_then(|me| me.get::<E>(KEPT)) else {
                let why = "the supervisor has no extra arguments of this type";
                return Err(StartError::Failed(Reason::other(why)));
            };
            let (reply, started) = promise::<Started>(&node);
            let body = Server::<A>::new((extra, own), Some(Starter::new(Some(reply))));
            let pid = node.spawn_behaviour(&options, body)?;
            await_start(&node, pid, started, true, timeout).await?;
            Ok(pid)
        })
    })
}
