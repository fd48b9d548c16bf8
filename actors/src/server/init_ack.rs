//! When has a plain process started?
//!
//! Role       [`StartFn`]: starts one and waits until it says so; [`InitAck`]: how it says so.
//! Invariant  A start that fails leaves no process, and its name is free. The starter is linked with
//!            a process that has started, and with no other; a failed one leaves no exit in the
//!            queue of who traps them, and takes along who does not, as a linked one does.
//! Source     otp: proc_lib:start/5, start_link/5, init_ack/1, init_fail/2

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use foundation_runtime::{
    CallError, IntoReason, Message, Node, Process, ProcessRef, Reason, ReplyTo, SpawnOptions, me,
    promise,
};

use super::method::BoxFuture;
use super::start::START_TIMEOUT;
use super::stop::{StartError, Stop};

/// The right of a process to say that it has started, used by the process itself.
///
/// A process that ends without having said so has failed to start, and the starter gets its reason;
/// one that goes on is killed when the starter's time is over.
#[must_use = "the starter waits until it is told"]
pub struct InitAck<T>(PhantomData<fn(T)>);

/// The starter's answer. The process keeps it, so that it outlives the code: one that ends tells its
/// reason, after its links were told and its name is free.
struct Kept<T> {
    reply: Option<ReplyTo<Result<T, Stop>>>,
    failed: Option<Stop>,
}

/// Where the process keeps it.
const KEPT: &str = "foundation: init_ack";

impl<T: Send + 'static> InitAck<T> {
    /// The process has started; the starter gets `value`.
    ///
    /// # Panics
    /// In another process than the one that was given it.
    pub fn ok(self, value: T) {
        if let Some(reply) = Self::kept().reply.take() {
            reply.send(Ok(value));
        }
    }

    /// The process does not start, for this reason, or because there is nothing to run:
    /// [`Stop::Ignore`]. It is to return now: the starter is told when it has ended.
    ///
    /// # Panics
    /// In another process than the one that was given it.
    pub fn fail(self, why: impl Into<Stop>) {
        let mut kept = Self::kept();
        kept.failed = Some(why.into());
        if let Some(me) = me() {
            me.put(KEPT, kept);
        }
    }

    fn kept() -> Kept<T> {
        let kept = me().and_then(|me| me.erase::<Kept<T>>(KEPT));
        kept.expect("a process says itself that it has started")
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if let (Some(reply), Some(why)) = (self.reply.take(), self.failed.take()) {
            reply.send(Err(why));
        }
    }
}

impl<T> fmt::Debug for InitAck<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitAck")
    }
}

type Body<M, T> = Box<dyn FnOnce(Process<M>, InitAck<T>) -> BoxFuture<'static, Reason> + Send>;

/// A plain process that is about to start: awaited, it is there when it has said so.
#[must_use = "a start does nothing until it is awaited"]
pub struct StartFn<M, T> {
    node: Node,
    body: Body<M, T>,
    options: SpawnOptions,
    link: bool,
    timeout: Duration,
}

impl<M: Message, T: Send + 'static> StartFn<M, T> {
    pub(crate) fn new<F, Fut>(node: &Node, body: F) -> Self
    where
        F: FnOnce(Process<M>, InitAck<T>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        Self {
            node: node.clone(),
            body: Box::new(move |me, ack| {
                // The function itself runs in the process, too.
                Box::pin(async move { body(me, ack).await.into_reason() })
            }),
            options: SpawnOptions::new().code(std::any::type_name::<F>()),
            link: false,
            timeout: START_TIMEOUT,
        }
    }

    /// Registers it under this name, before it runs.
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.options = self.options.name(name);
        self
    }

    /// Links it with the process that starts it.
    pub fn link(mut self) -> Self {
        self.link = true;
        self.options = self.options.link();
        self
    }

    /// Starts it with these options; a name or link set before stays.
    pub fn options(mut self, more: impl FnOnce(SpawnOptions) -> SpawnOptions) -> Self {
        self.options = more(self.options);
        self
    }

    /// How long it may take until it says that it has started: 30 seconds unless set. Then it is
    /// killed.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.timeout = bound;
        self
    }

    /// For a supervisor: linked, with its options.
    pub(crate) fn child(mut self, options: SpawnOptions, timeout: Duration) -> Self {
        (self.options, self.link, self.timeout) = (options, true, timeout);
        self
    }

    async fn start(self) -> Result<(ProcessRef<M>, T), StartError> {
        let Self {
            node,
            body,
            options,
            link,
            timeout,
        } = self;
        let (reply, started) = promise(&node);
        let kept = Kept {
            reply: Some(reply),
            failed: None,
        };
        let body = move |me: Process<M>| async move {
            me.put(KEPT, kept);
            body(me, InitAck(PhantomData)).await
        };
        let (process, _) = node.spawn_fn_with(&options, body)?;
        let starter = me().filter(|me| link && me.node() == node);
        let pid = process.pid();
        let error = match started.timeout(timeout).await {
            Ok(Ok(value)) => return Ok((process, value)),
            // An exit over the link came before: who does not trap it is not here any more.
            Ok(Err(Stop::Ignore)) => StartError::Ignore,
            Ok(Err(Stop::Reason(reason))) | Err(CallError::Down(reason)) => {
                StartError::Failed(reason)
            }
            Err(error) => {
                // As in OTP, a linked starter is not hit by the kill it sends itself.
                if let Some(me) = starter {
                    me.unlink(pid);
                }
                node.exit(pid, Reason::Kill);
                node.down(pid).await;
                match error {
                    CallError::Timeout => StartError::Timeout,
                    error => StartError::Failed(error.into_reason()),
                }
            }
        };
        if let Some(me) = starter {
            me.unlink_flush(pid);
        }
        Err(error)
    }
}

impl<M: Message, T: Send + 'static> IntoFuture for StartFn<M, T> {
    type Output = Result<(ProcessRef<M>, T), StartError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

impl<M, T> fmt::Debug for StartFn<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartFn")
            .field("options", &self.options)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
