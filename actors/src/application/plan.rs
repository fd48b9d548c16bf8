//! In which order do applications start?
//!
//! Role       Dependencies first, each once, in the order in which they are named.
//! Inputs     What each application depends on, and which run already.
//! Outputs    The names to start, in order, or a [`PlanError`]: then there is no such order.
//! Invariant  Whoever is in the order comes after all that it depends on and that does not run yet.
//! Absent     Processes, locks, clocks.
//! Source     otp: application:ensure_all_started/1

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The name of an application. Cloning shares the text.
pub type AppName = Arc<str>;

/// What each application depends on.
pub type Dependencies = BTreeMap<AppName, Vec<AppName>>;

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// This application is not known.
    NotLoaded(AppName),
    /// These need each other: each the next, and the last the first.
    Cycle(Vec<AppName>),
}

/// Who has to be started, in this order, so that `wanted` runs.
///
/// # Errors
/// [`PlanError`].
pub fn start_order(
    all: &Dependencies,
    running: &BTreeSet<AppName>,
    wanted: &AppName,
) -> Result<Vec<AppName>, PlanError> {
    let mut plan = Plan {
        all,
        done: running.clone(),
        path: Vec::new(),
        order: Vec::new(),
    };
    plan.visit(wanted)?;
    assert!(plan.path.is_empty(), "every visit has ended");
    Ok(plan.order)
}

struct Plan<'a> {
    all: &'a Dependencies,
    done: BTreeSet<AppName>,
    /// Who is being visited, each needed by the one before.
    path: Vec<AppName>,
    order: Vec<AppName>,
}

impl Plan<'_> {
    fn visit(&mut self, name: &AppName) -> Result<(), PlanError> {
        if self.done.contains(name) {
            return Ok(());
        }
        if let Some(at) = self.path.iter().position(|other| other == name) {
            return Err(PlanError::Cycle(self.path[at..].to_vec()));
        }
        let needs = self.all.get(name);
        let needs = needs.ok_or_else(|| PlanError::NotLoaded(Arc::clone(name)))?;
        self.path.push(Arc::clone(name));
        for need in needs {
            self.visit(need)?;
        }
        self.path.pop();
        self.done.insert(Arc::clone(name));
        self.order.push(Arc::clone(name));
        Ok(())
    }
}
