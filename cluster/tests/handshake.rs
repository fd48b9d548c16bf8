//! Do two nodes find out who the other is, and nobody else?
//!
//! Role       The handshake by tables, every message cut and flipped at every byte, and with
//!            somebody in the middle.
//! Sabotages  Seen red: a proof without a role, without the binding, without the hello, not
//!            checked at all by either end.

use foundation_cluster::handshake::{Agreed, Effect, Handshake, Input, Refusal, Role, Who};
use foundation_cluster::{Effects, Machine, Secret, Tick};
use foundation_runtime::Rng;

fn who(name: &str) -> Who {
    Who {
        name: name.into(),
        incarnation: 7,
        address: "127.0.0.1:7001".into(),
    }
}

fn secret(of: u8) -> Secret {
    Secret::new([of; 32]).expect("long enough")
}

struct End {
    machine: Handshake,
    /// What it wants to be sent.
    out: Vec<u8>,
    admits: Result<(), Refusal>,
    asked: Option<Who>,
    end: Option<Result<Agreed, Refusal>>,
}

impl End {
    fn new(machine: Handshake) -> Self {
        let mut end = Self {
            machine,
            out: Vec::new(),
            admits: Ok(()),
            asked: None,
            end: None,
        };
        end.step(Input::Begin);
        end
    }

    fn step(&mut self, input: Input) {
        let mut effects = Effects::new();
        self.machine.step(Tick::ZERO, input, &mut effects);
        self.machine.check();
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send(bytes) => self.out.extend(bytes),
                Effect::Admit(who, _) => {
                    assert!(self.asked.replace(who).is_none(), "asked twice");
                    self.step(Input::Admission(self.admits));
                }
                Effect::Agreed(agreed) => self.finish(Ok(agreed)),
                Effect::Refused(refusal) => self.finish(Err(refusal)),
            }
        }
    }

    fn finish(&mut self, end: Result<Agreed, Refusal>) {
        assert!(self.end.replace(end).is_none(), "it ended twice");
    }

    fn name(&self) -> Result<&str, Refusal> {
        let end = self.end.as_ref().expect("it has ended");
        end.as_ref()
            .map(|agreed| &*agreed.peer.name)
            .map_err(|refusal| *refusal)
    }
}

fn machine(role: Role, cluster: &str, key: u8, binding: &[u8]) -> Handshake {
    let (name, nonce) = match role {
        Role::Dialler => ("d", [1; 32]),
        Role::Listener => ("l", [2; 32]),
    };
    Handshake::new(role, cluster, who(name), secret(key), nonce, binding)
}

fn ends() -> [End; 2] {
    [
        End::new(machine(Role::Dialler, "shop", 1, b"")),
        End::new(machine(Role::Listener, "shop", 1, b"")),
    ]
}

/// Carries all that both want to send, so many bytes at a time.
fn carry([a, b]: &mut [End; 2], portion: usize) {
    while !a.out.is_empty() || !b.out.is_empty() {
        hand_over(a, b, portion);
        hand_over(b, a, portion);
    }
}

fn hand_over(from: &mut End, to: &mut End, portion: usize) -> Vec<u8> {
    let count = portion.min(from.out.len());
    let bytes: Vec<u8> = from.out.drain(..count).collect();
    to.step(Input::Bytes(bytes.clone()));
    bytes
}

#[test]
fn both_learn_who_the_other_is_however_the_bytes_come() {
    for portion in [1, 2, 7, 100, 10_000] {
        let mut both = ends();
        carry(&mut both, portion);
        for (end, peer) in both.iter().zip(["l", "d"]) {
            let Some(Ok(agreed)) = &end.end else {
                panic!("{:?}", end.end)
            };
            assert_eq!((agreed.version, &agreed.peer), (1, &who(peer)));
            assert_eq!(agreed.rest, []);
            assert_eq!(end.asked, Some(who(peer)));
        }
    }
}

#[test]
fn what_comes_after_the_welcome_is_not_lost() {
    let [mut d, mut l] = ends();
    l.step(Input::Bytes(d.out.drain(..).collect()));
    d.step(Input::Bytes(l.out.drain(..).collect()));
    l.step(Input::Bytes(d.out.drain(..).collect()));
    l.out.extend(b"first frame");
    d.step(Input::Bytes(l.out.drain(..).collect()));
    let Some(Ok(agreed)) = d.end else {
        panic!("{:?}", d.end)
    };
    assert_eq!(agreed.rest, b"first frame");
}

/// What both ends say when the dialler is as given, and how the dialler's admission goes.
#[test]
fn who_does_not_belong_is_told_why() {
    let of = |cluster, key, binding| machine(Role::Dialler, cluster, key, binding);
    let rows = [
        ("another cluster", of("farm", 1, b""), Refusal::Cluster),
        ("another secret", of("shop", 2, b""), Refusal::Proof),
        ("another connection", of("shop", 1, b"tls"), Refusal::Proof),
        (
            "newer versions",
            of("shop", 1, b"").versions(2, 9),
            Refusal::Version,
        ),
        (
            "older versions",
            of("shop", 1, b"").versions(0, 0),
            Refusal::Version,
        ),
    ];
    for (what, dialler, refusal) in rows {
        let mut both = [
            End::new(dialler),
            End::new(machine(Role::Listener, "shop", 1, b"")),
        ];
        carry(&mut both, 100);
        assert_eq!(both[0].name(), Err(refusal), "{what}, the dialler");
        assert_eq!(both[1].name(), Err(refusal), "{what}, the listener");
        assert_eq!(
            both[1].asked, None,
            "{what}: nobody is asked for a stranger"
        );
    }
}

#[test]
fn the_newest_version_that_both_speak_is_taken() {
    for (theirs, version) in [((0, 1), Some(1)), ((1, 5), Some(1)), ((2, 5), None)] {
        let dialler = machine(Role::Dialler, "shop", 1, b"").versions(theirs.0, theirs.1);
        let mut both = [
            End::new(dialler),
            End::new(machine(Role::Listener, "shop", 1, b"")),
        ];
        carry(&mut both, 100);
        let agreed = both[0].end.as_ref().expect("ended").as_ref().ok();
        assert_eq!(agreed.map(|agreed| agreed.version), version);
    }
}

#[test]
fn either_end_may_not_want_the_other() {
    for unwilling in [0, 1] {
        let mut both = ends();
        both[unwilling].admits = Err(Refusal::NameTaken);
        carry(&mut both, 100);
        assert_eq!(both[0].name(), Err(Refusal::NameTaken));
        assert_eq!(both[1].name(), Err(Refusal::NameTaken));
    }
}

#[test]
fn a_proof_is_good_for_nothing_else() {
    // Turned round: a listener's challenge is no proof of a dialler.
    let [mut d, mut l] = ends();
    let hello: Vec<u8> = d.out.drain(..).collect();
    l.step(Input::Bytes(hello.clone()));
    let challenge: Vec<u8> = l.out.drain(..).collect();
    let mut proof = vec![0, 33, 3];
    proof.extend_from_slice(&challenge[challenge.len() - 32..]);
    l.step(Input::Bytes(proof));
    assert_eq!(l.name(), Err(Refusal::Proof));
    // Replayed: what a dialler said once, said again to a listener with a new nonce.
    d.step(Input::Bytes(challenge));
    let proof: Vec<u8> = d.out.drain(..).collect();
    let fresh = Handshake::new(Role::Listener, "shop", who("l"), secret(1), [3; 32], b"");
    let mut fresh = End::new(fresh);
    fresh.step(Input::Bytes(hello));
    fresh.step(Input::Bytes(proof));
    assert_eq!(fresh.name(), Err(Refusal::Proof));
    assert_eq!(fresh.asked, None);
}

/// All that the dialler says, and all that the listener says, in order.
fn talk() -> [Vec<Vec<u8>>; 2] {
    let [mut d, mut l] = ends();
    let mut talk = [Vec::new(), Vec::new()];
    while !d.out.is_empty() || !l.out.is_empty() {
        for (at, said) in talk.iter_mut().enumerate() {
            let bytes = match at {
                0 => hand_over(&mut d, &mut l, usize::MAX),
                _ => hand_over(&mut l, &mut d, usize::MAX),
            };
            if !bytes.is_empty() {
                said.push(bytes);
            }
        }
    }
    talk
}

/// An end that has heard the first messages as they are meant, and hears `last` now.
fn heard(at: usize, before: &[Vec<u8>], last: Vec<u8>) -> End {
    let [d, l] = ends();
    let mut end = if at == 0 { l } else { d };
    for message in before {
        end.step(Input::Bytes(message.clone()));
    }
    end.step(Input::Bytes(last));
    end
}

#[test]
fn no_flipped_bit_and_no_cut_goes_unnoticed() {
    let mut rejected = 0;
    for (at, messages) in talk().iter().enumerate() {
        for (nth, message) in messages.iter().enumerate() {
            for byte in 0..message.len() {
                let cut = heard(at, &messages[..nth], message[..byte].to_vec());
                assert!(cut.end.is_none(), "a part is not the whole");
                for bit in 0..8 {
                    let mut flipped = message.clone();
                    flipped[byte] ^= 1 << bit;
                    let end = heard(at, &messages[..nth], flipped);
                    // A hello can be changed: then the proofs of it do not agree.
                    let is_hello = at == 0 && nth == 0;
                    let agreed = matches!(end.end, Some(Ok(_)));
                    assert!(!agreed, "message {nth} of end {at}, byte {byte}, bit {bit}");
                    rejected += u32::from(end.end.is_some());
                    assert!(is_hello || end.asked.is_none() || nth == messages.len() - 1);
                }
            }
        }
    }
    assert!(rejected > 1_000, "most are refused at once: {rejected}");
}

#[test]
fn garbage_ends_it_without_a_panic() {
    let mut rng = Rng::new(11);
    for _ in 0..20_000 {
        let length = rng.below(300);
        let mut garbage: Vec<u8> = (0..length).map(|_| rng.next_u64() as u8).collect();
        if rng.chance(0.5) && length > 3 {
            // A length that fits, and a kind that there is.
            garbage[..2].copy_from_slice(&((length - 2) as u16).to_be_bytes());
            garbage[2] = rng.below(6) as u8;
        }
        for mut end in ends() {
            end.step(Input::Bytes(garbage.clone()));
            assert!(!matches!(end.end, Some(Ok(_))));
        }
    }
}

#[test]
fn a_length_that_is_too_long_is_refused_at_once() {
    for length in [1025_u16, 0x7fff, u16::MAX] {
        let [_, mut l] = ends();
        l.step(Input::Bytes(length.to_be_bytes().to_vec()));
        assert_eq!(l.name(), Err(Refusal::Malformed));
    }
    let [_, mut l] = ends();
    l.step(Input::Bytes(vec![0, 0]));
    assert_eq!(l.name(), Err(Refusal::Malformed), "nothing has no kind");
}

#[test]
fn it_ends_once() {
    for input in [Input::Deadline, Input::Closed] {
        let [mut d, mut l] = ends();
        let (refusal, told) = match input {
            Input::Deadline => (Refusal::Deadline, true),
            _ => (Refusal::Closed, false),
        };
        d.out.clear();
        d.step(input);
        assert_eq!(d.name(), Err(refusal));
        assert_eq!(
            !d.out.is_empty(),
            told,
            "who does not hear us any more is told nothing"
        );
        l.step(Input::Bytes(d.out.drain(..).collect()));
        // What comes later has no effect.
        d.step(Input::Closed);
        d.step(Input::Deadline);
        d.step(Input::Bytes(vec![1; 5000]));
        assert!(d.out.is_empty());
    }
}

#[test]
fn every_refusal_says_why_and_whether_it_may_pass() {
    for refusal in [
        Refusal::NameTaken,
        Refusal::Full,
        Refusal::Simultaneous,
        Refusal::Deadline,
    ] {
        assert!(refusal.may_pass(), "{refusal}");
    }
    for refusal in [
        Refusal::Proof,
        Refusal::Cluster,
        Refusal::Version,
        Refusal::Evicted,
    ] {
        assert!(!refusal.may_pass(), "{refusal}");
    }
}

#[test]
fn a_hello_that_was_changed_on_its_way_is_not_believed() {
    let length = talk()[0][0].len();
    for at in 0..length * 8 {
        let mut both = ends();
        both[0].out[at / 8] ^= 1 << (at % 8);
        carry(&mut both, 10_000);
        for end in &both {
            assert!(!matches!(end.end, Some(Ok(_))), "bit {at}: {:?}", end.end);
        }
    }
}
