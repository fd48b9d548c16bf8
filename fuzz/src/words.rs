//! Do the words of nodes, of an operator, of name servers and of a segment come back as they went?
//!
//! Role       Small targets: a word of groups, of global names and of the desk; an answer of DNS, a beat,
//!            a plan of faults.

use std::time::Duration;

use foundation_cluster::Secret;
use foundation_cluster::desk::{Answer, Question as Asked};
use foundation_cluster::discovery::{Beat, Message, Question, RecordKind};
use foundation_cluster::faults::Plan;
use foundation_cluster::globals::{Claim, Conflict, Resource, Word as Name};
use foundation_cluster::groups::Word as Group;
use foundation_runtime::{Codec, Pid};

use crate::terms::{again, written};

fn pid() -> Pid {
    // A node, a slot and a generation, as serde has them.
    let texts = [
        &b"\x93\x07\x05\x01"[..],
        b"\x83\xa4node\x07\xa4slot\x05\xaageneration\x01",
    ];
    let read = texts.map(|bytes| Codec::<Pid>::portable().decode(bytes));
    read.into_iter().find_map(Result::ok).expect("a pid")
}

pub(crate) fn groups(bytes: &[u8]) -> bool {
    again::<Group<Pid>>(bytes)
}

pub(crate) fn group_seeds() -> Vec<Vec<u8>> {
    let from = pid();
    let scope = || "default".to_owned();
    let number = 1;
    vec![
        written(&Group::Discover {
            from,
            is_answer: true,
        }),
        written(&Group::Begin { from }),
        written(&Group::Part {
            from,
            scope: scope(),
            number,
            groups: vec![("workers".to_owned(), vec![from, from])],
            is_last: true,
        }),
        written(&Group::Changed {
            from,
            scope: scope(),
            number,
            is_join: false,
            group: "workers".to_owned(),
            pids: vec![from],
        }),
    ]
}

pub(crate) fn globals(bytes: &[u8]) -> bool {
    again::<Name<Pid>>(bytes)
}

pub(crate) fn global_seeds() -> Vec<Vec<u8>> {
    let claim = Claim {
        pid: pid(),
        conflict: Conflict::RandomExit,
    };
    let lock = Resource::Lock("lock".to_owned());
    vec![
        written(&Name::Begin::<Pid> {
            locks: vec![(lock.clone(), 4)],
            heard: 7,
        }),
        written(&Name::Names(vec![("bank".to_owned(), claim)])),
        written(&Name::Changed(3, "bank".to_owned(), Some(claim))),
        written(&Name::Ask::<Pid>(lock, 4, true)),
        written(&Name::Refuse(4, Some(pid()))),
    ]
}

pub(crate) fn desk(bytes: &[u8]) -> bool {
    again::<Asked>(bytes) | again::<Answer>(bytes)
}

pub(crate) fn desk_seeds() -> Vec<Vec<u8>> {
    let second = Duration::from_secs(1);
    vec![
        written(&Asked::Status),
        written(&Asked::Ping(Some("n2".to_owned()), second)),
        written(&Asked::Evict("n2".to_owned())),
        written(&Answer::Members(Vec::new())),
        written(&Answer::Channels(Vec::new())),
    ]
}

fn questions() -> [Question; 3] {
    [RecordKind::A, RecordKind::Aaaa, RecordKind::Srv].map(|kind| Question {
        name: "a.example".into(),
        kind,
    })
}

pub(crate) fn dns(bytes: &[u8]) -> bool {
    let mut good = false;
    for question in questions() {
        if let Ok(answer) = Message::decode(bytes, 7, &question) {
            let addresses = answer.addresses(&question.name);
            assert!(addresses.len() <= answer.answers.len() + answer.more.len());
            good = true;
        }
    }
    good
}

pub(crate) fn dns_seeds() -> Vec<Vec<u8>> {
    let records: [&[u8]; 4] = [
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01",
        b"\xc0\x0c\0\x1c\0\x01\0\0\0\x3c\0\x100123456789abcdef",
        b"\xc0\x0c\0\x21\0\x01\0\0\0\x3c\0\x09\0\0\0\0\x1b\x59\x01b\0",
        b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x0e",
    ];
    let answer = |question: &Question, record: &&[u8]| {
        let mut bytes = question.encode(7);
        (bytes[2], bytes[7]) = (0x81, 1);
        bytes.extend_from_slice(record);
        bytes
    };
    let pairs = questions().into_iter().flat_map(|question| {
        let of = |record| answer(&question, record);
        records.iter().map(of).collect::<Vec<_>>()
    });
    pairs.collect()
}

fn secret() -> Secret {
    Secret::new([7; 32]).expect("it is long enough")
}

pub(crate) fn beat(bytes: &[u8]) -> bool {
    let Some(beat) = Beat::read(bytes) else {
        return false;
    };
    let proved = beat.encode(&secret(), "shop");
    assert_eq!(proved.len(), bytes.len());
    assert_eq!(Beat::is_proved(bytes, &secret(), "shop"), proved == bytes);
    assert_eq!(Beat::read(&proved), Some(beat));
    true
}

pub(crate) fn beat_seeds() -> Vec<Vec<u8>> {
    let beat = Beat {
        name: "a".into(),
        incarnation: 3,
        count: 1,
        address: "10.0.0.1:7001".into(),
    };
    vec![beat.encode(&secret(), "shop")]
}

pub(crate) fn plan(bytes: &[u8]) -> bool {
    let (nodes, length) = (5, Duration::from_secs(60));
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let Ok(plan) = Plan::read(text, nodes, length) else {
        return false;
    };
    let again = Plan::read(&plan.to_string(), nodes, length).expect("it was written");
    assert_eq!(again.to_string(), plan.to_string());
    true
}

pub(crate) fn plan_seeds() -> Vec<Vec<u8>> {
    let shipped = Plan::shipped(5, Duration::from_secs(60));
    vec![shipped.to_string().into_bytes()]
}
