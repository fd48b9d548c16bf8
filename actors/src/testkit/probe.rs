//! What has been sent to this process?
//!
//! Role       [`Probe`]: a process that keeps all that reaches it, for the test to look at.
//! Outputs    An address for messages of one type, or of any; its links and monitors.
//! Limit      It keeps everything until it is taken: as much as the test sends.
//! Invariant  A probe ends when it is dropped, or with its node.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use foundation_runtime::{
    Codec, Mail, Me, Message, MonitorRef, Node, Pid, Process, ProcessRef, Reason, ReplyTo,
    SpawnError, SpawnOptions, Tag, promise,
};

use super::inbox::{Letters, Mails};
use crate::server::{Addressed, NodeExt, Ref};

/// Does something in the probe's name, and answers.
type Job = Box<dyn FnOnce(Me) + Send>;

/// What only its own test tells a probe.
pub(super) struct Order(Job);

impl Message for Order {
    const NAME: &'static str = "Probe::order";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Probe", "order")
    }
}

/// The message type of a probe that is sent messages of any type: there is none of this one.
#[derive(Debug)]
pub enum Anything {}

impl Message for Anything {
    const NAME: &'static str = "Anything";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Probe", "anything")
    }
}

/// What a probe has got and nobody has taken.
pub(super) struct Kept<M> {
    state: Mutex<State<M>>,
}

pub(super) struct State<M> {
    pub(super) mails: VecDeque<Mail<M>>,
    pub(super) wakers: Vec<Waker>,
}

impl<M> Kept<M> {
    pub(super) fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, mail: Mail<M>) {
        let wakers = {
            let mut state = self.state();
            state.mails.push_back(mail);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A process for a test to listen at. It is an address of its message type, traps exits, and keeps
/// whatever reaches it until a macro such as [`assert_receive!`](crate::assert_receive) takes it.
///
/// ```
/// use foundation_actors::testkit::{Anything, Probe, assert_receive};
/// # use foundation_runtime::{Message, Codec, Tag};
/// # #[derive(Debug)] struct Word(u32);
/// # impl Message for Word {
/// #     const NAME: &'static str = "Word";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
/// # }
/// # let node = foundation_runtime::Node::builder().start()?;
/// # node.block_on(async {
/// let probe = Probe::<Word>::start(&node)?;
/// probe.send(Word(7))?; // as the code under test would, which has the address
/// assert_receive!(probe, Word(n) if n > 5);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Probe<M> {
    node: Node,
    address: ProcessRef<M>,
    kept: Arc<Kept<M>>,
}

impl Probe<Anything> {
    /// A probe for messages of any type: see [`Probe::letters`] and [`Probe::mail`].
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or it is shutting down.
    pub fn any(node: &Node) -> Result<Self, SpawnError> {
        Self::start(node)
    }
}

impl<M: Message> Probe<M> {
    /// A probe on this node.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or it is shutting down.
    pub fn start(node: &Node) -> Result<Self, SpawnError> {
        Self::start_with(node, SpawnOptions::new())
    }

    /// A probe with options, such as a name. It traps exits in any case.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, it is shutting down, or the name is taken.
    pub fn start_with(node: &Node, options: SpawnOptions) -> Result<Self, SpawnError> {
        let kept = Arc::new(Kept {
            state: Mutex::new(State {
                mails: VecDeque::new(),
                wakers: Vec::new(),
            }),
        });
        let keeper = Arc::clone(&kept);
        let options = options.trap_exit().code("Probe");
        let (address, _) = node.spawn_fn_with(&options, move |me| keep(me, keeper))?;
        Ok(Self {
            node: node.clone(),
            address,
            kept,
        })
    }

    /// The address that code under test is given.
    #[must_use]
    pub fn address(&self) -> ProcessRef<M> {
        self.address.clone()
    }

    /// The probe as if it were an `A`: what is cast and called arrives as mail by its name, and a
    /// call is answered when its mail is dropped, with [`CallError::NoReply`](foundation_runtime::CallError).
    #[must_use]
    pub fn reference<A: Addressed + ?Sized>(&self) -> Ref<A> {
        self.node.reference(self.address.pid())
    }

    /// All that reaches the probe, as [`Mail`]: exits, downs and messages of other types too.
    #[must_use]
    pub fn mail(&self) -> Mails<'_, M> {
        Mails(self)
    }

    /// Messages of another type `T` that reach the probe.
    #[must_use]
    pub fn letters<T: Message>(&self) -> Letters<'_, M, T> {
        Letters::of(self)
    }

    /// Watches a process from the probe: its end arrives as [`Mail::Down`].
    pub async fn monitor(&self, target: impl Into<Pid>) -> MonitorRef {
        let target = target.into();
        self.perform(move |me| me.monitor(target)).await
    }

    /// Links the probe with a process: its end arrives as [`Mail::Exit`].
    pub async fn link(&self, target: impl Into<Pid>) {
        let target = target.into();
        // A probe traps exits: whom it cannot link with arrives as an exit, too.
        self.perform(move |me| me.link(target).is_ok()).await;
    }

    /// Sends an exit signal in the probe's name.
    pub async fn exit(&self, target: impl Into<Pid>, reason: Reason) {
        let target = target.into();
        self.perform(move |me| me.exit(target, reason)).await;
    }

    /// Returns when all that lay in the probe's inbox before is kept.
    pub async fn flush(&self) {
        self.perform(|_| ()).await;
    }

    /// Does something in the probe's name.
    ///
    /// # Panics
    /// When the probe has ended.
    pub async fn perform<R: Send + 'static>(
        &self,
        job: impl FnOnce(Me) -> R + Send + 'static,
    ) -> R {
        let (reply, answer): (ReplyTo<R>, _) = promise(&self.node);
        let order = Order(Box::new(move |me| reply.send(job(me))));
        let sent = self.node.send(&self.address, order);
        assert!(sent.is_ok(), "a probe is reached from its own node");
        match answer.await {
            Ok(value) => value,
            Err(error) => panic!("the probe does not answer: {error}"),
        }
    }

    pub(super) fn kept(&self) -> &Kept<M> {
        &self.kept
    }

    pub(super) fn home(&self) -> &Node {
        &self.node
    }
}

/// The probe's process.
async fn keep<M: Message>(mut me: Process<M>, kept: Arc<Kept<M>>) {
    loop {
        match me.recv().await {
            Mail::Info(info) => match info.take::<Order>() {
                Ok(Order(job)) => job(*me),
                Err(info) => kept.put(Mail::Info(info)),
            },
            Mail::Exit(exit) if exit.reason == Reason::Shutdown && me.is_supervisor(exit.from) => {
                return;
            }
            mail => kept.put(mail),
        }
    }
}

impl<M> Deref for Probe<M> {
    type Target = ProcessRef<M>;

    fn deref(&self) -> &ProcessRef<M> {
        &self.address
    }
}

impl<M> From<&Probe<M>> for Pid {
    fn from(probe: &Probe<M>) -> Self {
        probe.address.pid()
    }
}

impl<M> Drop for Probe<M> {
    fn drop(&mut self) {
        self.node.exit(self.address.pid(), Reason::Kill);
    }
}

impl<M> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Probe({})", self.address.pid())
    }
}
