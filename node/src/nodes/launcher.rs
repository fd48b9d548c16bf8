//! Which thread starts the nodes of a job?
//!
//! Role       One thread that starts processes of the operating system, for as long as it is owned.
//! Inputs     Commands, from any thread.
//! Outputs    What was started.
//! Invariant  It ends with its owner and no earlier: Linux kills a process that asked for it when the
//!            thread that started it ends, and threads for blocking work end when they are idle.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};

/// The thread, from outside.
pub(super) struct Launcher(Sender<Order>);

struct Order {
    command: Command,
    started: Sender<io::Result<Child>>,
}

impl Launcher {
    #[expect(
        clippy::disallowed_methods,
        reason = "the system asks which thread started a process"
    )]
    pub(super) fn new() -> io::Result<Self> {
        let (orders, taken) = channel();
        let thread = std::thread::Builder::new().name("launcher".into());
        thread.spawn(move || serve(&taken))?;
        Ok(Self(orders))
    }

    pub(super) fn launch(&self, command: Command) -> io::Result<Child> {
        let (started, answer) = channel();
        let gone = |_| io::Error::other("the thread that starts nodes is gone");
        let sent = self.0.send(Order { command, started });
        sent.map_err(|_| gone(()))?;
        answer.recv().map_err(|_| gone(()))?
    }
}

fn serve(orders: &Receiver<Order>) {
    for mut order in orders.iter() {
        // Who does not wait for it any more ends it by dropping its input.
        let _ = order.started.send(order.command.spawn());
    }
}
