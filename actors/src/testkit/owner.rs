//! Who ends what a test has started?
//!
//! Role       [`Test`]: a supervisor of the test's own, whose children end in reverse order with the
//!            test; then nothing that the test started may be left.
//! Invariant  What [`Test::start_supervised`] started has ended when [`Test::finish`] returns.
//! Source     elixir: ExUnit.Callbacks, `start_supervised/2`, `stop_supervised/1`

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation_runtime::{
    CallError, CrashReports, IntoReason, Message, Node, Pid, Process, Reason, Survey, TestInput,
    World,
};

use crate::server::{Actor, Addressed, NodeExt, Ref, StartError, StopError};
use crate::supervisor::Recipe;
use crate::supervisor::machine::{ChildSpec, StartChildError, TerminateError};
use crate::supervisor::{
    Child, ChildId, Dynamic, DynamicBuilder, IntoChild, Supervisor, SupervisorBuilder, child_fn,
};

/// How long the children have to end.
const STOP_BOUND: Duration = Duration::from_secs(30);
/// How long what is left may take to go by itself.
const LEAK_BOUND: Duration = Duration::from_secs(1);
/// How often a child of a test may be restarted in five seconds.
const RESTARTS_MAX: u32 = 1000;

/// The owner of what a test starts.
///
/// A `#[foundation::test]` asks for it by its type, and it is finished with the test. In any other
/// test it is made by [`Test::on`], or by [`scoped`], which finishes it also when the test fails.
///
/// ```
/// use foundation_actors::{child_fn, testkit::scoped};
/// # let node = foundation_runtime::Node::builder().start()?;
/// # node.clone().block_on(async {
/// scoped(&node, async |t| {
///     let worker = t.start_supervised_fn("worker", |mut me: foundation_runtime::Process<Word>| async move {
///         me.recv().await;
///     });
///     worker.await.unwrap();
/// }).await; // the worker is asked to stop; then nothing of the test is left on the node
/// # });
/// # use foundation_runtime::{Codec, Message, Tag};
/// # struct Word;
/// # impl Message for Word {
/// #     const NAME: &'static str = "Word";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Test(Arc<Inner>);

struct Inner {
    node: Node,
    world: Option<World>,
    survey: Survey,
    supervisor: Mutex<Option<Ref<Supervisor>>>,
    allow_leaks: AtomicBool,
    strict: Mutex<Option<CrashReports>>,
    finished: AtomicBool,
}

/// Why a supervised process did not start.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartSupervisedError {
    /// The test's supervisor did not start.
    Supervisor(StartError),
    /// It does not answer: it has ended, because a child was restarted too often, or is busy.
    Call(CallError),
    /// The child did not start; nothing of it is left. `AlreadyPresent` and `AlreadyStarted`: give
    /// it an id of its own.
    Child(StartChildError<Pid>),
    /// The child's init said that there is nothing to run.
    Ignored,
}

impl fmt::Display for StartSupervisedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Supervisor(error) => write!(f, "the test's supervisor did not start: {error}"),
            Self::Call(error) => write!(f, "the test's supervisor does not answer: {error}"),
            Self::Child(error) => write!(f, "the supervised process did not start: {error:?}"),
            Self::Ignored => f.write_str("its init said that there is nothing to run"),
        }
    }
}

impl std::error::Error for StartSupervisedError {}

/// Why a supervised process was not stopped.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StopSupervisedError {
    /// The test started none of this id, or has stopped it.
    NotFound,
    /// The test's supervisor does not answer.
    Call(CallError),
}

impl fmt::Display for StopSupervisedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("the test supervises no process of this id"),
            Self::Call(error) => write!(f, "the test's supervisor does not answer: {error}"),
        }
    }
}

impl std::error::Error for StopSupervisedError {}

/// What can be started under a test: a child, or a supervisor with children of its own.
pub trait Supervised: IntoChild {
    /// How it is reached.
    type Address;
    /// The address of the process with this pid.
    #[doc(hidden)]
    fn address(node: &Node, pid: Pid) -> Self::Address;
}

impl<A: Addressed> Supervised for Child<A> {
    type Address = Ref<A>;

    fn address(node: &Node, pid: Pid) -> Ref<A> {
        node.reference(pid)
    }
}

impl Supervised for SupervisorBuilder {
    type Address = Ref<Supervisor>;

    fn address(node: &Node, pid: Pid) -> Ref<Supervisor> {
        node.reference(pid)
    }
}

impl<A: Actor> Supervised for DynamicBuilder<A> {
    type Address = Ref<Dynamic<A>>;

    fn address(node: &Node, pid: Pid) -> Ref<Dynamic<A>> {
        node.reference(pid)
    }
}

/// A specification that was looked at.
struct Ready(ChildSpec<Recipe>);

impl IntoChild for Ready {
    fn into_child(self) -> ChildSpec<Recipe> {
        self.0
    }
}

impl Test {
    /// The owner of what a test starts on this node from now on.
    pub async fn on(node: &Node) -> Self {
        let survey = Survey::of(node).await;
        Self::new(node.clone(), None, survey)
    }

    fn new(node: Node, world: Option<World>, survey: Survey) -> Self {
        Self(Arc::new(Inner {
            node,
            world,
            survey,
            supervisor: Mutex::new(None),
            allow_leaks: AtomicBool::new(false),
            strict: Mutex::new(None),
            finished: AtomicBool::new(false),
        }))
    }

    /// The node of the test.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    /// The world of a `#[foundation::test]`.
    #[must_use]
    pub fn world(&self) -> Option<&World> {
        self.0.world.as_ref()
    }

    /// Starts a process that ends with the test: later ones before it. It is restarted as its
    /// specification says.
    ///
    /// # Errors
    /// [`StartSupervisedError`]; nothing of it is left.
    pub async fn start_supervised<S: Supervised>(
        &self,
        child: S,
    ) -> Result<S::Address, StartSupervisedError> {
        let pid = self.start_child(child).await?;
        Ok(S::address(self.node(), pid))
    }

    /// Starts a plain process that ends with the test.
    ///
    /// # Errors
    /// [`StartSupervisedError`]; nothing of it is left.
    pub async fn start_supervised_fn<M, F, Fut>(
        &self,
        id: &str,
        body: F,
    ) -> Result<Pid, StartSupervisedError>
    where
        M: Message,
        F: Fn(Process<M>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        self.start_child(child_fn(id, body)).await
    }

    async fn start_child(&self, child: impl IntoChild) -> Result<Pid, StartSupervisedError> {
        let supervisor = self.supervisor().await?;
        let spec = child.into_child();
        let id = spec.id.clone();
        match supervisor.start_child(Ready(spec)).await {
            Ok(Ok(Some(pid))) => Ok(pid),
            Ok(Ok(None)) => {
                // A supervisor keeps what was ignored; a temporary child it has forgotten already.
                let _ = supervisor.delete_child(id).await;
                Err(StartSupervisedError::Ignored)
            }
            Ok(Err(error)) => Err(StartSupervisedError::Child(error)),
            Err(error) => Err(StartSupervisedError::Call(error)),
        }
    }

    /// Stops a process that the test supervises, in order, and forgets it.
    ///
    /// # Errors
    /// [`StopSupervisedError`].
    pub async fn stop_supervised(&self, id: impl Into<ChildId>) -> Result<(), StopSupervisedError> {
        let id = id.into();
        let Some(supervisor) = self.kept() else {
            return Err(StopSupervisedError::NotFound);
        };
        let stopped = supervisor.terminate_child(id.clone()).await;
        if let Err(TerminateError::NotFound) = stopped.map_err(StopSupervisedError::Call)? {
            return Err(StopSupervisedError::NotFound);
        }
        // A temporary child is forgotten already.
        let forgotten = supervisor.delete_child(id).await;
        forgotten.map(drop).map_err(StopSupervisedError::Call)
    }

    /// Whatever the test leaves on the node is no failure.
    pub fn allow_leaks(&self) {
        self.0.allow_leaks.store(true, Ordering::Relaxed);
    }

    /// From now on a crash that [`assert_crash!`](crate::assert_crash) has not taken out of these
    /// reports fails the test at its end.
    #[must_use = "crashes that are expected are taken out of it"]
    pub fn strict_crashes(&self) -> CrashReports {
        let make = || match &self.0.world {
            Some(world) => world.capture_crashes(),
            None => self.0.node.capture_crashes(),
        };
        lock(&self.0.strict).get_or_insert_with(make).clone()
    }

    /// Ends what the test supervises, in reverse order of its start, and sees that nothing is left of
    /// the test. A second call does nothing.
    ///
    /// # Panics
    /// When a supervised process does not end in time or was restarted too often, when something is
    /// left, or when something crashed unexpectedly after [`Test::strict_crashes`].
    pub async fn finish(&self) {
        if self.0.finished.swap(true, Ordering::AcqRel) {
            return;
        }
        self.stop_all().await;
        if !self.0.allow_leaks.load(Ordering::Relaxed) {
            match &self.0.world {
                Some(world) => world.check_leaks(LEAK_BOUND).await,
                None => self.check_leaks().await,
            }
        }
        let crashes = lock(&self.0.strict).take();
        let crashes = crashes.map_or_else(Vec::new, |crashes| crashes.take_all());
        let texts: Vec<String> = crashes.iter().map(ToString::to_string).collect();
        assert!(
            texts.is_empty(),
            "the test did not expect these crashes:\n{}",
            texts.join("\n")
        );
    }

    async fn stop_all(&self) {
        let Some(supervisor) = lock(&self.0.supervisor).take() else {
            return;
        };
        let stopped = self.0.node.stop(&supervisor, Reason::Shutdown, STOP_BOUND);
        match stopped.await {
            Ok(()) => {}
            Err(StopError::Timeout) => {
                self.0.node.exit(&supervisor, Reason::Kill);
                panic!("what the test supervises did not end within {STOP_BOUND:?}");
            }
            Err(error) => panic!(
                "the test's supervisor had ended before the test, because a child was restarted \
                 too often, or by the test: {error:?}"
            ),
        }
    }

    async fn check_leaks(&self) {
        let leaks = self.0.survey.leaks(&self.0.node, LEAK_BOUND).await;
        assert!(leaks.is_empty(), "left at the end of the test:{leaks}");
    }

    fn kept(&self) -> Option<Ref<Supervisor>> {
        lock(&self.0.supervisor).clone()
    }

    async fn supervisor(&self) -> Result<Ref<Supervisor>, StartSupervisedError> {
        if let Some(supervisor) = self.kept() {
            return Ok(supervisor);
        }
        let new = Supervisor::one_for_one().intensity(RESTARTS_MAX, Duration::from_secs(5));
        let new = new.start(&self.0.node).await;
        let new = new.map_err(StartSupervisedError::Supervisor)?;
        let kept = lock(&self.0.supervisor).get_or_insert(new.clone()).clone();
        if kept != new {
            // Two starts at once: the first counts.
            let _ = self.0.node.stop(&new, Reason::Shutdown, STOP_BOUND).await;
        }
        Ok(kept)
    }
}

impl TestInput for Test {
    fn from_world(world: &World) -> Self {
        let test = Self::new(world.node(), Some(world.clone()), Survey::default());
        let ending = test.clone();
        world.at_end(move || async move { ending.finish().await });
        test
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let supervisor = self.supervisor.get_mut();
        let supervisor = supervisor.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(supervisor) = supervisor {
            // Not finished: at least it is asked to end.
            self.node.exit(&supervisor, Reason::Shutdown);
        }
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Test")
            .field("node", &self.0.node)
            .finish_non_exhaustive()
    }
}

/// Runs `body` with an owner of what it starts, and ends all of it: also when the body panics, whose
/// panic goes on after that.
///
/// # Panics
/// When the body does, or as [`Test::finish`].
pub async fn scoped<T>(node: &Node, body: impl AsyncFnOnce(Test) -> T) -> T {
    let test = Test::on(node).await;
    let mut body = std::pin::pin!(body(test.clone()));
    let outcome = std::future::poll_fn(|cx| {
        let poll = std::panic::AssertUnwindSafe(|| body.as_mut().poll(cx));
        match std::panic::catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => std::task::Poll::Ready(Err(payload)),
        }
    })
    .await;
    match outcome {
        Ok(value) => {
            test.finish().await;
            value
        }
        Err(payload) => {
            test.stop_all().await;
            std::panic::resume_unwind(payload)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
