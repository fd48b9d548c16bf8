//! Does the router's machine lose or double a line, whatever happens in whatever order?
//!
//! Role       Seeded walks: a world of clients, table and reader around the machine, in which
//!            anything that may happen next happens at random.
//! Invariant  No more processes than allowed; a process gets its lines in order and each window's
//!            part once; in the end every line is counted once, and the machine says that it is over.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::machine::Machine;
use super::port::{Effect, Input, Limits};
use crate::blocks::Block;
use crate::job::client::End;
use crate::job::table::Row;
use crate::job::work::{ClientName, Mark, Work};
use crate::log::client_of;

/// Small, so that each of them is met.
const LIMITS: Limits = Limits {
    clients: 3,
    windows: 2,
    window_bytes: 1 << 20,
    window_lines: 5,
    out: 4,
};
/// Two blocks are read at a time, at most.
const READ_LINES_MAX: usize = 2 * BLOCK_LINES_MAX;
const BLOCK_LINES_MAX: usize = 11;

/// So long kills, crashes and replacements go on, at most; after that all has to come to its end.
const TROUBLE_MAX: u64 = 2_000;
const NAMES: [&str; 6] = [
    "a",
    "bb",
    "10.0.0.1",
    "a-name-of-more-than-sixteen-bytes",
    "c",
    "::1",
];

/// What the walk knows of a client's process.
struct Process {
    mark: Mark,
    mailbox: VecDeque<Work>,
    retiring: bool,
}

struct Walk {
    random: u64,
    machine: Machine,
    /// The input, pass after pass, and where the reader is.
    blocks: Vec<(u32, Block)>,
    next: usize,
    asked: bool,
    starting: Vec<(u32, ClientName)>,
    names: BTreeMap<u32, ClientName>,
    processes: BTreeMap<u32, Process>,
    /// Deaths that the router has not been told of.
    deaths: Vec<(u32, End)>,
    acks: Vec<(u32, Mark)>,
    table: BTreeMap<ClientName, Row>,
    counted: BTreeMap<Mark, u32>,
    malformed: u64,
    passed: u32,
    finished: bool,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut walk = Self {
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            machine: Machine::new(LIMITS, Vec::new()),
            blocks: Vec::new(),
            next: 0,
            asked: false,
            starting: Vec::new(),
            names: BTreeMap::new(),
            processes: BTreeMap::new(),
            deaths: Vec::new(),
            acks: Vec::new(),
            table: BTreeMap::new(),
            counted: BTreeMap::new(),
            malformed: 0,
            passed: 0,
            finished: false,
        };
        let mut input = Vec::new();
        let mut first_line = 1;
        for _ in 0..walk.below(8) {
            let lines = walk.below(BLOCK_LINES_MAX as u64 + 1);
            let mut bytes = String::new();
            for _ in 0..lines {
                let name = NAMES[walk.below(NAMES.len() as u64) as usize];
                let rest = ["fine", "fine", "fine", "bad"][walk.below(4) as usize];
                bytes.push_str(&format!("{name} {rest}\n"));
            }
            let bytes = Bytes::from(bytes);
            input.push(Block { first_line, bytes });
            first_line += lines;
        }
        let passes = 1 + walk.below(3) as u32;
        for pass in 0..passes {
            walk.blocks
                .extend(input.iter().map(|block| (pass, block.clone())));
        }
        walk.step(Input::ReaderUp);
        walk
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    fn pick(&mut self, from: usize) -> Option<usize> {
        (from > 0).then(|| self.below(from as u64) as usize)
    }

    fn step(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.machine.step(input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Read => {
                    assert!(!std::mem::replace(&mut self.asked, true), "asked twice");
                }
                Effect::Start(index, name) => {
                    self.names.insert(index, name.clone());
                    self.starting.push((index, name));
                    assert!(self.processes.len() + self.starting.len() <= LIMITS.clients);
                }
                Effect::Send(index, work) => {
                    // What is sent to the dead is lost.
                    if let Some(process) = self.processes.get_mut(&index) {
                        assert!(!process.retiring, "work for one who was let go");
                        process.mailbox.push_back(work);
                    }
                }
                Effect::Retire(index) => {
                    if let Some(process) = self.processes.get_mut(&index) {
                        // What an acknowledgement to a router before this one has settled may
                        // still lie there.
                        let row = self.table.get(&self.names[&index]).copied();
                        let counted = row.unwrap_or_default().mark;
                        let mut mailbox = process.mailbox.iter();
                        let over = mailbox.all(|work| work.slice.last() <= counted);
                        assert!(over, "let go with work");
                        process.retiring = true;
                    }
                }
                Effect::Passed(pass) => {
                    assert!(self.passed < pass, "a pass is over once");
                    self.passed = pass;
                    let lines = self.lines().filter(|(mark, _)| mark.pass < pass);
                    assert!(
                        lines
                            .into_iter()
                            .all(|(mark, _)| self.counted.contains_key(&mark))
                    );
                }
                Effect::Finish => {
                    assert!(!std::mem::replace(&mut self.finished, true), "over twice");
                }
            }
        }
        let facts = self.machine.facts();
        let counted: u64 = self.table.values().map(|row| row.lines).sum();
        assert!(counted <= facts.taken_on(), "counted what nobody read");
        assert!(facts.out <= LIMITS.out as u64, "too much is out");
        let window = LIMITS.window_lines + READ_LINES_MAX;
        let held = (LIMITS.windows + 1) * window;
        assert!(facts.waiting <= held as u64, "too much is held");
        assert!(
            facts.taken_on() <= counted + facts.waiting,
            "settled and not counted"
        );
    }

    /// All lines of the input.
    fn lines(&self) -> impl Iterator<Item = (Mark, bool)> {
        self.blocks.iter().flat_map(|&(pass, ref block)| {
            let lines = block.lines();
            lines.map(move |(line, bytes)| (Mark { pass, line }, bytes.ends_with(b"bad")))
        })
    }

    /// The reader delivers.
    fn read(&mut self) {
        if !std::mem::take(&mut self.asked) {
            return;
        }
        let count = (1 + self.below(2) as usize).min(self.blocks.len() - self.next);
        let blocks = self.blocks[self.next..][..count].to_vec();
        self.next += count;
        self.step(if count == 0 {
            Input::Ended
        } else {
            Input::Read(blocks)
        });
    }

    /// A process is there, and has asked the table where to begin.
    fn start(&mut self) {
        let Some(at) = self.pick(self.starting.len()) else {
            return;
        };
        let (index, name) = self.starting.swap_remove(at);
        let mark = self.table.get(&name).copied().unwrap_or_default().mark;
        let process = Process {
            mark,
            mailbox: VecDeque::new(),
            retiring: false,
        };
        assert!(
            self.processes.insert(index, process).is_none(),
            "two of one client"
        );
        self.step(Input::Started(index));
    }

    /// A process takes its next message.
    fn work(&mut self) {
        let Some(at) = self.pick(self.processes.len()) else {
            return;
        };
        let index = *self.processes.keys().nth(at).expect("picked among them");
        let process = self.processes.get_mut(&index).expect("just seen");
        let Some(work) = process.mailbox.pop_front() else {
            if process.retiring {
                self.die(index, End::Retired);
            }
            return;
        };
        let known = work.malformed.clone().unwrap_or_default();
        let name = &self.names[&index];
        let row = self.table.entry(name.clone()).or_default();
        let mut fresh = Vec::new();
        for piece in work.slice.pieces() {
            let mark = work.slice.window.mark(piece);
            if mark <= process.mark {
                continue;
            }
            let bytes = work.slice.window.bytes(piece.block, piece.start, piece.len);
            assert_eq!(client_of(bytes), &**name);
            if bytes.ends_with(b"bad") && !known.contains(&mark) {
                return self.die(index, End::Malformed(mark));
            }
            fresh.push((mark, known.contains(&mark)));
        }
        if let Some(&(last, _)) = fresh.last() {
            assert_eq!(row.mark, process.mark, "nobody else counts for this client");
            (row.mark, process.mark) = (last, last);
            row.lines += fresh.len() as u64;
            for (mark, malformed) in fresh {
                *self.counted.entry(mark).or_default() += 1;
                self.malformed += u64::from(malformed);
            }
        }
        self.acks.push((index, process.mark));
    }

    fn die(&mut self, index: u32, end: End) {
        self.processes.remove(&index);
        self.deaths.push((index, end));
    }

    /// A process is killed.
    fn kill(&mut self) {
        if let Some(at) = self.pick(self.processes.len()) {
            let index = *self.processes.keys().nth(at).expect("picked among them");
            let end = match self.below(2) {
                0 => End::Crashed,
                _ => End::Chaos(Mark::default()),
            };
            self.die(index, end);
        }
    }

    /// The table's acknowledgements arrive.
    fn ack(&mut self) {
        if !self.acks.is_empty() {
            let acks = std::mem::take(&mut self.acks);
            self.step(Input::Acked(acks));
        }
    }

    /// The router is told of a death.
    fn tell(&mut self) {
        if let Some(at) = self.pick(self.deaths.len()) {
            let (index, end) = self.deaths.swap_remove(at);
            self.step(Input::Gone(index, end));
        }
    }

    /// The router is started again: all clients die, and reading begins anew.
    fn replace(&mut self) {
        if self.finished {
            return;
        }
        self.processes.clear();
        self.starting.clear();
        self.deaths.clear();
        // Acknowledgements to the router before it reach this one.
        let rows = self.table.clone().into_iter().collect();
        self.machine = Machine::new(LIMITS, rows);
        (self.next, self.asked, self.passed) = (0, false, 0);
        self.step(Input::ReaderUp);
    }

    /// The reader is started again, and knows of no wish.
    fn reread(&mut self) {
        self.asked = false;
        self.step(Input::ReaderUp);
    }

    fn run(mut self) {
        let trouble = self.below(TROUBLE_MAX);
        for turn in 0..trouble + 20_000 {
            match self.below(100) {
                0 if turn < trouble => self.kill(),
                1 if turn < trouble && self.below(20) == 0 => self.replace(),
                2 if turn < trouble => self.reread(),
                3..20 => self.read(),
                20..40 => self.start(),
                40..70 => self.work(),
                70..85 => self.ack(),
                85.. => self.tell(),
                _ => {}
            }
            if self.finished && self.acks.is_empty() {
                break;
            }
        }
        assert!(
            self.finished,
            "it does not come to an end: {:?}",
            self.machine
        );
        let expected: BTreeMap<Mark, u32> = self.lines().map(|(mark, _)| (mark, 1)).collect();
        assert_eq!(self.counted, expected);
        let malformed = self.lines().filter(|(_, malformed)| *malformed).count();
        assert_eq!(self.malformed, malformed as u64);
        let facts = self.machine.facts();
        assert_eq!(
            (facts.waiting, facts.out, facts.taken_on()),
            (0, 0, expected.len() as u64)
        );
        let read: u64 = self
            .machine
            .read_by_client()
            .iter()
            .map(|(_, lines)| lines)
            .sum();
        assert_eq!(read, expected.len() as u64);
    }
}

#[test]
fn every_line_is_counted_once() {
    for seed in 0..3_000 {
        let result = std::panic::catch_unwind(|| Walk::new(seed).run());
        assert!(result.is_ok(), "seed {seed}");
    }
}
