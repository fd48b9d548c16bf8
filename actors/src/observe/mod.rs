//! Who may look into a running node, and through which door?
//!
//! Role       The agent in the observed program: a local socket, and a process for each observer.
//! Limit      [`Options::observers`] at once; a frame is bounded both ways; what gathering costs is
//!            followed by fifty times as long a rest.
//! Invariant  Nothing is exposed unless a program asks for it; whoever the socket's owner is not is
//!            turned away; an observer that stalls, floods or talks nonsense loses its own session.
//! Source     otp: observer, observer_backend
//!
//! A program opens the door with [`serve`], or has it as a child of a supervisor with [`child()`].
//! `foundation observe PATH` is who comes through it.

mod circles;
mod driver;
mod edge;
pub mod frame;
mod gather;
pub mod protocol;
pub mod session;
mod tree;

use std::fmt;
use std::io;
use std::path::PathBuf;

use foundation_runtime::{Node, Pid, Reason, SpawnError, SpawnOptions};

use crate::server::StartError;
use crate::supervisor::{Child, ChildKind, Recipe};
pub use driver::Nothing;

/// How many may observe at once unless [`Options::observers`] says otherwise.
const OBSERVERS: usize = 8;

/// What observers may do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "options are given to `serve_with` or `child_with_options`"]
pub struct Options {
    observers: usize,
    read_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            observers: OBSERVERS,
            read_only: false,
        }
    }
}

impl Options {
    /// Eight observers at once, who may kill.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many at once, at least one; others are told that it is full.
    pub fn observers(mut self, count: usize) -> Self {
        self.observers = count.max(1);
        self
    }

    /// Observers may look, and neither kill nor trace.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

/// Why a node is not observed. Nothing was started, and no file was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// Another agent answers at this path. Give each node a path of its own.
    InUse(PathBuf),
    /// There is something else than a socket at this path; it is left as it is.
    NotASocket(PathBuf),
    /// The directory belongs to somebody else, or others may write to it: they could put a socket
    /// of theirs in the place of this one. Use one of your own, with mode 0700.
    Unsafe(PathBuf),
    /// The operating system refused.
    Os(PathBuf, io::Error),
    /// The process that was to serve could not be started.
    Spawn(SpawnError),
    /// There is no local socket on this platform, or no tokio runtime under this node: in a
    /// simulation there is none.
    Unsupported,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(f, "{} is in use by a live node", path.display()),
            Self::NotASocket(path) => {
                write!(f, "{} is there already, and is no socket", path.display())
            }
            Self::Unsafe(path) => write!(
                f,
                "others may write to the directory of {}; use one that is yours alone (mode 0700)",
                path.display()
            ),
            Self::Os(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Spawn(error) => write!(f, "the agent was not started: {error}"),
            Self::Unsupported => f.write_str("no local sockets here"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Lets the operator who runs this program observe `node` through a socket at `path`, until
/// the returned process ends: kill it, or shut the node down. The socket's file goes with it.
///
/// The file has mode 0600, and its directory must belong to the user who runs the program and be
/// writable by nobody else. A socket that a dead program left is replaced.
///
/// ```
/// # #[cfg(unix)]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use foundation_actors::observe;
/// # use foundation_runtime::Node;
/// # let folder = std::env::temp_dir().join(format!("foundation-doc-{}", std::process::id()));
/// # observe::private_directory(&folder)?;
/// # let path = folder.join("node");
/// let node = Node::builder().start()?;
/// let agent = observe::serve(&node, &path)?;
/// assert!(node.is_alive(agent));
/// assert!(observe::serve(&node, &path).is_err(), "it is in use");
/// # node.shutdown_blocking(std::time::Duration::from_secs(5))?;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(()) }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
///
/// # Errors
/// [`ServeError`]; nothing was started.
pub fn serve(node: &Node, path: impl Into<PathBuf>) -> Result<Pid, ServeError> {
    serve_with(node, path, &Options::new())
}

/// [`serve`], with options.
///
/// # Errors
/// [`ServeError`]; nothing was started.
pub fn serve_with(
    node: &Node,
    path: impl Into<PathBuf>,
    options: &Options,
) -> Result<Pid, ServeError> {
    start(node, &SpawnOptions::new(), path.into(), options.clone())
}

/// The agent as a child of a supervisor: when it ends the socket is opened again.
///
/// ```
/// use foundation_actors::{Supervisor, observe};
/// let tree = Supervisor::one_for_one().child(observe::child("/run/user/1000/shop/observe"));
/// ```
pub fn child(path: impl Into<PathBuf>) -> Child<Nothing> {
    child_with_options(path, Options::new())
}

/// [`child()`], with options.
pub fn child_with_options(path: impl Into<PathBuf>, options: Options) -> Child<Nothing> {
    let path = path.into();
    let recipe = Recipe::new(move |node, spawn, _| {
        let (path, options) = (path.clone(), options.clone());
        Box::pin(async move {
            start(&node, &spawn, path, options).map_err(|error| match error {
                ServeError::Spawn(error) => StartError::Spawn(error),
                error => StartError::Failed(Reason::other(error.to_string())),
            })
        })
    });
    Child::new("observer", recipe, ChildKind::Worker)
}

fn start(
    node: &Node,
    spawn: &SpawnOptions,
    path: PathBuf,
    options: Options,
) -> Result<Pid, ServeError> {
    let door = edge::Door::open(path)?;
    let spawn = spawn.clone().code("foundation::observe::Agent").trap_exit();
    let body = move |me| driver::agent(me, door, options);
    let started = node.spawn_fn_with::<Nothing, _, _>(&spawn, body);
    let (agent, _) = started.map_err(ServeError::Spawn)?;
    Ok(agent.pid())
}

pub use edge::private_directory;
