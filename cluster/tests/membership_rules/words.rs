//! How is a message written by hand?
//!
//! Role       The format of membership messages once more, apart from the code that is tested: what a
//!            test says to a member, and what it hears from it.

use foundation_cluster::membership::State;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Ping(u32, String, u64),
    Ack(u32),
    Help(u32, String, u64, String),
    Nack(u32),
    Gossip,
    Compare(Vec<u64>),
    Differ(u64),
    StreamPing(u32, String, u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) state: State,
    pub(crate) name: String,
    pub(crate) incarnation: u64,
    pub(crate) revision: u32,
    pub(crate) address: String,
    pub(crate) metadata: Vec<u8>,
    pub(crate) accusers: Vec<u64>,
    pub(crate) age: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) incarnation: u64,
    pub(crate) address: String,
    pub(crate) body: Body,
    pub(crate) claims: Vec<Claim>,
}

/// A claim of a member that is reached at its name.
pub(crate) fn claim(state: State, name: &str, incarnation: u64, revision: u32) -> Claim {
    Claim {
        state,
        name: name.to_owned(),
        incarnation,
        revision,
        address: name.to_owned(),
        metadata: Vec::new(),
        accusers: match state {
            State::Suspect => vec![77],
            _ => Vec::new(),
        },
        age: 0,
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn write(message: &Message) -> Vec<u8> {
    let kind = match &message.body {
        Body::Ping(..) => 1,
        Body::Ack(_) => 2,
        Body::Help(..) => 3,
        Body::Nack(_) => 4,
        Body::Gossip => 5,
        Body::Compare(_) => 6,
        Body::Differ(_) => 7,
        Body::StreamPing(..) => 8,
    };
    let mut out = vec![1, kind];
    out.extend([0; 8]);
    text(&mut out, &message.name);
    out.extend(message.incarnation.to_be_bytes());
    text(&mut out, &message.address);
    match &message.body {
        Body::Ping(number, name, incarnation) | Body::StreamPing(number, name, incarnation) => {
            out.extend(number.to_be_bytes());
            text(&mut out, name);
            out.extend(incarnation.to_be_bytes());
        }
        Body::Ack(number) | Body::Nack(number) => out.extend(number.to_be_bytes()),
        Body::Help(number, name, incarnation, address) => {
            out.extend(number.to_be_bytes());
            text(&mut out, name);
            out.extend(incarnation.to_be_bytes());
            text(&mut out, address);
        }
        Body::Gossip => {}
        Body::Compare(sums) => sums.iter().for_each(|sum| out.extend(sum.to_be_bytes())),
        Body::Differ(mask) => out.extend(mask.to_be_bytes()),
    }
    out.extend((message.claims.len() as u16).to_be_bytes());
    message.claims.iter().for_each(|claim| put(&mut out, claim));
    out
}

fn put(out: &mut Vec<u8>, claim: &Claim) {
    let states = [
        State::Alive,
        State::Suspect,
        State::Down,
        State::Left,
        State::Evicted,
    ];
    let at = states.iter().position(|state| *state == claim.state);
    out.push(at.unwrap() as u8);
    text(out, &claim.name);
    out.extend(claim.incarnation.to_be_bytes());
    out.extend(claim.revision.to_be_bytes());
    text(out, &claim.address);
    out.extend((claim.metadata.len() as u16).to_be_bytes());
    out.extend(&claim.metadata);
    if claim.state == State::Suspect {
        out.push(claim.accusers.len() as u8);
        claim
            .accusers
            .iter()
            .for_each(|accuser| out.extend(accuser.to_be_bytes()));
    }
    if !claim.state.is_live() {
        out.extend(claim.age.to_be_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_first_chunk().expect("there is more");
        self.0 = rest;
        *taken
    }

    fn u8(&mut self) -> u8 {
        self.take::<1>()[0]
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken.to_vec()
    }

    fn text(&mut self) -> String {
        let count = self.u8().into();
        String::from_utf8(self.bytes(count)).expect("it is text")
    }

    fn claim(&mut self) -> Claim {
        let state = match self.u8() {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            3 => State::Left,
            _ => State::Evicted,
        };
        let (name, incarnation, revision) = (self.text(), self.u64(), self.u32());
        let address = self.text();
        let count = u16::from_be_bytes(self.take()).into();
        let metadata = self.bytes(count);
        let accusers = match state {
            State::Suspect => (0..self.u8()).map(|_| self.u64()).collect(),
            _ => Vec::new(),
        };
        let age = if state.is_live() { 0 } else { self.u32() };
        Claim {
            state,
            name,
            incarnation,
            revision,
            address,
            metadata,
            accusers,
            age,
        }
    }
}

pub(crate) fn read(bytes: &[u8]) -> Message {
    let mut reader = Reader(bytes);
    let (_, kind, _) = (reader.u8(), reader.u8(), reader.u64());
    let (name, incarnation, address) = (reader.text(), reader.u64(), reader.text());
    let body = match kind {
        1 => Body::Ping(reader.u32(), reader.text(), reader.u64()),
        2 => Body::Ack(reader.u32()),
        3 => Body::Help(reader.u32(), reader.text(), reader.u64(), reader.text()),
        4 => Body::Nack(reader.u32()),
        5 => Body::Gossip,
        6 => Body::Compare((0..64).map(|_| reader.u64()).collect()),
        7 => Body::Differ(reader.u64()),
        _ => Body::StreamPing(reader.u32(), reader.text(), reader.u64()),
    };
    let count = u16::from_be_bytes(reader.take());
    let claims = (0..count).map(|_| reader.claim()).collect();
    assert_eq!(reader.0, [0; 0], "there is nothing behind it");
    Message {
        name,
        incarnation,
        address,
        body,
        claims,
    }
}
