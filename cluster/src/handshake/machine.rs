//! What is said next in a handshake?
//!
//! Role       Both ends of the four messages, as one machine each.
//! Inputs     Bytes as they come, the admission that was asked for, the end of the time.
//! Outputs    Bytes to be sent, the question whether a node that proved itself is wanted, and one
//!            end: agreed or refused.
//! Invariant  One end, after which no input has an effect. What came after the last message is
//!            handed on with [`Agreed::rest`], not lost.

use super::message::{Message, Nonce, Proof, Purpose, Who};
use super::{MESSAGE_BYTES_MAX, Refusal, VERSIONS};
use crate::machine::{Effects, Machine, Tick};
use crate::secret::Secret;

/// Which end this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It opened the connection, and speaks first.
    Dialler,
    /// It was dialled.
    Listener,
}

/// What can happen to a handshake.
#[derive(Debug)]
pub enum Input {
    /// The connection is there.
    Begin,
    /// Bytes have come.
    Bytes(Vec<u8>),
    /// The answer to [`Effect::Admit`].
    Admission(Result<(), Refusal>),
    /// The time is up.
    Deadline,
    /// The connection has ended.
    Closed,
}

/// What a handshake wants done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send these bytes.
    Send(Vec<u8>),
    /// This node has proved that it belongs to the cluster. Is it wanted? Answer by
    /// [`Input::Admission`].
    Admit(Who, Purpose),
    /// It is done: what comes from here on is the protocol of the version that was agreed on.
    Agreed(Agreed),
    /// It failed, and the connection is to be closed once everything was sent.
    Refused(Refusal),
}

/// What two nodes have agreed on.
#[derive(Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The version that both speak.
    pub version: u16,
    /// Who the other is.
    pub peer: Who,
    /// What tells this handshake from all others of the two: both ends have the same.
    pub link: u64,
    /// Bytes that came after the last message of the handshake.
    pub rest: Vec<u8>,
}

/// One end of a handshake.
#[derive(Debug)]
pub struct Handshake {
    cluster: Box<str>,
    own: Who,
    versions: (u16, u16),
    secret: Secret,
    /// What the transport says of this connection and no other; both ends see the same.
    binding: Box<[u8]>,
    nonce: Nonce,
    role: Role,
    /// What the dialler wants.
    purpose: Purpose,
    /// The dialler's nonce, in short.
    link: u64,
    state: State,
    /// What has come and is no whole message yet.
    kept: Vec<u8>,
}

#[derive(Debug)]
enum State {
    New,
    /// The dialler has said hello, with these bytes.
    Greeted(Vec<u8>),
    /// The dialler has checked the challenge and asks whether it wants that node.
    Considered {
        version: u16,
        peer: Who,
        proof: Proof,
    },
    /// The dialler has sent its proof.
    Proved {
        version: u16,
        peer: Who,
    },
    /// The listener waits for hello.
    Listening,
    /// The listener has sent its challenge; both messages, for the proof.
    Challenged {
        version: u16,
        peer: Who,
        said: Said,
    },
    /// The listener has checked the proof and asks whether it wants that node.
    Admitting {
        version: u16,
        peer: Who,
    },
    Ended,
}

/// Both first messages, as they went over the wire; of the challenge, what the proof in it covers.
#[derive(Debug)]
struct Said {
    hello: Vec<u8>,
    challenge: Vec<u8>,
}

impl Handshake {
    /// A handshake of this end. `nonce` is never used twice. `binding` is what the transport says
    /// of this connection and no other, the same at both ends; empty when it says nothing.
    #[must_use]
    pub fn new(
        role: Role,
        cluster: impl Into<Box<str>>,
        own: Who,
        secret: Secret,
        nonce: [u8; 32],
        binding: &[u8],
    ) -> Self {
        Self {
            cluster: cluster.into(),
            own,
            versions: VERSIONS,
            secret,
            binding: binding.into(),
            nonce,
            role,
            purpose: Purpose::Peer,
            link: short(&nonce),
            state: State::New,
            kept: Vec::new(),
        }
    }

    /// Speaks these versions, oldest and newest, instead of [`VERSIONS`].
    #[must_use]
    pub fn versions(mut self, oldest: u16, newest: u16) -> Self {
        self.versions = (oldest, newest);
        self
    }

    /// Dials for this purpose, instead of [`Purpose::Peer`].
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    fn begin(&mut self, effects: &mut Effects<Effect>) {
        self.state = match self.role {
            Role::Listener => State::Listening,
            Role::Dialler => {
                let hello = Message::Hello {
                    versions: self.versions,
                    cluster: self.cluster.clone(),
                    who: self.own.clone(),
                    nonce: self.nonce,
                    purpose: self.purpose.clone(),
                };
                let hello = hello.bytes();
                effects.push(Effect::Send(hello.clone()));
                State::Greeted(hello)
            }
        };
    }

    fn bytes(&mut self, bytes: &[u8], effects: &mut Effects<Effect>) {
        self.kept.extend_from_slice(bytes);
        while self.listens() {
            match Message::read(&self.kept) {
                Ok(None) => {
                    assert!(self.kept.len() < MESSAGE_BYTES_MAX + 2, "it would be whole");
                    return;
                }
                Ok(Some((message, length))) => {
                    let raw: Vec<u8> = self.kept.drain(..length).collect();
                    self.message(message, raw, effects);
                }
                Err(_) => return self.refuse(Refusal::Malformed, effects),
            }
        }
        let waits = !matches!(self.state, State::Ended);
        if waits && self.kept.len() > MESSAGE_BYTES_MAX {
            self.refuse(Refusal::Malformed, effects);
        }
    }

    /// Whether a message is expected now.
    fn listens(&self) -> bool {
        match &self.state {
            State::Greeted(_) | State::Proved { .. } => true,
            State::Listening | State::Challenged { .. } => true,
            State::New | State::Considered { .. } | State::Admitting { .. } | State::Ended => false,
        }
    }

    fn message(&mut self, message: Message, raw: Vec<u8>, effects: &mut Effects<Effect>) {
        let state = std::mem::replace(&mut self.state, State::Ended);
        match (state, message) {
            (
                State::Listening,
                Message::Hello {
                    versions,
                    cluster,
                    who,
                    nonce,
                    purpose,
                },
            ) => {
                (self.purpose, self.link) = (purpose, short(&nonce));
                self.hello(versions, &cluster, who, raw, effects);
            }
            (
                State::Greeted(hello),
                Message::Challenge {
                    version,
                    who,
                    proof,
                    ..
                },
            ) => self.challenge(&hello, version, who, proof, &raw, effects),
            (
                State::Challenged {
                    version,
                    peer,
                    said,
                },
                Message::Proof(proof),
            ) => {
                let parts = [&*said.hello, &*said.challenge, &*self.binding];
                if !self.secret.proves(b"dialler", &parts, &proof) {
                    return self.refuse(Refusal::Proof, effects);
                }
                effects.push(Effect::Admit(peer.clone(), self.purpose.clone()));
                self.state = State::Admitting { version, peer };
            }
            (State::Proved { version, peer }, Message::Welcome) => {
                self.agree(version, peer, effects);
            }
            (_, Message::Refused(refusal)) => effects.push(Effect::Refused(refusal)),
            _ => self.refuse(Refusal::Malformed, effects),
        }
    }

    fn hello(
        &mut self,
        versions: (u16, u16),
        cluster: &str,
        peer: Who,
        hello: Vec<u8>,
        effects: &mut Effects<Effect>,
    ) {
        let version = versions.1.min(self.versions.1);
        if version < versions.0.max(self.versions.0) {
            return self.refuse(Refusal::Version, effects);
        }
        if cluster != &*self.cluster {
            return self.refuse(Refusal::Cluster, effects);
        }
        let unproved = Message::Challenge {
            version,
            who: self.own.clone(),
            nonce: self.nonce,
            proof: Proof::default(),
        };
        let challenge = covered(unproved.bytes());
        let proof = self
            .secret
            .proof(b"listener", &[&hello, &challenge, &self.binding]);
        let proved = Message::Challenge {
            version,
            who: self.own.clone(),
            nonce: self.nonce,
            proof,
        };
        effects.push(Effect::Send(proved.bytes()));
        let said = Said { hello, challenge };
        self.state = State::Challenged {
            version,
            peer,
            said,
        };
    }

    fn challenge(
        &mut self,
        hello: &[u8],
        version: u16,
        peer: Who,
        proof: Proof,
        raw: &[u8],
        effects: &mut Effects<Effect>,
    ) {
        if version < self.versions.0 || self.versions.1 < version {
            return self.refuse(Refusal::Version, effects);
        }
        let challenge = covered(raw.to_vec());
        let parts = [hello, &challenge, &self.binding];
        if !self.secret.proves(b"listener", &parts, &proof) {
            return self.refuse(Refusal::Proof, effects);
        }
        let proof = self.secret.proof(b"dialler", &parts);
        effects.push(Effect::Admit(peer.clone(), self.purpose.clone()));
        self.state = State::Considered {
            version,
            peer,
            proof,
        };
    }

    fn admission(&mut self, admission: Result<(), Refusal>, effects: &mut Effects<Effect>) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => {}
            State::Considered {
                version,
                peer,
                proof,
            } => match admission {
                Ok(()) => {
                    effects.push(Effect::Send(Message::Proof(proof).bytes()));
                    self.state = State::Proved { version, peer };
                }
                Err(refusal) => self.refuse(refusal, effects),
            },
            State::Admitting { version, peer } => match admission {
                Ok(()) => {
                    effects.push(Effect::Send(Message::Welcome.bytes()));
                    self.agree(version, peer, effects);
                }
                Err(refusal) => self.refuse(refusal, effects),
            },
            state => unreachable!("nobody was asked in {state:?}"),
        }
    }

    fn agree(&mut self, version: u16, peer: Who, effects: &mut Effects<Effect>) {
        let rest = std::mem::take(&mut self.kept);
        effects.push(Effect::Agreed(Agreed {
            version,
            peer,
            link: self.link,
            rest,
        }));
        self.state = State::Ended;
    }

    /// Tells the other end, too.
    fn refuse(&mut self, refusal: Refusal, effects: &mut Effects<Effect>) {
        effects.push(Effect::Send(Message::Refused(refusal).bytes()));
        effects.push(Effect::Refused(refusal));
        self.state = State::Ended;
    }
}

fn short(nonce: &Nonce) -> u64 {
    let (first, _) = nonce
        .split_first_chunk()
        .unwrap_or_else(|| unreachable!("it is longer"));
    u64::from_be_bytes(*first)
}

/// Of a challenge, what its proof covers: all but the proof.
fn covered(mut challenge: Vec<u8>) -> Vec<u8> {
    challenge.truncate(challenge.len() - Proof::default().len());
    challenge
}

impl Machine for Handshake {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, _: Tick, input: Input, effects: &mut Effects<Effect>) {
        let ended = matches!(self.state, State::Ended);
        match input {
            _ if ended => {}
            Input::Begin => {
                assert!(matches!(self.state, State::New), "it has begun");
                self.begin(effects);
            }
            Input::Bytes(bytes) => self.bytes(&bytes, effects),
            Input::Admission(admission) => self.admission(admission, effects),
            Input::Deadline => self.refuse(Refusal::Deadline, effects),
            Input::Closed => {
                effects.push(Effect::Refused(Refusal::Closed));
                self.state = State::Ended;
            }
        }
    }

    fn check(&self) {
        let (oldest, newest) = self.versions;
        assert!(oldest <= newest, "no version is spoken");
    }
}
