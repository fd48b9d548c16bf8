//! Which processes does another node watch by their names?
//!
//! Role       A monitor by name is taken back by the node that set it, which does not know who had
//!            the name then: here that is kept.
//! Invariant  An entry lasts as long as its monitor: until it is taken back, has fired, or the
//!            connection is lost, with which all of them go.
//! Limit      One entry per monitor.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::envelope::Signal;
use crate::node::Core;
use crate::{Pid, Reason};

/// The monitors by name of one connection: who watches, by which monitor, and whom.
#[derive(Default)]
pub(super) struct Named(Mutex<HashMap<(Pid, u64), Pid>>);

impl Named {
    fn lock(&self) -> MutexGuard<'_, HashMap<(Pid, u64), Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Sets a monitor for a process of another node on whoever has this name now.
    pub(super) fn monitor_of_name_arrived(&self, watcher: Pid, name: &str, id: u64) {
        let Some(pid) = self.names().find(name) else {
            let nobody = Signal::Down {
                id,
                from: crate::node::guest(self.id()),
                reason: Reason::NoProc,
            };
            return self.send_signal(watcher, nobody);
        };
        // Before it is set: it may fire at once.
        if let Some(connection) = self.ports().get(watcher.node()) {
            connection.named.lock().insert((watcher, id), pid);
        }
        let name = None;
        self.signal_arrived(pid, Signal::Monitor { watcher, id, name });
    }

    /// Takes a monitor back that was set on a name.
    pub(super) fn demonitor_of_name_arrived(&self, watcher: Pid, id: u64) {
        if let Some(pid) = self.take_named(watcher, id) {
            self.send_signal(pid, Signal::Demonitor { watcher, id });
        }
    }

    /// Who was watched by this monitor, which is no more.
    pub(super) fn take_named(&self, watcher: Pid, id: u64) -> Option<Pid> {
        let connection = self.ports().get(watcher.node())?;
        connection.named.lock().remove(&(watcher, id))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::envelope::{Codec, Tag};
    use crate::{Loopback, Mail, Message, Node, Process};

    #[derive(Debug)]
    struct Go;

    impl Message for Go {
        const NAME: &'static str = "go";
        const CODEC: Codec<Self> = Codec::local();
        fn tag() -> Tag {
            Tag::of("tests", "named", "go")
        }
    }

    #[test]
    fn nothing_is_kept_of_a_monitor_that_was_taken_back_or_has_fired() {
        let [here, there] = ["here", "there"].map(|name| {
            let node = Node::builder().name(name).start();
            node.expect("started")
        });
        let _wire = Loopback::connect(&here, &there);
        let holder = there.spawn_fn(|mut me: Process<Go>| async move { drop(me.recv().await) });
        let holder = holder.expect("spawned");
        there.register("holder", &holder).expect("free");
        let kept = || {
            let connection = there.core().ports().get(here.id());
            connection.expect("connected").named.lock().len()
        };
        let (id, seen) = (
            there.id(),
            std::sync::Arc::new(std::sync::Mutex::new(Vec::new())),
        );
        let watcher = here.spawn_fn({
            let seen = std::sync::Arc::clone(&seen);
            move |mut me: Process<Go>| async move {
                let first = me.monitor_name_at(id, "holder");
                me.monitor_name_at(id, "holder");
                assert!(me.demonitor(first));
                seen.lock().expect("short").push("set");
                while let Mail::Msg(_) = me.recv().await {}
                seen.lock().expect("short").push("down");
                std::future::pending::<()>().await;
            }
        });
        let watcher = watcher.expect("spawned");
        let until = |what: &str| {
            while !seen.lock().expect("short").contains(&what) {
                here.block_on(here.sleep(Duration::from_millis(1)));
            }
        };
        until("set");
        assert_eq!(kept(), 1);
        holder.send(Go).expect("local");
        until("down");
        assert_eq!(kept(), 0);
        here.exit(&watcher, crate::Reason::Kill);
        for node in [here, there] {
            let stopped = node.shutdown_blocking(Duration::from_secs(60));
            stopped.expect("nothing runs");
        }
    }
}
