//! Applications that need each other, on one node.
//!
//! Role       [`Applications`]: they are loaded once, started after what they depend on, and
//!            stopped in the reverse order, also when the node is shut down. The order is a pure
//!            [`plan`]; whoever ends by itself is the controller's affair.
//! Owns       What is loaded and what runs, and the values of their environment, per node.
//! Limit      [`APPLICATIONS_MAX`] applications, `ENV_MAX` values; beyond, they are refused.
//! Invariant  No code of the program runs under the lock. An application that has failed to start,
//!            or whose start was given up, is as if it had not been asked for.
//! Source     otp: application

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation_runtime::{Node, Pid, ProcessRef};

use super::controller::{self, Watch};
use super::env::{Env, EnvFull, EnvLayer};
use super::plan::{self, AppName, Dependencies, PlanError};
use super::tree::{Application, ApplicationError, Running};
use crate::server::{NodeExt, Ref};
use crate::supervisor::Supervisor;

/// How many applications a node knows at most.
pub const APPLICATIONS_MAX: usize = 1024;

/// How long each of those that were started already may take to stop, when a later one fails.
const ROLLBACK_BOUND: Duration = Duration::from_secs(10);

/// How far an application is.
enum Stage {
    Loaded,
    Busy,
    Started(Pid),
}

struct Known {
    application: Application,
    stage: Stage,
}

/// What the end of an application that was not stopped means for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StartType {
    /// The others are stopped, latest first, and the node fails: see [`Node::failed`].
    Permanent,
    /// The same, unless it ended with [`Reason::Normal`](foundation_runtime::Reason::Normal).
    Transient,
    /// It is reported, and nothing else.
    #[default]
    Temporary,
}

#[derive(Default)]
struct State {
    /// Watches those that run.
    controller: Option<ProcessRef<Watch>>,
    /// The node stops them when it is shut down.
    at_shutdown: bool,
    known: BTreeMap<AppName, Known>,
    /// Who was started, oldest first.
    order: Vec<AppName>,
    env: Env,
}

#[derive(Default)]
struct Table(Mutex<State>);

/// Why an application was not loaded. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// One of this name is loaded.
    AlreadyLoaded(AppName),
    /// There are [`APPLICATIONS_MAX`] of them.
    TooMany,
    /// Its defaults are too many values.
    EnvFull,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyLoaded(name) => write!(f, "application `{name}` is loaded already"),
            Self::TooMany => write!(f, "a node knows at most {APPLICATIONS_MAX} applications"),
            Self::EnvFull => write!(f, "{EnvFull}"),
        }
    }
}

impl std::error::Error for LoadError {}

/// The applications of a node: a handle, cheap to clone.
#[derive(Clone)]
pub struct Applications {
    node: Node,
    table: Arc<Table>,
}

impl Applications {
    /// Those of this node.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        Self {
            node: node.clone(),
            table: node.shared(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.table.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an application known, with the defaults of its environment.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(&self, application: Application) -> Result<(), LoadError> {
        let name: AppName = application.name().into();
        let defaults = application.defaults().to_vec();
        let mut state = self.lock();
        if state.known.contains_key(&name) {
            return Err(LoadError::AlreadyLoaded(name));
        }
        if APPLICATIONS_MAX <= state.known.len() {
            return Err(LoadError::TooMany);
        }
        if !state.env.has_room(defaults.len()) {
            return Err(LoadError::EnvFull);
        }
        for (key, value) in defaults {
            let put = state.env.put(&name, &key, EnvLayer::Default, value);
            put.map_err(|EnvFull| LoadError::EnvFull)?;
        }
        let stage = Stage::Loaded;
        state.known.insert(name, Known { application, stage });
        Ok(())
    }

    /// Starts an application whose dependencies run, [temporary](StartType::Temporary).
    ///
    /// # Errors
    /// [`ApplicationError::NotStarted`] names a dependency that does not run. Nothing was started.
    pub async fn start(&self, name: &str) -> Result<(), ApplicationError> {
        self.start_as(name, StartType::Temporary).await
    }

    /// Starts an application whose dependencies run, and says what its end will mean for the others.
    ///
    /// # Errors
    /// As for [`Applications::start`].
    pub async fn start_as(&self, name: &str, start: StartType) -> Result<(), ApplicationError> {
        let application = self.begin(name)?;
        let busy = Busy {
            set: self,
            name: name.into(),
        };
        let controller = self.controller()?;
        let running = application.start(&self.node).await?;
        let top = running.supervisor().pid();
        busy.started(top);
        let name = name.into();
        // It may have ended: then that is the first that the controller hears.
        let watch = Watch { name, top, start };
        controller
            .send(watch)
            .map_err(|_| ApplicationError::NoController)
    }

    /// Starts an application after all that it depends on, [temporary](StartType::Temporary), and says
    /// who was started, in order. When one fails, those that were started are stopped again, latest
    /// first.
    ///
    /// # Errors
    /// [`ApplicationError`]: a dependency is not loaded, they need each other, or one failed.
    pub async fn ensure_all_started(&self, name: &str) -> Result<Vec<AppName>, ApplicationError> {
        self.ensure_all_started_as(name, StartType::Temporary).await
    }

    /// The same, and says what the end of each that is started will mean for the others.
    ///
    /// # Errors
    /// As for [`Applications::ensure_all_started`].
    pub async fn ensure_all_started_as(
        &self,
        name: &str,
        start: StartType,
    ) -> Result<Vec<AppName>, ApplicationError> {
        let order = {
            let state = self.lock();
            let all: Dependencies = state.known.iter().map(dependencies).collect();
            plan::start_order(&all, &self.running(&state), &name.into())?
        };
        for (at, next) in order.iter().enumerate() {
            if let Err(error) = self.start_as(next, start).await {
                for started in order[..at].iter().rev() {
                    let _ = self.stop(started, ROLLBACK_BOUND).await;
                }
                return Err(error);
            }
        }
        Ok(order)
    }

    /// The process that watches applications, started if need be.
    fn controller(&self) -> Result<ProcessRef<Watch>, ApplicationError> {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.at_shutdown, true) {
            self.node.before_shutdown(|node, bound| {
                Box::pin(async move { Self::of(&node).stop_within(bound).await })
            });
        }
        let alive = |controller: &ProcessRef<Watch>| self.node.is_alive(controller.pid());
        if let Some(controller) = state.controller.clone().filter(alive) {
            return Ok(controller);
        }
        let controller = controller::start(&self.node);
        let controller = controller.map_err(|_| ApplicationError::NoController)?;
        state.controller = Some(controller.clone());
        Ok(controller)
    }

    /// Whether nothing runs, nor is about to: this controller is forgotten then.
    pub(super) fn is_idle(&self, controller: Pid) -> bool {
        let mut state = self.lock();
        let mut known = state.known.values();
        let idle = known.all(|known| matches!(known.stage, Stage::Loaded));
        if idle
            && state
                .controller
                .as_ref()
                .is_some_and(|own| own.pid() == controller)
        {
            state.controller = None;
        }
        idle
    }

    /// Whether an application has ended that nobody stopped: it runs no more.
    pub(super) fn has_ended(&self, name: &AppName, top: Pid) -> bool {
        let mut state = self.lock();
        let Some(known) = state.known.get_mut(name) else {
            return false;
        };
        if !matches!(known.stage, Stage::Started(started) if started == top) {
            return false;
        }
        known.stage = Stage::Loaded;
        state.order.retain(|other| other != name);
        true
    }

    /// Stops all within `bound`, latest first: each has its share of what is left, so that one that does
    /// not yield leaves time for the others.
    async fn stop_within(&self, bound: Duration) {
        let until = self.node.now() + bound;
        let order = self.lock().order.clone();
        for (before, name) in order.iter().enumerate().rev() {
            let left = until.saturating_sub(self.node.now());
            // One that is being started, or was stopped meanwhile, is nobody's to stop.
            let _ = self.stop(name, left / (before as u32 + 1)).await;
        }
    }

    /// Stops an application: its `prep_stop`, its tree, its stop hook. Those that depend on it run
    /// on, as in OTP: stop them before.
    ///
    /// # Errors
    /// [`ApplicationError::NotStarted`]; [`ApplicationError::Killed`] when it was not done within
    /// `bound`, and is gone all the same.
    pub async fn stop(&self, name: &str, bound: Duration) -> Result<(), ApplicationError> {
        let (application, top) = self.take(name)?;
        let top = self.node.reference(top);
        Running::again(&self.node, application, top)
            .stop(bound)
            .await
    }

    /// Stops all applications, latest first, each within `bound`.
    ///
    /// # Errors
    /// The first error; the others are stopped all the same.
    pub async fn stop_all(&self, bound: Duration) -> Result<(), ApplicationError> {
        let order = self.lock().order.clone();
        let mut outcome = Ok(());
        for name in order.iter().rev() {
            match self.stop(name, bound).await {
                // Somebody else has stopped it meanwhile.
                Err(ApplicationError::NotStarted(_)) => {}
                stopped => outcome = outcome.and(stopped),
            }
        }
        outcome
    }

    /// The applications that run, in the order of their start.
    #[must_use]
    pub fn which_applications(&self) -> Vec<AppName> {
        let state = self.lock();
        let running = self.running(&state);
        let order = state.order.iter();
        order
            .filter(|name| running.contains(*name))
            .cloned()
            .collect()
    }

    /// The top supervisor of an application that runs.
    ///
    /// Source: otp: application:get_supervisor/1
    #[must_use]
    pub fn supervisor(&self, name: &str) -> Option<Ref<Supervisor>> {
        match self.lock().known.get(name)?.stage {
            Stage::Started(top) if self.node.is_alive(top) => Some(self.node.reference(top)),
            _ => None,
        }
    }

    /// A value of an application's environment: as it was set while the program runs, else as
    /// configured, else the application's default. Nothing when it is of another type.
    #[must_use]
    pub fn get_env<T: Any + Send + Sync>(&self, name: &str, key: &str) -> Option<Arc<T>> {
        let value = self.lock().env.get(name, key)?;
        value.downcast().ok()
    }

    /// Sets a value of an application's environment, which need not be loaded yet.
    ///
    /// # Errors
    /// [`EnvFull`].
    pub fn put_env<T: Any + Send + Sync>(
        &self,
        name: &str,
        key: &str,
        value: T,
    ) -> Result<(), EnvFull> {
        self.put(name, key, EnvLayer::Runtime, value)
    }

    /// Sets what the program was configured with: it goes before the application's default, and
    /// after what is set by [`Applications::put_env`].
    ///
    /// # Errors
    /// [`EnvFull`].
    pub fn configure<T: Any + Send + Sync>(
        &self,
        name: &str,
        key: &str,
        value: T,
    ) -> Result<(), EnvFull> {
        self.put(name, key, EnvLayer::Config, value)
    }

    fn put<T: Any + Send + Sync>(
        &self,
        name: &str,
        key: &str,
        layer: EnvLayer,
        value: T,
    ) -> Result<(), EnvFull> {
        let value = Arc::new(value);
        let old = self.lock().env.put(name, key, layer, value)?;
        drop(old);
        Ok(())
    }

    fn running(&self, state: &State) -> BTreeSet<AppName> {
        let runs = |known: &Known| match known.stage {
            Stage::Started(top) => self.node.is_alive(top),
            _ => false,
        };
        let known = state.known.iter().filter(|(_, known)| runs(known));
        known.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Marks an application as being started, if it can be.
    fn begin(&self, name: &str) -> Result<Application, ApplicationError> {
        let mut state = self.lock();
        let running = self.running(&state);
        let name: AppName = name.into();
        let known = state.known.get_mut(&name);
        let known = known.ok_or_else(|| ApplicationError::NotLoaded(Arc::clone(&name)))?;
        if running.contains(&name) || matches!(known.stage, Stage::Busy) {
            return Err(ApplicationError::AlreadyStarted(name));
        }
        let needs = known.application.dependencies().iter();
        if let Some(missing) = needs.clone().find(|need| !running.contains(*need)) {
            return Err(ApplicationError::NotStarted(Arc::clone(missing)));
        }
        known.stage = Stage::Busy;
        Ok(known.application.clone())
    }

    /// Marks an application as not running; whoever does so stops it.
    fn take(&self, name: &str) -> Result<(Application, Pid), ApplicationError> {
        let mut state = self.lock();
        let name: AppName = name.into();
        let known = state.known.get_mut(&name);
        let known = known.ok_or_else(|| ApplicationError::NotLoaded(Arc::clone(&name)))?;
        let Stage::Started(top) = known.stage else {
            return Err(ApplicationError::NotStarted(name));
        };
        known.stage = Stage::Loaded;
        let application = known.application.clone();
        state.order.retain(|other| *other != name);
        Ok((application, top))
    }
}

/// A start under way; given up, the application is as it was.
struct Busy<'a> {
    set: &'a Applications,
    name: AppName,
}

impl Busy<'_> {
    fn started(&self, top: Pid) {
        let mut state = self.set.lock();
        let known = state.known.get_mut(&self.name);
        known.expect("what is loaded stays").stage = Stage::Started(top);
        let name = Arc::clone(&self.name);
        state.order.retain(|other| *other != name);
        state.order.push(name);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.set.lock();
        if let Some(known) = state.known.get_mut(&self.name)
            && matches!(known.stage, Stage::Busy)
        {
            known.stage = Stage::Loaded;
        }
    }
}

fn dependencies((name, known): (&AppName, &Known)) -> (AppName, Vec<AppName>) {
    (Arc::clone(name), known.application.dependencies().to_vec())
}

impl From<PlanError> for ApplicationError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::NotLoaded(name) => Self::NotLoaded(name),
            PlanError::Cycle(names) => Self::Cycle(names),
        }
    }
}

impl fmt::Debug for Applications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.which_applications()).finish()
    }
}
