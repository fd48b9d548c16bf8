//! What does a program see of a simulated network?
//!
//! Role       A host, its listeners, and streams: the twins of the machine's sockets.
//! Invariant  A process that waits for bytes is woken when they arrive, not before; a stream that
//!            is dropped is closed both ways.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use foundation_runtime::{Node, World};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::directory::SimName;
use super::pipe::{End, Found};
use super::state::{Dialled, HostId, PipeId, State};
use super::tick;
use crate::machine::Tick;
use crate::transport::KNOCK;

/// How long a dialler waits for an answer before it asks again; doubled each time.
const SYN_RETRY: Duration = Duration::from_secs(1);
const SYN_RETRY_MAX: Duration = Duration::from_secs(32);

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits in the network's time: no clock of a node that goes wrong is asked. In a real world there
/// is none but those.
async fn pause_in(world: &World, node: &Node, pause: Duration) {
    match world.is_simulated() {
        true => world.sleep(pause).await,
        false => node.sleep(pause).await,
    }
}

/// A host of a simulated network.
#[derive(Clone)]
pub(crate) struct SimHost {
    state: Shared,
    world: World,
    id: HostId,
    /// Which life of the host this belongs to.
    life: u32,
    name: Box<str>,
}

impl std::fmt::Debug for SimHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimHost({})", self.name)
    }
}

impl SimHost {
    pub(super) fn new(state: Shared, world: World, id: HostId, name: &str) -> Self {
        let (life, name) = (lock(&state).life(id), name.into());
        Self {
            state,
            world,
            id,
            life,
            name,
        }
    }

    pub(super) async fn pause(&self, node: &Node, pause: Duration) {
        pause_in(&self.world, node, pause).await;
    }

    /// What is said of a name, to whom it is said at all.
    pub(super) fn name_says(&self, name: &str) -> Option<SimName> {
        match self.check_alive() {
            Ok(()) => lock(&self.state).names.get(name).cloned(),
            Err(_) => Some(SimName::Silent),
        }
    }

    /// Who was killed opens nothing any more.
    fn check_alive(&self) -> io::Result<()> {
        match lock(&self.state).life(self.id) == self.life {
            true => Ok(()),
            false => Err(ErrorKind::NetworkDown.into()),
        }
    }

    pub(crate) fn listen(&self, address: &str) -> io::Result<SimListener> {
        self.check_alive()?;
        if !lock(&self.state).open(address, self.id) {
            return Err(ErrorKind::AddrInUse.into());
        }
        Ok(SimListener {
            state: Arc::clone(&self.state),
            world: self.world.clone(),
            owner: (self.id, self.life),
            address: address.into(),
        })
    }

    pub(crate) async fn dial(
        &self,
        node: &Node,
        address: &str,
        knocks: bool,
    ) -> io::Result<SimStream> {
        let (mut pause, most) = match knocks {
            true => (KNOCK, KNOCK),
            false => (SYN_RETRY, SYN_RETRY_MAX),
        };
        loop {
            self.check_alive()?;
            let dialled = lock(&self.state).dial(self.id, address);
            match dialled {
                Dialled::Connected(out, back, takes) => {
                    let stream = SimStream::new(&self.state, &self.world, node, back, out);
                    pause_in(&self.world, node, takes).await;
                    let arrived = lock(&self.state).arrive(address, out, back);
                    return match arrived {
                        true => Ok(stream),
                        false => Err(ErrorKind::ConnectionRefused.into()),
                    };
                }
                Dialled::Refused(takes) => {
                    pause_in(&self.world, node, takes).await;
                    return Err(ErrorKind::ConnectionRefused.into());
                }
                Dialled::Silence => pause_in(&self.world, node, pause).await,
            }
            pause = (pause * 2).min(most);
        }
    }
}

/// Where a host takes connections.
pub(crate) struct SimListener {
    state: Shared,
    world: World,
    /// The host, and which life of it: the next one may listen here as well.
    owner: (HostId, u32),
    address: Box<str>,
}

impl std::fmt::Debug for SimListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimListener({})", self.address)
    }
}

impl SimListener {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn accept(&mut self, node: &Node) -> io::Result<(SimStream, Box<str>)> {
        poll_fn(|cx| {
            let mut state = lock(&self.state);
            let Some(door) = state.doors.get_mut(&self.address) else {
                return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
            };
            match door.waiting.pop_front() {
                Some((out, back, from)) => {
                    drop(state);
                    let stream = SimStream::new(&self.state, &self.world, node, back, out);
                    Poll::Ready(Ok((stream, from)))
                }
                None => {
                    door.acceptor = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let now = tick(self.world.now());
        lock(&self.state).close(now, &self.address, self.owner);
    }
}

/// Bytes in order, both ways.
pub(crate) struct SimStream {
    state: Shared,
    /// Its clock: each node of a real world has one of its own.
    world: World,
    node: Node,
    incoming: PipeId,
    outgoing: PipeId,
    sleep: Option<(Tick, Pin<Box<dyn Future<Output = ()> + Send>>)>,
}

impl std::fmt::Debug for SimStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimStream({})", self.outgoing)
    }
}

impl SimStream {
    fn new(state: &Shared, world: &World, node: &Node, incoming: PipeId, outgoing: PipeId) -> Self {
        Self {
            state: Arc::clone(state),
            world: world.clone(),
            node: node.clone(),
            incoming,
            outgoing,
            sleep: None,
        }
    }

    fn now(&self) -> Tick {
        tick(self.world.now())
    }

    /// Something comes at this time, and what comes earlier wakes as well.
    fn wait_for(&mut self, at: Tick, cx: &mut Context<'_>) -> Poll<()> {
        if !self.world.is_simulated() {
            return self.sleep_until(at, cx);
        }
        let way = |state: &mut State| state.ways.get_mut(&self.incoming)?.pipe.alarm(at);
        let alarm = way(&mut lock(&self.state));
        self.ring(alarm);
        Poll::Pending
    }

    fn ring(&self, alarm: Option<(Tick, Waker)>) {
        if let Some((at, waker)) = alarm {
            self.world.wake_at(at.since(Tick::ZERO), waker);
        }
    }

    /// In a real world: waits until this time, at most.
    fn sleep_until(&mut self, until: Tick, cx: &mut Context<'_>) -> Poll<()> {
        let armed = self.sleep.as_ref().is_some_and(|(at, _)| *at == until);
        if !armed {
            let (node, pause) = (self.node.clone(), until.since(self.now()));
            let sleep = async move { node.sleep(pause).await };
            self.sleep = Some((until, Box::pin(sleep)));
        }
        let Some((_, sleep)) = &mut self.sleep else {
            return Poll::Pending;
        };
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }
}

impl AsyncRead for SimStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let (now, room) = (this.now(), buffer.initialize_unfilled());
            let found = match lock(&this.state).ways.get_mut(&this.incoming) {
                Some(way) => way.pipe.read(now, room, cx.waker()),
                None => Found::End(End::Reset),
            };
            match found {
                Found::Bytes(count) => buffer.advance(count),
                Found::End(End::Finished) => {}
                Found::End(End::Reset) => {
                    return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
                }
                Found::Later(at) => {
                    ready!(this.wait_for(at, cx));
                    continue;
                }
                Found::Nothing => return Poll::Pending,
            }
            return Poll::Ready(Ok(()));
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let now = self.now();
        let mut state = lock(&self.state);
        let Some(way) = state.ways.get_mut(&self.outgoing) else {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        };
        if way.pipe.is_abandoned(now) || way.pipe.has_ended() {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let count = way.pipe.room(cx.waker()).min(bytes.len());
        if count == 0 && !bytes.is_empty() {
            return Poll::Pending;
        }
        let alarm = state.send(now, self.outgoing, &bytes[..count]);
        drop(state);
        self.ring(alarm);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.state).finish(self.now(), self.outgoing, End::Finished);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let now = self.now();
        let mut state = lock(&self.state);
        state.finish(now, self.outgoing, End::Finished);
        state.abandon(now, self.incoming);
        state.let_go(self.outgoing);
        state.let_go(self.incoming);
    }
}
