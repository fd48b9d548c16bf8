//! How is a member reached that is not always connected?
//!
//! Role       One port for each member, whether there is a connection to it or not: what is sent without one
//!            waits, and asks for one.
//! Limit      [`WAITING_BYTES_MAX`] wait for a connection, signals apart; senders wait from
//!            [`HELD_BYTES`] on.
//! Invariant  What is sent to a member arrives in order, also across connections that ended because
//!            nobody needed them; or everybody who has to do with the member is told of the loss. Of two
//!            nodes that are connected, both have told of a loss, or neither has: where a connection ended
//!            in one way for one of them, and in another for the other, the next one shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use foundation_runtime::{CallError, Carried, Freight, FreightKind, Node, NodeId, Pid, Port};

use super::association::Association;
use super::keeper::Keeper;
use crate::handshake::Who;
use crate::mesh::{Loss, MeshRef};

/// How many bytes of messages wait for a connection.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// From so many on a process that sends is held.
const HELD_BYTES: usize = 64 << 10;

/// The members of a cluster, as ports of one node.
#[derive(Debug)]
pub(crate) struct Ways {
    node: Node,
    mesh: MeshRef,
    keeper: Arc<Keeper>,
    by_id: Mutex<BTreeMap<NodeId, (Arc<Way>, u32)>>,
}

impl Ways {
    pub(crate) fn new(node: &Node, keeper: &Arc<Keeper>) -> Self {
        Self {
            node: node.clone(),
            mesh: MeshRef::of(node),
            keeper: Arc::clone(keeper),
            by_id: Mutex::default(),
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<NodeId, (Arc<Way>, u32)>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This member may be spoken to from here on.
    pub(crate) fn reach(&self, who: &Who) {
        let id = NodeId::of(&who.name, who.incarnation);
        let mut all = self.all();
        if let Some((way, _)) = all.get(&id) {
            // A mesh that has begun anew has not been asked.
            way.ask_again();
            return;
        }
        let way = Arc::new(Way::new(self, who));
        let number = self.node.connect_port(id, &who.name, way.clone());
        all.insert(id, (way, number));
    }

    /// It is connected by this: what waits is sent.
    pub(crate) fn attach(&self, of: &Arc<Association>) {
        let mut all = self.all();
        if let Some((way, number)) = all.get(&of.peer_id)
            && !way.attach(of)
        {
            // It still has another connection, whose end has not been told.
            self.node.disconnect_port(of.peer_id, *number);
            all.remove(&of.peer_id);
        }
        all.entry(of.peer_id).or_insert_with(|| {
            let way = Arc::new(Way::new(self, &of.peer));
            way.attach(of);
            let name = &of.peer.name;
            let number = self.node.connect_port(of.peer_id, name, way.clone());
            (way, number)
        });
    }

    /// Nothing is sent over this any more: what is sent from here on waits for another connection.
    pub(crate) fn detach(&self, of: &Arc<Association>) {
        if let Some((way, _)) = self.all().get(&of.peer_id) {
            way.detach(of);
        }
    }

    /// It is needed after all; where it is over by now, nothing happens.
    pub(crate) fn reattach(&self, of: &Arc<Association>) {
        let all = self.all();
        if let Some((way, _)) = all.get(&of.peer_id).filter(|(way, _)| way.comes_after(of)) {
            way.attach(of);
        }
    }

    /// This connection is over. That is a loss, unless both ends have agreed on it.
    pub(super) fn broke(&self, of: &Arc<Association>) {
        let mut all = self.all();
        let is_it = |(way, _): &(Arc<Way>, u32)| {
            way.leads_over(of) || way.comes_after(of) && !of.is_agreed()
        };
        if all.get(&of.peer_id).is_some_and(is_it)
            && let Some((way, number)) = all.remove(&of.peer_id)
        {
            drop(all);
            self.end(of.peer_id, &way, number);
        }
    }

    /// The other end goes on where this connection ended, or begins. Who would go on with something else
    /// has missed a loss.
    pub(super) fn compare(&self, of: &Arc<Association>, theirs: Option<u64>) {
        let ours = of.goes_on_after();
        if ours.is_none() || ours == theirs {
            return;
        }
        let mut all = self.all();
        let Some((way, number)) = all.get(&of.peer_id) else {
            return;
        };
        if way.leads_over(of) {
            way.end();
            self.node.disconnect_port(of.peer_id, *number);
            let way = Arc::new(Way::new(self, &of.peer));
            *way.write() = State::There(Arc::clone(of));
            let name = &of.peer.name;
            let number = self.node.connect_port(of.peer_id, name, way.clone());
            all.insert(of.peer_id, (way, number));
        }
    }

    /// This member cannot be spoken to any more, or nobody reaches it from here.
    pub(crate) fn lose(&self, who: &Who) {
        let id = NodeId::of(&who.name, who.incarnation);
        let mut all = self.all();
        let is_there = all.get(&id).is_some_and(|(way, _)| way.is_attached());
        // The end of its connection ends it.
        if !is_there && let Some((way, number)) = all.remove(&id) {
            drop(all);
            self.end(id, &way, number);
        }
    }

    fn end(&self, id: NodeId, way: &Way, number: u32) {
        way.end();
        self.node.disconnect_port(id, number);
    }

    /// It stands, and one before it broke: marks go over it, behind all that waited.
    pub(super) fn mark(&self, of: &Association) {
        if of.goes_on_after().is_none() {
            let ordering = &self.keeper.ordering;
            ordering.mark(of.peer_id, |channel, frame| of.mark(channel, frame));
        }
    }
}

/// The way to one member.
#[derive(Debug)]
struct Way {
    node: Node,
    mesh: MeshRef,
    keeper: Arc<Keeper>,
    who: Who,
    state: RwLock<State>,
}

#[derive(Debug)]
enum State {
    /// There is no connection; this waits for one.
    Away(Waiting),
    There(Arc<Association>),
    Over,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The connection that ended last, because nobody needed it.
    after: Option<u64>,
    frames: Vec<(Vec<u8>, Freight)>,
    bytes: usize,
    held: BTreeSet<Pid>,
}

impl Way {
    fn new(ways: &Ways, who: &Who) -> Self {
        Self {
            node: ways.node.clone(),
            mesh: ways.mesh.clone(),
            keeper: Arc::clone(&ways.keeper),
            who: who.clone(),
            state: RwLock::new(State::Away(Waiting::default())),
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_attached(&self) -> bool {
        matches!(*self.read(), State::There(_))
    }

    fn leads_over(&self, of: &Arc<Association>) -> bool {
        matches!(&*self.read(), State::There(there) if Arc::ptr_eq(there, of))
    }

    fn comes_after(&self, of: &Association) -> bool {
        matches!(&*self.read(), State::Away(waiting) if waiting.after == Some(of.link))
    }

    fn id(&self) -> NodeId {
        NodeId::of(&self.who.name, self.who.incarnation)
    }

    fn ask_again(&self) {
        let waits = matches!(&*self.read(), State::Away(waiting) if !waiting.frames.is_empty());
        if waits {
            self.ask();
        }
    }

    fn ask(&self) {
        // A mesh that has ended asks when it begins anew.
        let _ = self.mesh.mesh().wanted(self.who.clone());
    }

    /// `false` when there is a connection already.
    fn attach(&self, of: &Arc<Association>) -> bool {
        let mut state = self.write();
        let State::Away(waiting) = &mut *state else {
            return matches!(&*state, State::There(there) if Arc::ptr_eq(there, of));
        };
        let waiting = std::mem::take(waiting);
        if waiting.after != Some(of.link) {
            of.go_on(waiting.after);
        }
        if !waiting.frames.is_empty() {
            of.use_it();
        }
        for (frame, freight) in waiting.frames {
            let unsent = match of.carry(frame, freight) {
                Carried::Taken | Carried::Busy => None,
                Carried::Full => Some(CallError::Full),
                Carried::NoChannel => Some(CallError::NoConnection),
                // Its end will be told to everybody.
                Carried::Gone => None,
            };
            if let (Some(why), Some(request)) = (unsent, freight.request) {
                self.node.refuse_request(request, &why);
            }
        }
        *state = State::There(Arc::clone(of));
        drop(state);
        self.release(waiting.held);
        true
    }

    fn detach(&self, of: &Arc<Association>) {
        let mut state = self.write();
        if matches!(&*state, State::There(there) if Arc::ptr_eq(there, of)) {
            *state = State::Away(Waiting {
                after: Some(of.link),
                ..Waiting::default()
            });
        }
    }

    fn release(&self, held: BTreeSet<Pid>) {
        for pid in held {
            self.node.release(pid);
        }
    }

    /// Nothing is sent any more: what is to be acknowledged is kept for when its node is there again.
    fn end(&self) {
        let state = std::mem::replace(&mut *self.write(), State::Over);
        if let State::Away(waiting) = state {
            let id = self.id();
            for (frame, freight) in waiting.frames {
                if freight.course.acknowledged && freight.request.is_none() {
                    self.keeper.put(id, frame, &freight);
                }
            }
            self.release(waiting.held);
        }
    }

    /// Over the connection, or it waits for one.
    fn go(&self, frame: Vec<u8>, freight: Freight) -> Carried {
        if let State::There(there) = &*self.read() {
            there.use_it();
            return there.carry(frame, freight);
        }
        self.put_off(frame, freight)
    }

    /// Without a connection: it waits, and asks for one.
    fn put_off(&self, frame: Vec<u8>, freight: Freight) -> Carried {
        let mut state = self.write();
        let waiting = match &mut *state {
            State::Away(waiting) => waiting,
            State::There(there) => {
                there.use_it();
                return there.carry(frame, freight);
            }
            State::Over => return Carried::Gone,
        };
        let is_full = WAITING_BYTES_MAX < waiting.bytes + frame.len();
        if is_full && !waiting.frames.is_empty() && freight.kind == FreightKind::Message {
            return Carried::Full;
        }
        let is_first = waiting.frames.is_empty();
        waiting.bytes += frame.len();
        waiting.frames.push((frame, freight));
        let is_busy = HELD_BYTES < waiting.bytes;
        drop(state);
        if is_first {
            self.ask();
        }
        match is_busy {
            true => Carried::Busy,
            false => Carried::Taken,
        }
    }
}

impl Port for Way {
    fn carry(&self, frame: Vec<u8>, freight: Freight) -> Carried {
        if !freight.course.causal {
            return self.go(frame, freight);
        }
        let to = (freight.course.channel, self.id());
        let go = |frame| self.go(frame, freight);
        let keeper = &self.keeper;
        let is_sent = |carried: &Carried| matches!(carried, Carried::Taken | Carried::Busy);
        let ordering = &keeper.ordering;
        ordering.send(&keeper.channels, to, &frame, go, is_sent)
    }

    fn wait(&self, pid: Pid, freight: &Freight) -> bool {
        let mut state = self.write();
        match &mut *state {
            State::There(there) => there.wait(pid, freight),
            State::Away(waiting) => HELD_BYTES < waiting.bytes && waiting.held.insert(pid),
            State::Over => false,
        }
    }

    fn close(&self, _: NodeId) {
        if let State::There(there) = &*self.read() {
            there.outgoing.close(Loss::Closed);
        }
    }
}
