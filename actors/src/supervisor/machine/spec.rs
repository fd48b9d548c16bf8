//! What is a supervisor told about its children and itself, and which combinations are refused?
//!
//! Role       The specification of children and of the supervisor, with its checks.
//! Inputs     What the program wrote.
//! Outputs    The same, checked; or a [`SpecError`], and then nothing runs.
//! Invariant  A checked period is a whole number of seconds and not zero.
//! Source     otp: supervisor, "Supervisor flags" and "Child specification"

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::Reason;

/// Most children of one [`Static`](super::Static) supervisor. Beyond, `StartChild` is refused.
pub const CHILDREN_MAX: usize = 1 << 20;

/// What a machine needs of a process's address; a machine never makes one up.
pub trait Address: Copy + Eq + Hash + fmt::Debug {}

impl<P: Copy + Eq + Hash + fmt::Debug> Address for P {}

/// The name of a child within its supervisor. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChildId(Arc<str>);

impl ChildId {
    /// The id of this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ChildId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Who else is restarted when one child is?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody.
    #[default]
    OneForOne,
    /// Everybody: all others are stopped, latest first, then all are started in order.
    OneForAll,
    /// Those started after it: they are stopped, latest first, then it and they are started.
    RestForOne,
}

/// Is a child that has ended started again?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// After an abnormal end: any reason but `normal`, `shutdown` and `{shutdown, _}`.
    Transient,
    /// Never; its specification goes when it ends, also when a sibling's restart stopped it.
    Temporary,
}

impl Restart {
    /// Whether a child that ended so, by itself, is started again.
    #[must_use]
    pub fn wants_restart(self, reason: &Reason) -> bool {
        match self {
            Self::Permanent => true,
            Self::Transient => !reason.is_orderly(),
            Self::Temporary => false,
        }
    }
}

/// How is a child stopped?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Killed at once; its `terminate` does not run.
    BrutalKill,
    /// Told to shut down, and killed when it still lives after this long.
    Timeout(Duration),
    /// Told to shut down, and waited for. Right for supervisors, risky for workers.
    Infinity,
}

/// Is a child a tree of its own? Only for counting, and for the default [`Shutdown`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChildKind {
    /// It does the work.
    #[default]
    Worker,
    /// It supervises.
    Supervisor,
}

/// Does the supervisor end when its significant children have ended by themselves?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// No, and significant children are refused.
    #[default]
    Never,
    /// Yes, with the first of them.
    AnySignificant,
    /// Yes, with the last of them that is active.
    AllSignificant,
}

/// One child as the program describes it. `start` is whatever the driver needs to start it; the
/// machine only hands it back in `Effect::Start`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildSpec<R = ()> {
    /// Its name within the supervisor.
    pub id: ChildId,
    /// What the driver needs to start it.
    pub start: R,
    /// Whether it is started again. Default: permanent.
    pub restart: Restart,
    /// Whether its end by itself counts for [`AutoShutdown`]. Default: no.
    pub significant: bool,
    /// How it is stopped. Default: 5 s for a worker, infinity for a supervisor.
    pub shutdown: Shutdown,
    /// Worker or supervisor.
    pub kind: ChildKind,
}

impl<R> ChildSpec<R> {
    /// A permanent worker that gets 5 s to shut down.
    pub fn worker(id: impl Into<ChildId>, start: R) -> Self {
        Self {
            id: id.into(),
            start,
            restart: Restart::Permanent,
            significant: false,
            shutdown: Shutdown::Timeout(Duration::from_secs(5)),
            kind: ChildKind::Worker,
        }
    }

    /// A permanent supervisor that gets all the time it needs to shut down.
    pub fn supervisor(id: impl Into<ChildId>, start: R) -> Self {
        let (kind, shutdown) = (ChildKind::Supervisor, Shutdown::Infinity);
        Self {
            kind,
            shutdown,
            ..Self::worker(id, start)
        }
    }

    /// The same, restarted so.
    #[must_use]
    pub fn restart(self, restart: Restart) -> Self {
        Self { restart, ..self }
    }

    /// The same, stopped so.
    #[must_use]
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }

    /// The same, significant for [`AutoShutdown`].
    #[must_use]
    pub fn significant(self) -> Self {
        Self {
            significant: true,
            ..self
        }
    }

    /// The same without what starts it: what `GetChildSpec` answers.
    #[must_use]
    pub fn described(&self) -> ChildSpec {
        ChildSpec {
            id: self.id.clone(),
            start: (),
            restart: self.restart,
            significant: self.significant,
            shutdown: self.shutdown,
            kind: self.kind,
        }
    }

    /// Whether a child that the supervisor stopped ended as it should; otherwise it is reported.
    #[must_use]
    pub(super) fn ended_as_told(&self, reason: &Reason) -> bool {
        self.ended_as_told_as(self.restart, reason)
    }

    /// The same for a child that is restarted so.
    #[must_use]
    pub(super) fn ended_as_told_as(&self, restart: Restart, reason: &Reason) -> bool {
        let expected = match self.shutdown {
            Shutdown::BrutalKill => matches!(reason, Reason::Killed),
            Shutdown::Timeout(_) | Shutdown::Infinity => matches!(reason, Reason::Shutdown),
        };
        expected || (restart != Restart::Permanent && reason.is_orderly())
    }

    /// Refuses a significant child that could never count.
    pub(super) fn validate(&self, auto_shutdown: AutoShutdown) -> Result<(), SpecError> {
        if self.significant && auto_shutdown == AutoShutdown::Never {
            return Err(SpecError::SignificantWithoutAutoShutdown(self.id.clone()));
        }
        if self.significant && self.restart == Restart::Permanent {
            return Err(SpecError::SignificantPermanent(self.id.clone()));
        }
        Ok(())
    }
}

/// The properties of a static supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Who else is restarted. Default: nobody.
    pub strategy: Strategy,
    /// Most restarts within `period`. Default: 1. With 0 the first restart ends the supervisor.
    pub intensity: u32,
    /// A whole number of seconds. Default: 5 s.
    pub period: Duration,
    /// Whether it ends with its significant children. Default: never.
    pub auto_shutdown: AutoShutdown,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            strategy: Strategy::OneForOne,
            intensity: 1,
            period: Duration::from_secs(5),
            auto_shutdown: AutoShutdown::Never,
        }
    }
}

/// The properties of a dynamic supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DynamicFlags {
    /// Most restarts within `period`. Default: 1.
    pub intensity: u32,
    /// A whole number of seconds. Default: 5 s.
    pub period: Duration,
    /// Most children, those being restarted included. Default: as many as memory holds.
    pub max_children: usize,
}

impl Default for DynamicFlags {
    fn default() -> Self {
        Self {
            intensity: 1,
            period: Duration::from_secs(5),
            max_children: usize::MAX,
        }
    }
}

/// Why a specification was refused. Nothing was started or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// Two children of this id. Give each its own.
    DuplicateId(ChildId),
    /// A significant child under a supervisor that never shuts itself down.
    SignificantWithoutAutoShutdown(ChildId),
    /// A significant child that is always restarted, and so never ends.
    SignificantPermanent(ChildId),
    /// A period of zero, or with a part of a second.
    InvalidPeriod(Duration),
    /// More than [`CHILDREN_MAX`] children; use a dynamic supervisor.
    TooManyChildren(usize),
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateId(id) => write!(f, "two children are called {id:?}"),
            Self::SignificantWithoutAutoShutdown(id) => {
                write!(
                    f,
                    "child {id:?} is significant but the supervisor never shuts itself down"
                )
            }
            Self::SignificantPermanent(id) => {
                write!(f, "child {id:?} is significant but permanent")
            }
            Self::InvalidPeriod(period) => {
                write!(
                    f,
                    "the period {period:?} is no whole, positive number of seconds"
                )
            }
            Self::TooManyChildren(count) => {
                write!(f, "{count} children are more than {CHILDREN_MAX}")
            }
        }
    }
}

impl std::error::Error for SpecError {}

/// Refuses a period that cannot be counted in whole seconds.
pub(super) fn validate_period(period: Duration) -> Result<(), SpecError> {
    if period.as_secs() == 0 || period.subsec_nanos() != 0 {
        return Err(SpecError::InvalidPeriod(period));
    }
    Ok(())
}
