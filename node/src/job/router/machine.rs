//! Who gets which line, and who has to get it again?
//!
//! Role       Decides: sorts lines by client, finds or starts the client's process, hands out, and
//!            hands out again what a process died with.
//! Inputs     [`Input`]: what was read, who started, who ended, what is counted.
//! Outputs    [`Effect`]s, to be performed in their order.
//! Owns       Every line that is read and not counted: as many windows as its [`Limits`] say,
//!            and the one that is being filled. One entry per client.
//! Invariant  A line is in the window that is being filled, or unsettled at its client, or counted.
//!            A process has only work that is unsettled, in order. No more processes live
//!            than may.
//! Absent     Pids, time, chance.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::names::Names;
use super::port::{Effect, Facts, Input, Limits};
use super::window::Filling;
use crate::blocks::Block;
use crate::job::client::End;
use crate::job::table::Row;
use crate::job::work::{ClientName, Mark, Piece, Slice, Work};
use crate::log::client_of;

/// The router's decisions.
#[derive(Debug)]
pub(crate) struct Machine {
    limits: Limits,
    names: Names,
    clients: Vec<Client>,
    /// What a router before this one has seen counted.
    known: HashMap<ClientName, Mark, FxBuildHasher>,
    filling: Filling,
    windows: VecDeque<Open>,
    windows_begun: u64,
    /// Clients with work and without a process, in the order of their wait.
    waiting: VecDeque<u32>,
    /// Clients whose processes may have more work, in the order of their turn; some entries are out
    /// of date.
    ready: VecDeque<u32>,
    /// Slices that are with processes.
    out: usize,
    /// Clients with a process and without work, the idlest first; some entries are out of date.
    idle: VecDeque<u32>,
    living: usize,
    retiring: usize,
    reading: Reading,
    pass: u32,
    passed: u32,
    finished: bool,
    facts: Facts,
}

#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// Nothing is asked for.
    Idle,
    /// More is asked for.
    Asked,
    /// There is no more.
    Ended,
}

/// A window that is handed out.
#[derive(Debug)]
struct Open {
    number: u64,
    first_pass: u32,
    unsettled: u64,
}

#[derive(Debug)]
struct Client {
    name: ClientName,
    life: Life,
    crashed: bool,
    in_idle: bool,
    /// Lines read, whoever counts them.
    lines: u64,
    /// Counted before this router began.
    floor: Mark,
    spared: Mark,
    /// Unsettled lines that are malformed.
    malformed: Option<Arc<[Mark]>>,
    /// In order; the first `sent` of them are with the process.
    unsettled: VecDeque<Slice>,
    sent: usize,
}

/// What is known of a client's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    None,
    Waiting,
    Starting,
    Alive,
    Retiring,
}

impl Machine {
    /// A router that keeps to these limits, and begins where the table is.
    pub(crate) fn new(limits: Limits, rows: Vec<(ClientName, Row)>) -> Self {
        let before = rows.iter().map(|(_, row)| row.lines).sum();
        let known = rows.into_iter().map(|(name, row)| (name, row.mark));
        Self {
            limits,
            names: Names::default(),
            clients: Vec::new(),
            known: known.collect(),
            filling: Filling::default(),
            windows: VecDeque::new(),
            windows_begun: 0,
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            out: 0,
            idle: VecDeque::new(),
            living: 0,
            retiring: 0,
            reading: Reading::Idle,
            pass: 0,
            passed: 0,
            finished: false,
            facts: Facts {
                before,
                ..Facts::default()
            },
        }
    }

    /// What follows from what happened.
    pub(crate) fn step(&mut self, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Read(blocks) => self.read(&blocks),
            Input::Ended => self.reading = Reading::Ended,
            Input::ReaderUp if self.reading == Reading::Asked => self.reading = Reading::Idle,
            Input::ReaderUp => {}
            Input::Started(client) => self.started(client),
            Input::Gone(client, end) => self.gone(client, end),
            Input::Acked(acks) => acks
                .into_iter()
                .for_each(|(client, mark)| self.acked(client, mark)),
        }
        self.hand_out();
        self.man(effects);
        self.send(effects);
        self.conclude(effects);
        if self.reading == Reading::Idle && !self.filling.is_full(&self.limits) {
            self.reading = Reading::Asked;
            effects.push(Effect::Read);
        }
    }

    /// What there is to see.
    pub(crate) fn facts(&self) -> Facts {
        let unsettled: u64 = self.windows.iter().map(|window| window.unsettled).sum();
        Facts {
            waiting: unsettled + self.filling.lines(),
            pass: self.pass,
            living: self.living as u64,
            out: self.out as u64,
            held_up: self.reading == Reading::Idle,
            ..self.facts
        }
    }

    /// How many lines of each client were read.
    pub(crate) fn read_by_client(&self) -> Vec<(ClientName, u64)> {
        let lines = self
            .clients
            .iter()
            .map(|client| (client.name.clone(), client.lines));
        lines.collect()
    }

    fn read(&mut self, blocks: &[(u32, Block)]) {
        if self.reading == Reading::Asked {
            self.reading = Reading::Idle;
        }
        if self.reading == Reading::Ended {
            return;
        }
        let resumes = !self.known.is_empty();
        for (pass, block) in blocks {
            assert!(self.pass <= *pass, "a pass comes after another");
            self.pass = *pass;
            self.facts.bytes += block.bytes.len() as u64;
            let number = self.filling.block(*pass, block);
            let base = block.bytes.as_ptr().addr();
            for (line, bytes) in block.lines() {
                self.facts.read += 1;
                let index = self.find(bytes);
                if resumes && self.clients[index as usize].skips(Mark { pass: *pass, line }) {
                    self.facts.skipped += 1;
                    continue;
                }
                let piece = Piece {
                    block: number,
                    line: (line - block.first_line) as u32,
                    start: (bytes.as_ptr().addr() - base) as u32,
                    len: bytes.len() as u32,
                };
                self.filling.line(index, piece);
            }
        }
    }

    /// The client that a line names, new or not.
    #[inline]
    fn find(&mut self, line: &[u8]) -> u32 {
        match self.names.find(line) {
            Some(index) => index,
            None => self.add(client_of(line).into()),
        }
    }

    #[cold]
    fn add(&mut self, name: ClientName) -> u32 {
        let index = self.clients.len() as u32;
        let floor = self.known.get(&name).copied().unwrap_or_default();
        self.names.add(name.clone(), index);
        self.clients.push(Client {
            name,
            life: Life::None,
            crashed: false,
            in_idle: false,
            lines: 0,
            floor,
            spared: Mark::default(),
            malformed: None,
            unsettled: VecDeque::new(),
            sent: 0,
        });
        index
    }

    /// Hands out what was gathered: at once when nobody has work, else when the window is full.
    fn hand_out(&mut self) {
        let ready = match self.windows.len() {
            0 => !self.filling.is_empty(),
            open if open >= self.limits.windows => false,
            _ => self.filling.is_full(&self.limits),
        };
        if !ready {
            return;
        }
        let first_pass = self.filling.first_pass().unwrap_or(self.pass);
        let (window, parts) = self.filling.close(self.windows_begun);
        self.windows_begun += 1;
        if window.pieces.is_empty() {
            return;
        }
        self.windows.push_back(Open {
            number: window.number,
            first_pass,
            unsettled: window.pieces.len() as u64,
        });
        for (index, slice) in parts {
            let client = &mut self.clients[index as usize];
            client.lines += slice.len();
            client.unsettled.push_back(slice);
            match client.life {
                Life::None => self.wait(index),
                Life::Alive => self.ready.push_back(index),
                Life::Waiting | Life::Starting | Life::Retiring => {}
            }
        }
    }

    /// Gives processes their work, as long as not too much is with them.
    fn send(&mut self, effects: &mut Vec<Effect>) {
        while self.out < self.limits.out
            && let Some(index) = self.ready.pop_front()
        {
            let client = &mut self.clients[index as usize];
            if client.life != Life::Alive {
                continue;
            }
            if let Some(slice) = client.unsettled.get(client.sent) {
                effects.push(Effect::Send(index, client.work(slice)));
                client.sent += 1;
                self.out += 1;
            }
        }
    }

    fn wait(&mut self, index: u32) {
        self.clients[index as usize].life = Life::Waiting;
        self.waiting.push_back(index);
    }

    /// Starts processes for those who wait, and lets idle ones go when there is no room for that.
    fn man(&mut self, effects: &mut Vec<Effect>) {
        while self.living < self.limits.clients
            && let Some(index) = self.waiting.pop_front()
        {
            let client = &mut self.clients[index as usize];
            assert!(
                client.life == Life::Waiting,
                "{:?} does not wait",
                client.life
            );
            client.life = Life::Starting;
            self.living += 1;
            self.facts.restarts += u64::from(std::mem::take(&mut client.crashed));
            effects.push(Effect::Start(index, client.name.clone()));
        }
        while self.retiring < self.waiting.len()
            && let Some(index) = self.idle.pop_front()
        {
            let client = &mut self.clients[index as usize];
            client.in_idle = false;
            if client.life == Life::Alive && client.unsettled.is_empty() {
                client.life = Life::Retiring;
                self.retiring += 1;
                effects.push(Effect::Retire(index));
            }
        }
    }

    fn started(&mut self, index: u32) {
        let client = &mut self.clients[index as usize];
        assert!(
            client.life == Life::Starting,
            "{:?} can't start",
            client.life
        );
        client.life = Life::Alive;
        for _ in &client.unsettled {
            self.ready.push_back(index);
        }
    }

    fn gone(&mut self, index: u32, end: End) {
        let client = &mut self.clients[index as usize];
        match client.life {
            Life::Alive => {}
            Life::Retiring => self.retiring -= 1,
            other => unreachable!("a process ended that was {other:?}"),
        }
        self.living -= 1;
        self.out -= std::mem::take(&mut client.sent);
        client.life = Life::None;
        if end != End::Retired {
            client.crashed = true;
            self.facts.crashes += 1;
        }
        match end {
            End::Malformed(mark) => client.record(mark),
            End::Chaos(mark) => client.spared = client.spared.max(mark),
            End::Crashed | End::Retired => {}
        }
        if !client.unsettled.is_empty() {
            self.wait(index);
        }
    }

    fn acked(&mut self, index: u32, mark: Mark) {
        // Clients are numbered in the order of the input, so numbers given by a router before this
        // one are good; but this one may not have read as far yet.
        let Some(client) = self.clients.get_mut(index as usize) else {
            return;
        };
        while let Some(slice) = client.unsettled.pop_front_if(|slice| slice.last() <= mark) {
            let front = self.windows.front().map_or(0, |window| window.number);
            let at = (slice.window.number - front) as usize;
            let window = &mut self.windows[at];
            assert!(
                window.unsettled >= slice.len(),
                "counted more than was handed out"
            );
            window.unsettled -= slice.len();
            if client.sent > 0 {
                client.sent -= 1;
                self.out -= 1;
            }
        }
        client.forget(mark);
        let rests = client.unsettled.is_empty() && client.life == Life::Alive;
        if rests && !std::mem::replace(&mut client.in_idle, true) {
            self.idle.push_back(index);
        }
        while self
            .windows
            .pop_front_if(|window| window.unsettled == 0)
            .is_some()
        {}
    }

    /// Tells of passes, and in the end of the job, that every line is counted.
    fn conclude(&mut self, effects: &mut Vec<Effect>) {
        let open = self.windows.front().map(|window| window.first_pass);
        let open = open.or(self.filling.first_pass());
        let all = self.reading == Reading::Ended && open.is_none();
        let open = open.unwrap_or(self.pass);
        if self.passed < open {
            self.passed = open;
            effects.push(Effect::Passed(open));
        }
        if all && !std::mem::replace(&mut self.finished, true) {
            effects.push(Effect::Finish);
        }
    }
}

impl Client {
    /// Whether a line was counted before this router began. Then it is only counted as read.
    fn skips(&mut self, mark: Mark) -> bool {
        let skips = mark <= self.floor;
        self.lines += u64::from(skips);
        skips
    }

    fn work(&self, slice: &Slice) -> Work {
        Work {
            slice: slice.clone(),
            malformed: self.malformed.clone(),
            spared: self.spared,
        }
    }

    /// Forgets malformed lines that are counted.
    fn forget(&mut self, mark: Mark) {
        if let Some(known) = &self.malformed {
            let left: Arc<[Mark]> = known.iter().copied().filter(|line| *line > mark).collect();
            self.malformed = (!left.is_empty()).then_some(left);
        }
    }

    /// Remembers that a line is malformed: it is not parsed again. Lines crash in their order.
    fn record(&mut self, mark: Mark) {
        let known = self.malformed.as_deref().unwrap_or_default();
        let mut all = known.to_vec();
        all.push(mark);
        self.malformed = Some(all.into());
    }
}
