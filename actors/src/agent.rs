//! A state that others read and change by functions.
//!
//! Role       [`Agent`]: an actor whose methods come with the callers.
//! Limit      Functions are local: an agent on another node refuses them at the sender.
//! Invariant  One function at a time, in the order in which they arrive. One that panics ends the
//!            agent: nobody sees a state that was changed by half.
//! Source     elixir: Agent

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use foundation_runtime::{Call, Codec, Node, ProcessKind, Reason, ReplyTo, SendError, Tag};

use crate::server::{
    Actor, Address, Addressed, Cast, Client, Cx, Handled, Init, Method, NodeExt, Request, Start,
    StopError,
};
use crate::supervisor::machine::ChildKind;
use crate::supervisor::{Child, actor_recipe};

/// A state of type `T` in a process of its own: what names and references of one are of.
///
/// ```
/// use foundation_actors::Agent;
/// # let node = foundation_runtime::Node::builder().start()?;
/// # node.block_on(async {
/// let scores = Agent::start(&node, Vec::<u32>::new).await?;
/// scores.update(|scores| scores.push(7)).await?;
/// scores.cast(|scores| scores.push(8))?;
/// assert_eq!(scores.get(|scores| scores.len()).await?, 2);
/// assert_eq!(scores.get_and_update(|scores| scores.pop()).await?, Some(8));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Agent<T> {
    state: T,
}

/// What an agent is started from: the function that makes its state, inside its process.
pub struct AgentArgs<T>(Box<dyn FnOnce() -> T + Send>);

impl<T: Send + 'static> Agent<T> {
    /// An agent that is about to start, from what `init` makes inside its process. Linked, named and
    /// bounded as any start: see [`Start`].
    pub fn start(node: &Node, init: impl FnOnce() -> T + Send + 'static) -> Start<Self> {
        NodeExt::start(node, AgentArgs(Box::new(init)))
    }

    /// An agent as a child of a supervisor, made anew by `init` at each start.
    ///
    /// ```
    /// use foundation_actors::{Agent, Name, NodeExt, Supervisor};
    /// const HITS: Name<Agent<u64>> = Name::new("hits");
    /// # let node = foundation_runtime::Node::builder().start()?;
    /// # node.block_on(async {
    /// let hits = Agent::child(|| 0_u64).name(HITS);
    /// let tree = Supervisor::one_for_one().child(hits).start(&node).await?;
    /// node.at(HITS).update(|hits| *hits += 1).await?;
    /// # drop(tree);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn child(init: impl Fn() -> T + Send + Sync + 'static) -> Child<Self> {
        let init = std::sync::Arc::new(init);
        let args = move || {
            let init = std::sync::Arc::clone(&init);
            AgentArgs(Box::new(move || init()))
        };
        Child::new(Self::NAME, actor_recipe::<Self>(args), ChildKind::Worker)
    }
}

impl<T> fmt::Debug for Agent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agent")
    }
}

impl<T> fmt::Debug for AgentArgs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentArgs")
    }
}

impl<T: Send + 'static> Addressed for Agent<T> {
    type Client = AgentClient<T>;
}

impl<T: Send + 'static> Actor for Agent<T> {
    type Msg = std::convert::Infallible;
    type Args = AgentArgs<T>;
    type Beside = ();
    const NAME: &'static str = "Agent";
    const KIND: ProcessKind = ProcessKind::Agent;

    fn init<'a>(args: AgentArgs<T>, _: &'a mut Cx<Self>) -> Init<'a, Self> {
        Init::Ready(Ok(Self { state: (args.0)() }))
    }

    fn methods() -> &'static [Method<Self>] {
        &[]
    }

    fn handle_msg<'a>(&'a mut self, msg: Self::Msg, _: &'a mut Cx<Self>) -> Handled<'a> {
        match msg {}
    }
}

/// What an agent is asked by: the verb is for reports.
struct Ask<T, R, const VERB: usize>(Box<dyn FnOnce(&mut T) -> R + Send>);

const VERBS: [&str; 3] = ["Agent::get", "Agent::update", "Agent::get_and_update"];
const GET: usize = 0;
const UPDATE: usize = 1;
const GET_AND_UPDATE: usize = 2;

impl<T, R, const VERB: usize> Request<Agent<T>> for Ask<T, R, VERB>
where
    T: Send + 'static,
    R: Send + 'static,
{
    type Reply = R;
    const METHOD: &'static str = VERBS[VERB];
    const ARGS: &'static [&'static str] = &["function"];
    const CODEC: Codec<Self> = Codec::local();
    const REPLY_CODEC: Codec<R> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Agent", VERBS[VERB])
    }

    fn handle<'a>(
        self,
        agent: &'a mut Agent<T>,
        _: &'a mut Cx<Agent<T>>,
        reply: ReplyTo<R>,
    ) -> Handled<'a> {
        reply.send((self.0)(&mut agent.state));
        Handled::Done
    }
}

/// What an agent is told.
struct Tell<T>(Box<dyn FnOnce(&mut T) + Send>);

impl<T: Send + 'static> Cast<Agent<T>> for Tell<T> {
    const METHOD: &'static str = "Agent::cast";
    const ARGS: &'static [&'static str] = &["function"];
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Agent", "cast")
    }

    fn handle<'a>(self, agent: &'a mut Agent<T>, _: &'a mut Cx<Agent<T>>) -> Handled<'a> {
        (self.0)(&mut agent.state);
        Handled::Done
    }
}

/// The verbs of an agent. What is asked is a [`Call`]: it waits 5 seconds unless `.timeout(..)` says
/// otherwise.
///
/// A function runs in the agent's process and must not wait: while it runs nobody else is served.
/// One that panics ends the agent, and its caller gets `Down` with the panic. On another node an
/// agent is refused any function at the sender, with `NotPortable`.
pub struct AgentClient<T> {
    address: Address<Agent<T>>,
    _state: PhantomData<fn() -> T>,
}

impl<T> Clone for AgentClient<T> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            _state: PhantomData,
        }
    }
}

impl<T> fmt::Debug for AgentClient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentClient({:?})", self.address)
    }
}

impl<T: Send + 'static> Client for AgentClient<T> {
    type Actor = Agent<T>;

    fn from_address(address: Address<Agent<T>>) -> Self {
        Self {
            address,
            _state: PhantomData,
        }
    }

    fn address(&self) -> &Address<Agent<T>> {
        &self.address
    }
}

impl<T: Send + 'static> AgentClient<T> {
    /// What the function makes of the state, which it cannot change.
    pub fn get<R: Send + 'static>(&self, of: impl FnOnce(&T) -> R + Send + 'static) -> Call<R> {
        let ask = Ask::<T, R, GET>(Box::new(move |state| of(state)));
        self.address.call(ask)
    }

    /// Changes the state, and waits until it is changed.
    pub fn update(&self, change: impl FnOnce(&mut T) + Send + 'static) -> Call<()> {
        self.address.call(Ask::<T, (), UPDATE>(Box::new(change)))
    }

    /// Changes the state, and gives what the function returns: nothing comes between.
    pub fn get_and_update<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Call<R> {
        let ask = Ask::<T, R, GET_AND_UPDATE>(Box::new(change));
        self.address.call(ask)
    }

    /// Changes the state, without waiting.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] when the agent is on another node. An agent that has ended, or a
    /// name that nobody has, is no error: the function is a dead letter.
    pub fn cast(&self, change: impl FnOnce(&mut T) + Send + 'static) -> Result<(), SendError> {
        self.address.cast(Tell(Box::new(change)))
    }

    /// Ends the agent, after what was asked before, and returns when it has ended. With another
    /// reason than `normal`: `node.stop(&agent, reason, bound)`.
    ///
    /// # Errors
    /// [`StopError`]: it was not there, ended otherwise, or not within `bound`.
    pub async fn stop(&self, bound: Duration) -> Result<(), StopError> {
        let target = self.address.destination().into_owned();
        crate::server::stop(self.address.node().clone(), target, Reason::Normal, bound).await
    }
}
