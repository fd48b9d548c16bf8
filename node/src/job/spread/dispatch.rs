//! Where is each client's process, when there are several nodes?
//!
//! Role       Has guests started where they belong, and gives them their work.
//! Inputs     What the router's machine wants; who is there, who is gone.
//! Outputs    Requests to hosts and guests.
//! Owns       A seat per client; references to hosts and to the table.
//! Invariant  A start that is under way on a node that is lost is asked for elsewhere. A guest of an
//!            earlier start is not known any more, and no guest is left with a table that is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::prelude::*;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::batch::Batch;
use super::front::Front;
use super::guest::{Errand, Guest};
use super::host::Host;
use super::place::place;
use super::plan::Spread;
use crate::job::chaos::Dice;
use crate::job::router::Router;
use crate::job::work::{ClientName, Work};

pub(crate) struct Dispatch {
    spread: Arc<Spread>,
    /// Counts the starts; no two routers have one in common.
    lives: u64,
    hosts: BTreeMap<u32, Ref<Host>>,
    front: Option<Ref<Front>>,
    /// By the index of the client.
    seats: Vec<Seat>,
    /// Clients to be started as soon as there is a table.
    held: Vec<u32>,
    indices: HashMap<Pid, u32, FxBuildHasher>,
}

#[derive(Default)]
struct Seat {
    name: Option<ClientName>,
    /// The last node that it was on.
    last: u32,
    life: u64,
    guest: Life,
}

#[derive(Default)]
enum Life {
    #[default]
    None,
    Held,
    Starting(u32),
    Alive(u32, Ref<Guest>),
}

/// What the end of a process means.
pub(crate) enum Lost {
    /// This client's process is gone.
    Guest(u32),
    /// Something else, which is seen to.
    Other,
}

impl Dispatch {
    pub(crate) fn new(spread: Arc<Spread>, begun: u32) -> Self {
        Self {
            spread,
            lives: u64::from(begun) << 32,
            hosts: BTreeMap::new(),
            front: None,
            seats: Vec::new(),
            held: Vec::new(),
            indices: HashMap::default(),
        }
    }

    /// A process for this client is wanted.
    pub(crate) fn start(&mut self, index: u32, name: ClientName) {
        let at = index as usize;
        if self.seats.len() <= at {
            self.seats.resize_with(at + 1, Seat::default);
        }
        let home = place(&name, self.hosts.keys().copied());
        let seat = &mut self.seats[at];
        seat.name = Some(name.clone());
        let (Some(front), Some(home)) = (&self.front, home) else {
            seat.guest = Life::Held;
            return self.held.push(index);
        };
        self.lives += 1;
        seat.life = self.lives;
        seat.guest = Life::Starting(home);
        if seat.last != 0 && seat.last != home {
            self.spread.note(|nodes| nodes.moved += 1);
        }
        seat.last = home;
        let errand = Errand {
            name,
            index,
            life: seat.life,
            front: front.clone(),
        };
        // A host that is gone is told of, and its starts are asked for elsewhere.
        drop(self.hosts[&home].start(errand));
    }

    /// A guest is there. False when nobody waits for it.
    pub(crate) fn started(
        &mut self,
        index: u32,
        life: u64,
        guest: Ref<Guest>,
        cx: &mut Cx<Router>,
    ) -> bool {
        let seat = self.seats.get_mut(index as usize);
        let Some(seat) = seat.filter(|seat| seat.life == life) else {
            cx.node().exit(guest.pid(), Reason::Kill);
            return false;
        };
        let Life::Starting(home) = seat.guest else {
            cx.node().exit(guest.pid(), Reason::Kill);
            return false;
        };
        cx.monitor(guest.pid());
        self.indices.insert(guest.pid(), index);
        seat.guest = Life::Alive(home, guest);
        self.show(home, 1);
        true
    }

    pub(crate) fn send(&self, index: u32, work: &Work, dice: Option<Dice>) {
        if let Life::Alive(_, guest) = &self.seats[index as usize].guest {
            drop(guest.work(Batch::of(work, dice)));
        }
    }

    pub(crate) fn retire(&self, index: u32) {
        if let Life::Alive(_, guest) = &self.seats[index as usize].guest {
            drop(guest.retire());
        }
    }

    pub(crate) fn passed(&self, pass: u32) {
        if let Some(front) = &self.front {
            drop(front.passed(pass));
        }
    }

    /// A node takes part, for the first time or again: its clients go there.
    pub(crate) fn node_up(&mut self, number: u32, host: Ref<Host>, cx: &mut Cx<Router>) {
        cx.monitor(host.pid());
        self.hosts.insert(number, host);
        self.note_up(number, true);
        for seat in &self.seats {
            let (Life::Alive(at, guest), Some(name)) = (&seat.guest, &seat.name) else {
                continue;
            };
            if *at != number && place(name, self.hosts.keys().copied()) == Some(number) {
                // It ends behind its work, and is started again where it belongs.
                drop(guest.retire());
            }
        }
        self.go_on();
    }

    /// There is a table, at this node.
    pub(crate) fn front_up(&mut self, front: Ref<Front>, node: u32, cx: &mut Cx<Router>) {
        cx.monitor(front.pid());
        self.dismiss(cx);
        self.spread.note_front(Some((node, front.clone())));
        self.front = Some(front);
        self.go_on();
    }

    /// A process that was watched is gone.
    pub(crate) fn lost(&mut self, pid: Pid, cx: &mut Cx<Router>) -> Lost {
        if let Some(index) = self.indices.remove(&pid) {
            let seat = &mut self.seats[index as usize];
            if let Life::Alive(home, _) = std::mem::take(&mut seat.guest) {
                self.show(home, -1);
            }
            return Lost::Guest(index);
        }
        if self.front.as_ref().is_some_and(|front| front.pid() == pid) {
            self.front = None;
            self.spread.note_front(None);
            self.dismiss(cx);
        }
        let host = self.hosts.iter().find(|(_, host)| host.pid() == pid);
        if let Some(number) = host.map(|(number, _)| *number) {
            self.hosts.remove(&number);
            self.note_up(number, false);
            self.start_elsewhere(number);
        }
        Lost::Other
    }

    /// What was to be started on a node that is lost.
    fn start_elsewhere(&mut self, number: u32) {
        for index in 0..self.seats.len() {
            let seat = &self.seats[index];
            if let (Life::Starting(home), Some(name)) = (&seat.guest, &seat.name)
                && *home == number
            {
                self.start(index as u32, name.clone());
            }
        }
    }

    /// Ends all guests: they know a table that is gone.
    fn dismiss(&self, cx: &Cx<Router>) {
        for seat in &self.seats {
            if let Life::Alive(_, guest) = &seat.guest {
                cx.node().exit(guest.pid(), Reason::Kill);
            }
        }
    }

    fn go_on(&mut self) {
        if self.front.is_none() || self.hosts.is_empty() {
            return;
        }
        for index in std::mem::take(&mut self.held) {
            let seat = &self.seats[index as usize];
            if let (Life::Held, Some(name)) = (&seat.guest, &seat.name) {
                self.start(index, name.clone());
            }
        }
    }

    fn show(&self, node: u32, change: i64) {
        self.spread.note(|nodes| {
            let clients = &mut nodes.nodes[node as usize - 1].clients;
            *clients = clients.saturating_add_signed(change);
        });
    }

    fn note_up(&self, node: u32, up: bool) {
        self.spread
            .note(|nodes| nodes.nodes[node as usize - 1].up = up);
    }
}
