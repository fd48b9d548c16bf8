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
use crate::job::starter::{Start, start_clients};
use crate::job::table::TABLE;
use crate::job::tree::CLIENTS;
use crate::job::work::Mark;
use crate::job::{AllRead, Job, Outcome};

pub(crate) const ROUTER: Name<Router> = Name::new("router");

pub(crate) struct Router {
    job: Arc<Job>,
    /// What was read for a router before this one bears another number.
    begun: u32,
    machine: Machine,
    effects: Vec<Effect>,
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
        let options = SpawnOptions::new().link().code("Starter");
        let hello = Arc::clone(&job);
        let router = cx.self_ref();
        let (starter, _) = node.spawn_fn_with(&options, |me| start_clients(me, hello, router))?;
        cx.self_ref().reader_up()?;
        Ok(Self {
            job,
            begun,
            machine,
            effects: Vec::new(),
            starter,
            clients: Vec::new(),
            indices: HashMap::default(),
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
        let (at, pid) = (index as usize, client.pid());
        cx.monitor(pid);
        self.indices.insert(pid, index);
        if at >= self.clients.len() {
            self.clients.resize(at + 1, None);
        }
        self.clients[at] = Some(client);
        self.step(Input::Started(index), cx);
    }

    /// Lines are counted.
    #[cast(local)]
    pub(crate) fn acked(&mut self, acks: Vec<(u32, Mark)>, cx: &mut Cx<Self>) {
        self.step(Input::Acked(acks), cx);
    }

    #[down]
    fn gone(&mut self, down: Down, cx: &mut Cx<Self>) {
        let index = down.pid.and_then(|pid| self.indices.remove(&pid));
        if let Some(index) = index {
            self.clients[index as usize] = None;
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
            Effect::Start(index, name) => drop(self.starter.send(Start { index, name })),
            Effect::Send(index, work) => {
                if let Some(client) = &self.clients[index as usize] {
                    drop(client.work(work));
                }
            }
            Effect::Retire(index) => {
                if let Some(client) = &self.clients[index as usize] {
                    drop(client.retire());
                }
            }
            Effect::Passed(pass) => drop(cx.node().at(TABLE).passed(pass)),
            Effect::Finish => self.job.finish(Outcome::Counted(self.all_read())),
        }
    }
}
