//! How is a message written?
//!
//! Role       A header and a body, then claims for as long as there is room.
//! Invariant  What is written can be read back, and is never longer than the limit it was begun with.

use super::super::record::{Claim, Record, State};
use super::message::Body;
use super::{VERSION, kind};

pub(in super::super) struct Writer {
    bytes: Vec<u8>,
    max: usize,
    /// How many claims there are, and where that is written.
    claims: (u16, usize),
}

impl Writer {
    /// The beginning of a message from `me`, of at most `max` bytes.
    pub(in super::super) fn begin(cluster: u64, me: &Record, body: &Body<'_>, max: usize) -> Self {
        let mut writer = Self {
            bytes: Vec::with_capacity(256),
            max,
            claims: (0, 0),
        };
        writer.bytes.push(VERSION);
        writer.bytes.push(kind_of(body));
        writer.u64(cluster);
        writer.text(me.name.as_str());
        writer.u64(me.incarnation);
        writer.text(me.address.as_str());
        writer.body(body);
        writer.claims.1 = writer.bytes.len();
        writer.bytes.extend_from_slice(&[0, 0]);
        assert!(
            writer.bytes.len() <= max,
            "a message has no room for its body"
        );
        writer
    }

    /// Adds the claim, if there is room for it.
    pub(in super::super) fn claim(&mut self, claim: &Claim<'_>) -> bool {
        if self.bytes.len() + len(claim) > self.max || self.claims.0 == u16::MAX {
            return false;
        }
        let begun = self.bytes.len();
        self.bytes.push(match claim.state {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
            State::Left => 3,
            State::Evicted => 4,
        });
        self.text(claim.name);
        self.u64(claim.incarnation);
        self.u32(claim.revision);
        self.text(claim.address);
        let metadata = u16::try_from(claim.metadata.len()).expect("metadata is short");
        self.bytes.extend_from_slice(&metadata.to_be_bytes());
        self.bytes.extend_from_slice(claim.metadata);
        if claim.state == State::Suspect {
            let accusers = claim.accusers.as_slice();
            self.bytes.push(accusers.len() as u8);
            for accuser in accusers {
                self.u64(*accuser);
            }
        }
        if !claim.state.is_live() {
            self.u32(claim.age);
        }
        assert_eq!(
            self.bytes.len() - begun,
            len(claim),
            "claims are measured well"
        );
        self.claims.0 += 1;
        true
    }

    /// Is there no room for a claim of a usual size?
    pub(in super::super) fn is_full(&self) -> bool {
        self.max - self.bytes.len() < 32
    }

    pub(in super::super) fn finish(mut self) -> Vec<u8> {
        let (count, at) = self.claims;
        self.bytes[at..at + 2].copy_from_slice(&count.to_be_bytes());
        self.bytes
    }

    fn body(&mut self, body: &Body<'_>) {
        match body {
            Body::Ping(ping) => {
                self.u32(ping.number);
                self.text(ping.name);
                self.u64(ping.incarnation);
            }
            Body::Ack { number, .. } | Body::Nack { number } => self.u32(*number),
            Body::Help {
                number,
                name,
                incarnation,
                address,
            } => {
                self.u32(*number);
                self.text(name);
                self.u64(*incarnation);
                self.text(address);
            }
            Body::Gossip => {}
            Body::Compare { digest } => digest.0.iter().for_each(|sum| self.u64(*sum)),
            Body::Differ { mask } => self.u64(*mask),
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes
            .push(u8::try_from(text.len()).expect("names are short"));
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }
}

/// The bytes of a claim.
pub(in super::super) fn len(claim: &Claim<'_>) -> usize {
    let accusers = match claim.state {
        State::Suspect => 1 + 8 * claim.accusers.len(),
        _ => 0,
    };
    let age = if claim.state.is_live() { 0 } else { 4 };
    let texts = 1 + claim.name.len() + 1 + claim.address.len();
    1 + texts + 8 + 4 + 2 + claim.metadata.len() + accusers + age
}

const fn kind_of(body: &Body<'_>) -> u8 {
    match body {
        Body::Ping(ping) if ping.stream => kind::STREAM_PING,
        Body::Ping(_) => kind::PING,
        Body::Ack { .. } => kind::ACK,
        Body::Help { .. } => kind::HELP,
        Body::Nack { .. } => kind::NACK,
        Body::Gossip => kind::GOSSIP,
        Body::Compare { .. } => kind::COMPARE,
        Body::Differ { .. } => kind::DIFFER,
    }
}
