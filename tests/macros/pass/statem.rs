//! Does a state machine compile in all its shapes: states in a module of their own, both styles,
//! async handlers, conditional events, private states?

use foundation::prelude::*;

mod states {
    use foundation::prelude::*;

    /// Where a job is.
    #[states]
    #[derive(Clone, Debug, Default, PartialEq)]
    pub(super) enum Job {
        /// Nothing to do.
        #[default]
        #[to(Runs)]
        Waits,
        #[to(Waits, Failed)]
        Runs(u32, String),
        #[to()]
        Failed { why: String },
    }
}

#[derive(Clone, Debug)]
pub struct Worker {
    pub done: u32,
}

#[statem(
    states::Job,
    debug(args),
    postponed_max = 1 << 4,
    version = 2,
    mailbox(capacity = 100, when_full = reject)
)]
impl Worker {
    /// Begins.
    #[cast(in Waits, postpone in Runs, ignore in Failed)]
    pub fn begin(&mut self, what: String, cx: &mut In<Self, states::Waits>) {
        cx.goto(states::Runs(1, what));
    }

    #[call(in Runs)]
    async fn finish(
        &mut self,
        runs: &mut states::Runs,
        cx: &mut In<Self, states::Runs>,
    ) -> Result<u32, String> {
        foundation::time::yield_now().await;
        if runs.1.is_empty() {
            cx.goto(states::Failed { why: "empty".to_owned() });
            return Err("empty".to_owned());
        }
        self.done += runs.0;
        cx.goto(states::Waits);
        Ok(self.done)
    }

    #[on(finish, in Waits | Failed)]
    fn finish_nothing(&mut self, job: &states::Job, from: ReplyTo<Result<u32, String>>) {
        from.send(Err(format!("{job:?}")));
    }

    /// A method called like a variable of ours.
    #[call]
    fn state(&self, #[cx] _context: &mut In<Self>) -> u32 {
        self.done
    }

    #[call]
    fn reply(&self) {}

    #[cfg(any())]
    #[cast]
    fn never(&mut self, what: Unknown) {}


    #[internal]
    fn tick(&mut self);

    #[enter(Failed)]
    async fn failed(
        &mut self,
        before: Option<&states::Job>,
        failed: &states::Failed,
        cx: &mut In<Self, foundation::statem::Enter<states::Failed>>,
    ) {
        assert!(before.is_some_and(|before| matches!(before, states::Job::Runs(_))));
        assert_eq!(failed.why, "empty");
        cx.timeout("tick", ms(0), WorkerMsg::Tick);
    }

    #[handle_event]
    async fn handle_event(&mut self, event: WorkerMsg, _job: &states::Job, cx: &mut In<Self>) {
        foundation::time::yield_now().await;
        assert_eq!(format!("{event:?}"), "WorkerMsg(Worker::tick)");
        cx.stop(Reason::Normal);
    }

    #[terminate]
    async fn bye(&mut self, why: &Reason, job: &states::Job) {
        assert_eq!(*why, Reason::Normal);
        assert!(matches!(job, states::Job::Failed(_)));
    }
}

#[foundation::main]
async fn main(node: Node) -> foundation::Result {
    let worker = node.spawn(Worker { done: 0 })?;
    assert_eq!(worker.finish().await?, Err("Waits".to_owned()));
    worker.begin("one".to_owned())?;
    worker.begin(String::new())?;
    assert_eq!(worker.finish().await?, Ok(1));
    assert_eq!(worker.state().await?, 1);
    worker.reply().await?;
    assert_eq!(worker.finish().await?, Err("empty".to_owned()));
    let end = node.down(&worker).await.reason;
    assert!(matches!(end, Reason::Normal | Reason::NoProc), "{end}");
    Ok(())
}
