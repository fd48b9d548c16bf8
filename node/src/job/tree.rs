//! Who watches over whom?
//!
//! Role       The supervision tree of the job.
//! Outputs    An [`Application`]:
//!
//! ```text
//! job (one for one)
//! ├─ counting (rest for one)
//! │  ├─ table       what is counted; its ledger outlives it
//! │  └─ clients     dynamic, temporary: one process per client
//! ├─ router         sorts and hands out; linked with a starter
//! ├─ reader
//! └─ bystanders     dynamic, temporary: what the operator lets loop for ever
//! ```
//!
//! Invariant  Clients never outlive the table they know: it is before them, rest for one.

use std::sync::Arc;

use foundation::prelude::*;
use foundation::{Application, Shutdown};

use super::Job;
use super::bystander::{BYSTANDERS, BYSTANDERS_MAX, Bystander};
use super::client::Client;
use super::reader::{READER, Reader};
use super::router::{ROUTER, Router};
use super::spread::{host_tree, steward};
use super::table::{Heir, TABLE, Table};

pub(crate) const CLIENTS: Name<Dynamic<Client>> = Name::new("clients");
pub(crate) const COUNTING: Name<Supervisor> = Name::new("counting");

/// What each node has of a job on several nodes.
const HERE: Name<Supervisor> = Name::new("here");

/// More restarts of one branch than these, in five seconds, are no accident.
const RESTARTS_MAX: u32 = 50;

/// The tree of a job, to be started.
pub(crate) fn tree(job: &Arc<Job>) -> Application {
    let clients = Supervisor::dynamic::<Client>()
        .temporary()
        .max_children(job.clients_max)
        .shutdown(Shutdown::BrutalKill)
        .name(CLIENTS);
    let heir = Arc::new(Heir::default());
    let counting = Supervisor::rest_for_one()
        .intensity(RESTARTS_MAX, secs(5))
        .name(COUNTING)
        .child(child_with::<Table>(heir).name(TABLE))
        .child(clients);
    let bystanders = Supervisor::dynamic::<Bystander>()
        .temporary()
        .max_children(BYSTANDERS_MAX)
        .shutdown(Shutdown::BrutalKill)
        .name(BYSTANDERS);
    let top = Supervisor::one_for_one()
        .intensity(RESTARTS_MAX, secs(5))
        .child(counting)
        .child(child_with::<Router>(Arc::clone(job)).name(ROUTER))
        .child(child_with::<Reader>(Arc::clone(job)).name(READER))
        .child(bystanders);
    let top = match &job.spread {
        None => top,
        Some(spread) => {
            let spread = Arc::clone(spread);
            let steward = child_fn("steward", move |me| steward(me, Arc::clone(&spread)));
            top.child(host_tree(job.clients_max).name(HERE))
                .child(steward)
        }
    };
    Application::new("foundation", top)
}
