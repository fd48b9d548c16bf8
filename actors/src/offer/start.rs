//! How does a process start an actor on another node?
//!
//! Role       Asks that node, waits for the answer of the child, and says that it came.
//! Invariant  Whoever does not wait any more, because its time is over, or it dropped the start, or
//!            it ended, says so: what was started is ended there.
//! Source     otp: erlang:spawn_request/5, spawn_request_abandon/1

use std::fmt;
use std::future::IntoFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foundation_runtime::{
    CALL_TIMEOUT, Codec, Destination, Me, MonitorRef, Node, NodeId, Pid, Portable, SendError, me,
};

use super::desk::{DESK, Desk};
use super::error::RemoteSpawnError;
use super::words::{StartId, Wanted};
use crate::server::{Actor, Address, BoxFuture, Name, Ref, Remote};

/// How long a starter rests that finds no room for its word.
const ROOM_PAUSE: Duration = Duration::from_millis(10);

/// How many starts a node has asked others for.
#[derive(Default)]
struct Starts(AtomicU64);

/// An actor that is about to start on another node: awaited, it is there when its init is done.
#[must_use = "a start does nothing until it is awaited"]
pub struct RemoteSpawn<A: Actor, T = Ref<A>> {
    node: Node,
    at: Box<str>,
    args: A::Args,
    name: Option<Box<str>>,
    link: bool,
    monitor: bool,
    bound: Duration,
    /// What the starter gets.
    shape: fn(Ref<A>, Option<MonitorRef>) -> T,
}

impl Remote {
    /// Starts an actor there from the arguments of its `#[init]`, and waits until that is done. The
    /// node has to offer the type: see `offer` of its cluster's builder, or [`Offers`](crate::Offers).
    pub fn spawn<A: Actor<Args: Portable>>(&self, args: A::Args) -> RemoteSpawn<A> {
        RemoteSpawn::new(self, args, |actor, _| actor)
    }

    /// The same, linked with the process that starts it.
    pub fn spawn_link<A: Actor<Args: Portable>>(&self, args: A::Args) -> RemoteSpawn<A> {
        let start = self.spawn(args);
        RemoteSpawn {
            link: true,
            ..start
        }
    }

    /// The same, watched by the process that starts it.
    pub fn spawn_monitor<A: Actor<Args: Portable>>(
        &self,
        args: A::Args,
    ) -> RemoteSpawn<A, (Ref<A>, MonitorRef)> {
        let start = RemoteSpawn::new(self, args, |actor, monitor| match monitor {
            Some(monitor) => (actor, monitor),
            None => unreachable!("it was asked for"),
        });
        RemoteSpawn {
            monitor: true,
            ..start
        }
    }
}

impl<A: Actor, T> RemoteSpawn<A, T> {
    fn new(remote: &Remote, args: A::Args, shape: fn(Ref<A>, Option<MonitorRef>) -> T) -> Self {
        Self {
            node: remote.node().clone(),
            at: remote.name().into(),
            args,
            name: None,
            link: false,
            monitor: false,
            bound: CALL_TIMEOUT,
            shape,
        }
    }

    /// Registers it there under this name, before its init runs.
    pub fn name(self, name: Name<A>) -> Self {
        self.named(Some(name.as_str().into()))
    }

    pub(crate) fn named(mut self, name: Option<Box<str>>) -> Self {
        self.name = name;
        self
    }

    /// How long the answer may take, its init included: 5 seconds unless set. Then it is killed, if
    /// it came to be.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }
}

impl<A: Actor, T> fmt::Debug for RemoteSpawn<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSpawn")
            .field("actor", &A::NAME)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl<A: Actor<Args: Portable>, T: 'static> IntoFuture for RemoteSpawn<A, T> {
    type Output = Result<T, RemoteSpawnError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

impl<A: Actor<Args: Portable>, T> RemoteSpawn<A, T> {
    async fn start(self) -> Result<T, RemoteSpawnError> {
        let node = &self.node;
        let starter = me().filter(|me| me.node() == *node);
        if (self.link || self.monitor) && starter.is_none() {
            return Err(RemoteSpawnError::NoProcess);
        }
        let at = match *self.at == *node.name() {
            true => Some(node.id()),
            false => node.peer(&self.at),
        };
        let at = at.ok_or_else(|| RemoteSpawnError::NoNode(self.at.clone()))?;
        let args = Codec::<A::Args>::portable().write(&self.args);
        let args = args.map_err(|error| RemoteSpawnError::Arguments(error.to_string().into()))?;
        let mut waiting = Waiting {
            node: node.clone(),
            at,
            id: StartId {
                of: node.id(),
                number: node.shared::<Starts>().0.fetch_add(1, Ordering::Relaxed),
            },
            link: starter.filter(|_| self.link).map(|me| me.link_unborn(at)),
            monitor: starter
                .filter(|_| self.monitor)
                .map(|me| me.monitor_unborn(at)),
            child: None,
            over: false,
        };
        let wanted = Wanted {
            id: waiting.id,
            actor: A::type_tag(),
            name: self.name.map(String::from),
            args,
            link: waiting.link,
            monitor: waiting.monitor,
            leader: starter.and_then(Me::group_leader),
            bound: self.bound,
        };
        let until = node.now().saturating_add(self.bound);
        let answer = waiting.desk().start(wanted).timeout(self.bound).await;
        let said = match answer {
            Ok(said) => said.map_err(|why| RemoteSpawnError::said(why, &self.at, A::NAME)),
            Err(error) => Err(RemoteSpawnError::unsaid(error, &self.at, A::NAME)),
        };
        let pid = said.map_err(|error| waiting.failed(error))?;
        waiting.born(pid);
        waiting.settle(until).await?;
        let actor = Ref::of_pid(node, pid);
        Ok((self.shape)(actor, waiting.keep()))
    }
}

/// Who waits for a start; dropped, it is given up.
struct Waiting {
    node: Node,
    at: NodeId,
    id: StartId,
    link: Option<MonitorRef>,
    monitor: Option<MonitorRef>,
    /// The child, when it has answered.
    child: Option<Pid>,
    /// The other node knows that nobody waits, or nobody has to tell it.
    over: bool,
}

impl Waiting {
    fn desk(&self) -> Ref<Desk> {
        let to = Destination::Name(self.at, DESK.as_str().into());
        Ref::from_address(Address::new(self.node.clone(), to))
    }

    /// The child is there, and has its ends of link and monitor.
    fn born(&mut self, pid: Pid) {
        self.child = Some(pid);
        for watch in [self.link, self.monitor].into_iter().flatten() {
            if let Some(me) = me() {
                me.born(watch, pid);
            }
        }
    }

    /// Says that the answer came. Until there is room for that word the child may still be ended, and
    /// the start is not done.
    async fn settle(&mut self, until: Duration) -> Result<(), RemoteSpawnError> {
        loop {
            match self.desk().settle(self.id) {
                Ok(()) => break,
                Err(SendError::Full) if self.node.now() < until => {
                    self.node.sleep(ROOM_PAUSE).await;
                }
                Err(_) => return Err(RemoteSpawnError::Timeout),
            }
        }
        self.over = true;
        Ok(())
    }

    /// There is no child, or none any more; unless nobody knows.
    fn failed(&mut self, error: RemoteSpawnError) -> RemoteSpawnError {
        self.over = error != RemoteSpawnError::Timeout;
        if let RemoteSpawnError::Failed(_) | RemoteSpawnError::Ignore = error {
            // As at home: its exit comes, too.
            self.link = None;
        }
        error
    }

    /// Link and monitor last; yields the monitor.
    fn keep(&mut self) -> Option<MonitorRef> {
        self.link = None;
        self.monitor.take()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            // Where there is no room for it, the other node's own bound ends the child.
            let _ = self.desk().give_up(self.id);
        }
        let Some(me) = me() else { return };
        if let (Some(_), Some(child)) = (self.link, self.child) {
            me.unlink(child);
        }
        for watch in [self.link, self.monitor].into_iter().flatten() {
            me.forget_unborn(watch);
        }
    }
}
