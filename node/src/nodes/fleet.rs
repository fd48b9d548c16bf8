//! How do the nodes of a job live, as processes of the operating system?
//!
//! Role       Starts them, starts them again, kills and stops them when asked to.
//! Inputs     Where the first node listens; what is to happen.
//! Owns       The processes, and the other end of their standard input: they end with it.
//! Limit      A node is started again [`AGAIN`] after its end.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{dirty_io, random_bytes};
use rustix::process::{Pid as OsPid, Signal, kill_process};

use super::child::Orders;
use super::launcher::Launcher;
use crate::job::{Faults, node_name};

/// How long after its end a node is started again.
const AGAIN: Duration = Duration::from_millis(100);
/// How long a node is cut off: longer than others take to give it up.
const CUT: Duration = Duration::from_secs(4);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// The nodes beside the first.
pub(crate) struct Fleet {
    program: PathBuf,
    launcher: Launcher,
    orders: Orders,
    /// Whether their errors would spoil the screen.
    quiet: bool,
    slots: Mutex<Vec<Slot>>,
}

#[derive(Default)]
struct Slot {
    number: u32,
    child: Option<Child>,
    /// It was killed or has ended, and this much later it is started again.
    again: Option<Duration>,
    /// It was just stopped, or goes on then.
    stopped: bool,
    resume: Option<Duration>,
}

/// For the fleet's faults, which processes of the job ask for.
struct Blows(Arc<Fleet>);

impl Fleet {
    /// A secret for a job's nodes.
    pub(crate) fn secret() -> [u8; 32] {
        random_bytes()
    }

    /// Starts nodes 2 and on.
    pub(crate) fn start(nodes: u32, orders: Orders, quiet: bool) -> io::Result<Arc<Self>> {
        let fleet = Self {
            program: std::env::current_exe()?,
            launcher: Launcher::new()?,
            orders,
            quiet,
            slots: Mutex::default(),
        };
        for number in 2..=nodes {
            let child = fleet.launch(number)?;
            fleet.slots().push(Slot {
                number,
                child: Some(child),
                ..Slot::default()
            });
        }
        Ok(Arc::new(fleet))
    }

    /// What processes of the job may do to them.
    pub(crate) fn blows(self: &Arc<Self>) -> Box<dyn Faults> {
        Box::new(Blows(Arc::clone(self)))
    }

    fn launch(&self, number: u32) -> io::Result<Child> {
        let orders = Orders {
            name: node_name(number),
            ..self.orders.clone()
        };
        let errors = match self.quiet {
            true => Stdio::null(),
            false => Stdio::inherit(),
        };
        let mut command = Command::new(&self.program);
        let command_line = command.arg("node").stdin(Stdio::piped());
        // A group of its own: keys of the terminal are for the first node.
        let apart = command_line.stdout(Stdio::null()).process_group(0);
        apart.stderr(errors);
        let mut child = self.launcher.launch(command)?;
        if let Some(input) = &mut child.stdin {
            let orders = serde_json::to_string(&orders).map_err(io::Error::other)?;
            // A node that has ended already is found by its end.
            drop(writeln!(input, "{orders}").and_then(|()| input.flush()));
        }
        Ok(child)
    }

    /// Looks after them for as long as the node lives.
    pub(crate) async fn tend(fleet: Arc<Self>, node: Node) {
        loop {
            let (shared, now) = (Arc::clone(&fleet), node.now());
            // Starting a process of the system takes its time.
            let _ = dirty_io(move || shared.look(now)).await;
            foundation::time::sleep(LOOK).await;
        }
    }

    fn look(&self, now: Duration) {
        for slot in self.slots().iter_mut() {
            if std::mem::take(&mut slot.stopped) {
                slot.resume = Some(now + CUT);
            }
            if slot.resume.is_some_and(|resume| resume <= now) {
                slot.resume = None;
                slot.signal(Signal::CONT);
            }
            if let Some(child) = &mut slot.child
                && !matches!(child.try_wait(), Ok(None))
            {
                slot.child = None;
            }
            if slot.child.is_none() {
                let again = *slot.again.get_or_insert(now + AGAIN);
                if again <= now {
                    slot.again = None;
                    slot.resume = None;
                    slot.child = self.launch(slot.number).ok();
                }
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            // It is not waited for, so the number is its own; one that has ended takes no signal.
            let _ = kill_process(OsPid::from_child(child), signal);
        }
    }
}

impl Faults for Blows {
    fn kill(&self, node: u32) {
        let mut slots = self.0.slots();
        if let Some(slot) = slots.iter_mut().find(|slot| slot.number == node) {
            slot.signal(Signal::KILL);
        }
    }

    fn cut(&self, node: u32) {
        let mut slots = self.0.slots();
        if let Some(slot) = slots.iter_mut().find(|slot| slot.number == node) {
            slot.stopped = true;
            slot.signal(Signal::STOP);
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for slot in self.slots().iter_mut() {
            if let Some(mut child) = slot.child.take() {
                drop(child.kill());
                drop(child.wait());
            }
        }
    }
}
