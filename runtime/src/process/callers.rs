//! Who asked for what a process does?
//!
//! Role       What Elixir keeps as `$callers`: who started a task, who asked for the work of that
//!            process, and so on, where ancestors say only under which supervisor it runs.
//! Limit      `CALLERS_MAX` of them, the nearest.
//! Source     elixir: Task, "Ancestor and Caller Tracking"

use crate::{Me, Pid};

/// Where they stand in the process dictionary.
const CALLERS: &str = "foundation: callers";
/// How many are kept.
const CALLERS_MAX: usize = 8;

impl Me {
    /// Who asked for what this process does, the nearest first: of a task who started it, who asked
    /// for the work of that one, and so on, at most eight. None for a process that works for itself,
    /// and for what code outside any process asked for.
    #[must_use]
    pub fn callers(self) -> Vec<Pid> {
        self.get(CALLERS).unwrap_or_default()
    }

    /// What are to be the callers of a process that works for this one: this one, and its own.
    #[must_use]
    pub fn callers_and_self(self) -> Vec<Pid> {
        let mut callers = self.callers();
        callers.truncate(CALLERS_MAX - 1);
        callers.insert(0, self.pid());
        callers
    }

    /// Says for whom this process works: for code that starts processes on behalf of others, as tasks
    /// are. It stands in crash reports.
    ///
    /// ```
    /// # use foundation_runtime::{Codec, Message, Node, Process, Tag};
    /// # enum Never {}
    /// # impl Message for Never {
    /// #     const NAME: &'static str = "Never";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Never", "") }
    /// # }
    /// # let node = Node::builder().start().unwrap();
    /// let owner = node.spawn_fn(|me: Process<Never>| async move {
    ///     let callers = me.callers_and_self();
    ///     let helper = me.node().spawn_fn(|me: Process<Never>| async move {
    ///         me.set_callers(callers);
    ///         assert_eq!(me.callers().len(), 1);
    ///     });
    ///     me.node().down(&helper.unwrap()).await;
    /// });
    /// # node.block_on(node.down(&owner.unwrap()));
    /// ```
    pub fn set_callers(self, mut callers: Vec<Pid>) {
        callers.truncate(CALLERS_MAX);
        self.put(CALLERS, callers);
    }
}
