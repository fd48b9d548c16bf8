//! The process that performs what the router's machine decides.
//!
//! Role       Turns messages into inputs and effects into messages.
//! Inputs     Blocks of the reader, acknowledgements of the table, ends of client processes.
//! Outputs    Work to the clients, starts to the [`Starter`], wishes to the reader.
//! Owns       The machine, and a reference to each living client.
//! Invariant  No handler waits, so a kill finds the state whole. A router that dies takes nothing
//!            with it: the next one reads again, from the start, and skips what the table has
//!            counted.

use std::sync::Arc;

use foundation::ProcessRef;
use foundation::prelude::*;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::machine::Machine;
use super::port::{Effect, Facts, Input, Limits};
use crate::blocks::Block;
use crate::job::client::{Client, End};
use crate::job::reader::READER;
use crate::job::spread::{Dispatch, Front, Guest, Host, Lost};
use crate::job::starter::{Start, start_clients};
use crate::job::table::TABLE;
use crate::job::tree::CLIENTS;
use crate::job::work::{Mark, Work};
use crate::job::{AllRead, Job, Outcome};

pub(crate) const ROUTER: Name<Router> = Name::new("router");

pub(crate) struct Router {
    job: Arc<Job>,
    /// What was read for a router before this one bears another number.
    begun: u32,
    machine: Machine,
    effects: Vec<Effect>,
    hands: Hands,
}

/// Who has the clients' processes.
enum Hands {
    /// This node.
    Here(Here),
    /// Several nodes.
    Spread(Dispatch),
}

struct Here {
    starter: ProcessRef<Start>,
    clients: Vec<Option<Ref<Client>>>,
    indices: HashMap<Pid, u32, FxBuildHasher>,
}

#[actor]
impl Router {
    #[init]
    async fn init(job: Arc<Job>, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        let node = cx.node();
        let begun = job
            .begin_reading()
            .map_err(|error| Stop::new(Reason::other(error.to_string())))?;
        let mut known = Vec::new();
        if begun > 1 {
            // Clients of the router before this one must not go on beside those of this one.
            if let Some(clients) = node.whereis(CLIENTS.as_str()) {
                node.exit(clients, Reason::Kill);
                node.down(clients).await;
            }
            known = loop {
                // The table may be being started again itself.
                match node.at(TABLE).rows().await {
                    Ok(rows) => break rows,
                    Err(_) => foundation::time::sleep(ms(1)).await,
                }
            };
        }
        let machine = Machine::new(Limits::new(job.clients_max), known);
        let hands = match &job.spread {
            Some(spread) => Hands::Spread(Dispatch::new(Arc::clone(spread), begun)),
            None => Hands::Here(Here::new(&job, cx)?),
        };
        cx.self_ref().reader_up()?;
        Ok(Self {
            job,
            begun,
            machine,
            effects: Vec::new(),
            hands,
        })
    }

    /// The reader is there, for the first time or again.
    #[cast]
    pub(crate) fn reader_up(&mut self, cx: &mut Cx<Self>) {
        self.step(Input::ReaderUp, cx);
    }

    /// These blocks were read.
    #[cast(local)]
    pub(crate) fn read(&mut self, begun: u32, blocks: Vec<(u32, Block)>, cx: &mut Cx<Self>) {
        if begun == self.begun {
            self.step(Input::Read(blocks), cx);
        }
    }

    /// There is no more to read.
    #[cast]
    pub(crate) fn ended(&mut self, begun: u32, cx: &mut Cx<Self>) {
        if begun == self.begun {
            self.step(Input::Ended, cx);
        }
    }

    /// The operator wants no more to be read.
    #[cast]
    pub(crate) fn read_no_more(&mut self, cx: &mut Cx<Self>) {
        self.step(Input::Ended, cx);
    }

    /// A client's process is there.
    #[cast(local)]
    pub(crate) fn started(&mut self, index: u32, client: Ref<Client>, cx: &mut Cx<Self>) {
        if let Hands::Here(here) = &mut self.hands {
            here.started(index, client, cx);
            self.step(Input::Started(index), cx);
        }
    }

    /// A client's process is there, on whichever node.
    #[cast]
    pub(crate) fn guest(&mut self, index: u32, life: u64, guest: Ref<Guest>, cx: &mut Cx<Self>) {
        if let Hands::Spread(dispatch) = &mut self.hands
            && dispatch.started(index, life, guest, cx)
        {
            self.step(Input::Started(index), cx);
        }
    }

    /// This node takes part.
    #[cast(local)]
    pub(crate) fn node_up(&mut self, number: u32, host: Ref<Host>, cx: &mut Cx<Self>) {
        if let Hands::Spread(dispatch) = &mut self.hands {
            dispatch.node_up(number, host, cx);
        }
    }

    /// There is a new table, on this node.
    #[cast(local)]
    pub(crate) fn front_up(&mut self, front: Ref<Front>, node: u32, cx: &mut Cx<Self>) {
        if let Hands::Spread(dispatch) = &mut self.hands {
            dispatch.front_up(front, node, cx);
        }
    }

    /// Lines are counted.
    #[cast(local)]
    pub(crate) fn acked(&mut self, acks: Vec<(u32, Mark)>, cx: &mut Cx<Self>) {
        self.step(Input::Acked(acks), cx);
        if let Some(spread) = &self.job.spread {
            let facts = self.machine.facts();
            spread.counted(facts.taken_on().saturating_sub(facts.waiting));
        }
    }

    #[down]
    fn gone(&mut self, down: Down, cx: &mut Cx<Self>) {
        let Some(pid) = down.pid else {
            return;
        };
        let index = match &mut self.hands {
            Hands::Here(here) => here.lost(pid),
            Hands::Spread(dispatch) => match dispatch.lost(pid, cx) {
                Lost::Guest(index) => Some(index),
                Lost::Other => None,
            },
        };
        if let Some(index) = index {
            self.step(Input::Gone(index, End::of(&down.reason)), cx);
        }
    }

    /// What there is to see.
    #[call(local)]
    pub(crate) fn facts(&self) -> Facts {
        self.machine.facts()
    }

    /// What was read.
    #[call(local)]
    pub(crate) fn all_read(&self) -> AllRead {
        AllRead {
            facts: self.machine.facts(),
            lines: self.machine.read_by_client(),
        }
    }

    fn step(&mut self, input: Input, cx: &mut Cx<Self>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.machine.step(input, &mut effects);
        for effect in effects.drain(..) {
            self.perform(effect, cx);
        }
        self.effects = effects;
    }

    /// A message to a process that has ended is nothing to handle here: its end is told.
    fn perform(&mut self, effect: Effect, cx: &mut Cx<Self>) {
        match effect {
            Effect::Read => drop(cx.node().at(READER).more()),
            Effect::Start(index, name) => match &mut self.hands {
                Hands::Here(here) => drop(here.starter.send(Start { index, name })),
                Hands::Spread(dispatch) => dispatch.start(index, name),
            },
            Effect::Send(index, work) => match &self.hands {
                Hands::Here(here) => here.send(index, work),
                Hands::Spread(dispatch) => dispatch.send(index, &work, self.job.chaos.dice()),
            },
            Effect::Retire(index) => match &self.hands {
                Hands::Here(here) => here.retire(index),
                Hands::Spread(dispatch) => dispatch.retire(index),
            },
            Effect::Passed(pass) => {
                drop(cx.node().at(TABLE).passed(pass));
                if let Hands::Spread(dispatch) = &self.hands {
                    dispatch.passed(pass);
                }
            }
            Effect::Finish => self.job.finish(Outcome::Counted(self.all_read())),
        }
    }
}

impl Here {
    fn new(job: &Arc<Job>, cx: &Cx<Router>) -> Result<Self, Stop> {
        let options = SpawnOptions::new().link().code("Starter");
        let (hello, router) = (Arc::clone(job), cx.self_ref());
        let body = |me| start_clients(me, hello, router);
        let (starter, _) = cx.node().spawn_fn_with(&options, body)?;
        Ok(Self {
            starter,
            clients: Vec::new(),
            indices: HashMap::default(),
        })
    }

    fn started(&mut self, index: u32, client: Ref<Client>, cx: &mut Cx<Router>) {
        let (at, pid) = (index as usize, client.pid());
        cx.monitor(pid);
        self.indices.insert(pid, index);
        if at >= self.clients.len() {
            self.clients.resize(at + 1, None);
        }
        self.clients[at] = Some(client);
    }

    fn lost(&mut self, pid: Pid) -> Option<u32> {
        let index = self.indices.remove(&pid)?;
        self.clients[index as usize] = None;
        Some(index)
    }

    fn send(&self, index: u32, work: Work) {
        if let Some(client) = &self.clients[index as usize] {
            drop(client.work(work));
        }
    }

    fn retire(&self, index: u32) {
        if let Some(client) = &self.clients[index as usize] {
            drop(client.retire());
        }
    }
}
