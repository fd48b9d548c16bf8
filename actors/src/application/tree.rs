//! A program's tree, as one thing that is started and stopped.
//!
//! Role       [`Application`]: a top supervisor with hooks around its stop.
//! Source     otp: application; elixir: Application

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::{Node, Pid, Reason, reason_of_panic, time};

use crate::server::{NodeExt, Ref, StartError};
use crate::supervisor::{Supervisor, SupervisorBuilder};

type Hook = Arc<dyn Fn(&Node) + Send + Sync>;

/// A tree of processes with a name, started and stopped as one.
///
/// By itself with [`Application::start`], or with others that it needs: see `Applications`.
#[derive(Clone)]
#[must_use = "an application does nothing until it is started"]
pub struct Application {
    name: Box<str>,
    tree: SupervisorBuilder,
    prep_stop: Option<Hook>,
    stop: Option<Hook>,
    needs: Vec<Arc<str>>,
    defaults: Vec<(Box<str>, Arc<dyn Any + Send + Sync>)>,
}

impl Application {
    /// An application whose top supervisor is `tree`.
    pub fn new(name: impl Into<Box<str>>, tree: SupervisorBuilder) -> Self {
        Self {
            name: name.into(),
            tree,
            prep_stop: None,
            stop: None,
            needs: Vec::new(),
            defaults: Vec::new(),
        }
    }

    /// What has to run before this is started, in this order.
    pub fn depends_on<N: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.needs.extend(names.into_iter().map(Into::into));
        self
    }

    /// A default of its environment, for `Applications::get_env`.
    pub fn env<T: Any + Send + Sync>(mut self, key: impl Into<Box<str>>, value: T) -> Self {
        self.defaults.push((key.into(), Arc::new(value)));
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it depends on.
    #[must_use]
    pub fn dependencies(&self) -> &[Arc<str>] {
        &self.needs
    }

    pub(crate) fn defaults(&self) -> &[(Box<str>, Arc<dyn Any + Send + Sync>)] {
        &self.defaults
    }

    /// Runs before the tree is stopped. A panic of it is reported, and the tree is stopped.
    pub fn prep_stop(mut self, hook: impl Fn(&Node) + Send + Sync + 'static) -> Self {
        self.prep_stop = Some(Arc::new(hook));
        self
    }

    /// Runs after the tree has stopped. A panic of it is reported.
    pub fn on_stop(mut self, hook: impl Fn(&Node) + Send + Sync + 'static) -> Self {
        self.stop = Some(Arc::new(hook));
        self
    }

    /// Starts the tree, and waits until its last child's init is done.
    ///
    /// # Errors
    /// [`ApplicationError::Start`]: nothing of the tree is left.
    pub async fn start(self, node: &Node) -> Result<Running, ApplicationError> {
        let Self {
            name,
            tree,
            prep_stop,
            stop,
            ..
        } = self;
        match tree.start(node).await {
            Ok(top) => Ok(Running {
                node: node.clone(),
                name,
                top,
                prep_stop,
                stop,
            }),
            Err(error) => Err(ApplicationError::Start(name, error)),
        }
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An application that runs.
pub struct Running {
    node: Node,
    name: Box<str>,
    top: Ref<Supervisor>,
    prep_stop: Option<Hook>,
    stop: Option<Hook>,
}

impl Running {
    /// The handle of an application that was started so and runs.
    pub(crate) fn again(node: &Node, application: Application, top: Ref<Supervisor>) -> Self {
        Self {
            node: node.clone(),
            name: application.name,
            top,
            prep_stop: application.prep_stop,
            stop: application.stop,
        }
    }

    /// The application's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its top supervisor.
    #[must_use]
    pub fn supervisor(&self) -> &Ref<Supervisor> {
        &self.top
    }

    /// Waits until the top supervisor has ended, and says why.
    pub async fn ended(&self) -> Reason {
        self.node.down(self.top.pid()).await.reason
    }

    /// Stops the tree in the reverse order of its start. When it has not ended within `bound` it
    /// is killed.
    ///
    /// # Errors
    /// [`ApplicationError::Killed`] when it had to be killed; it is gone all the same.
    pub async fn stop(self, bound: Duration) -> Result<(), ApplicationError> {
        self.run(self.prep_stop.as_ref());
        let pid: Pid = self.top.pid();
        let in_order = self.node.stop(&self.top, Reason::Shutdown, bound).await;
        let timely = !matches!(in_order, Err(crate::server::StopError::Timeout));
        if !timely {
            self.kill(pid, bound).await;
        }
        self.run(self.stop.as_ref());
        if timely {
            Ok(())
        } else {
            Err(ApplicationError::Killed(self.name))
        }
    }

    /// Runs a hook. A panic of it is reported, and the stop goes on.
    fn run(&self, hook: Option<&Hook>) {
        let Some(hook) = hook else {
            return;
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| hook(&self.node))) {
            let (name, reason) = (&self.name, reason_of_panic(payload));
            tracing::error!(target: "foundation::application", %name, %reason, "a hook of an application's stop panicked");
        }
    }

    /// Kills the top supervisor, and then whoever of its tree outlives that: a process that traps
    /// exits may, and its supervisor is no longer there to see to it.
    async fn kill(&self, top: Pid, bound: Duration) {
        let mut parents = HashMap::new();
        let ask = async {
            for pid in self.node.processes() {
                if let Ok(Some(info)) = self.node.info(pid, bound).await {
                    parents.insert(pid, info.parent);
                }
            }
        };
        time::timeout_on(&self.node, bound, ask).await;
        self.node.exit(top, Reason::Kill);
        let gone = async {
            self.node.down(top).await;
            for pid in descendants(&parents, top) {
                self.node.exit(pid, Reason::Kill);
                self.node.down(pid).await;
            }
        };
        time::timeout_on(&self.node, bound, gone).await;
    }
}

/// Everybody who was started by `top`, or by somebody who was.
fn descendants(parents: &HashMap<Pid, Option<Pid>>, top: Pid) -> Vec<Pid> {
    let descends = |pid: &Pid| {
        let mut at = *pid;
        while let Some(Some(parent)) = parents.get(&at) {
            if *parent == top {
                return true;
            }
            at = *parent;
        }
        false
    };
    let mut found: Vec<Pid> = parents.keys().copied().filter(descends).collect();
    found.sort_unstable();
    found
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("name", &self.name)
            .field("top", &self.top)
            .finish()
    }
}

/// Why an application did not start, or not stop in order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ApplicationError {
    /// The application of this name did not start. Nothing of its tree is left.
    Start(Box<str>, StartError),
    /// The tree of the application of this name did not stop in time and was killed.
    Killed(Box<str>),
    /// No application of this name is loaded.
    NotLoaded(Arc<str>),
    /// The application of this name does not run: it was to be stopped, or one that depends on it
    /// started. Nothing was changed.
    NotStarted(Arc<str>),
    /// The application of this name runs, or is being started.
    AlreadyStarted(Arc<str>),
    /// The process that watches applications could not be started: the node is at its limit of
    /// processes, or shuts down. Nothing was started.
    NoController,
    /// These need each other: each the next, and the last the first. Nothing was started.
    Cycle(Vec<Arc<str>>),
}

impl fmt::Display for ApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(name, error) => write!(f, "application `{name}` did not start: {error}"),
            Self::NotLoaded(name) => write!(f, "application `{name}` is not loaded"),
            Self::NotStarted(name) => write!(f, "application `{name}` does not run"),
            Self::AlreadyStarted(name) => write!(f, "application `{name}` runs already"),
            Self::NoController => f.write_str("applications cannot be watched: no process starts"),
            Self::Cycle(names) => write!(f, "applications need each other: {}", names.join(", ")),
            Self::Killed(name) => {
                write!(
                    f,
                    "application `{name}` did not stop in time and was killed"
                )
            }
        }
    }
}

impl std::error::Error for ApplicationError {}
