//! What do members say to each other?
//!
//! Role       The messages, borrowed from the bytes that they came in.

use super::super::digest::Digest;
use super::super::record::Claim;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Sender<'a> {
    pub(in super::super) name: &'a str,
    pub(in super::super) incarnation: u64,
    pub(in super::super) address: &'a str,
}

/// A question to one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Ping<'a> {
    pub(in super::super) number: u32,
    pub(in super::super) name: &'a str,
    pub(in super::super) incarnation: u64,
    /// Did it come over a connection, and shall the answer?
    pub(in super::super) stream: bool,
}

/// What a message is for. Each also carries claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Body<'a> {
    /// Are you there?
    Ping(Ping<'a>),
    /// I am here; or, from a helper: the member that you asked about is.
    Ack {
        number: u32,
        /// Does it go over a connection? Not written.
        stream: bool,
    },
    /// Ask this member for me.
    Help {
        number: u32,
        name: &'a str,
        incarnation: u64,
        address: &'a str,
    },
    /// The member that you asked about has not answered me either; I am here.
    Nack { number: u32 },
    /// Nothing but claims.
    Gossip,
    /// My view, to be compared with yours.
    Compare { digest: Box<Digest> },
    /// What I know of the members in the buckets of the mask is in the claims: send me what they
    /// lack.
    Differ { mask: u64 },
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Message<'a> {
    pub(in super::super) cluster: u64,
    pub(in super::super) sender: Sender<'a>,
    pub(in super::super) body: Body<'a>,
    pub(in super::super) claims: Vec<Claim<'a>>,
}
