//! Has the format changed?
//!
//! Role       One frame of each kind, byte by byte. Who has to change a row changes
//!            [`WIRE_VERSION`] as well: other nodes read what is written here.

use std::sync::Arc;

use super::{RECEIVER, SENDER, THIRD, pid, read, written};
use crate::envelope::Tag;
use crate::port::frame::{Frame, Message, Target};
use crate::port::wire::WIRE_VERSION;
use crate::{CallError, Crash, Pid, Reason, Stack, Term};

fn check(frame: &Frame<'_>, golden: &str) {
    let bytes = written(frame);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden.replace(' ', ""), "{frame:?}");
    let back = read(&bytes).expect("it was written");
    assert_eq!(format!("{back:?}"), format!("{frame:?}"));
}

/// `00 05 01`.
fn from() -> Pid {
    pid(SENDER, 5, 1)
}

/// `01 ac02 02`.
fn to() -> Pid {
    pid(RECEIVER, 300, 2)
}

/// `02 c8c7c6c5c4c3c2c1 07 01`.
fn third() -> Pid {
    pid(THIRD, 7, 1)
}

fn message(from: Option<Pid>, caller: Option<Pid>) -> Message<&'static [u8]> {
    Message {
        from,
        tag: Tag::from_u64(0x0102_0304_0506_0708),
        caller: caller.map(|caller| (caller, 128)),
        payload: &[0x81, 0xa1, b'n', 0x05],
    }
}

#[test]
fn the_version_is_that_of_these_rows() {
    assert_eq!(WIRE_VERSION, 1);
}

#[test]
fn messages_and_answers() {
    let cast = |to, message| Frame::Message { to, message };
    let (process, name) = (Target::Pid(to()), Target::Name(RECEIVER, "bank"));
    check(
        &cast(process, message(Some(from()), None)),
        "01 01 000501 01ac0202 0807060504030201 04 81a16e05",
    );
    check(
        &cast(process, message(Some(from()), Some(from()))),
        "01 05 000501 01ac0202 8001 0807060504030201 04 81a16e05",
    );
    check(
        &cast(process, message(None, Some(third()))),
        "01 0c 01ac0202 02c8c7c6c5c4c3c2c10701 8001 0807060504030201 04 81a16e05",
    );
    check(
        &cast(name, message(None, None)),
        "01 02 04 62616e6b 0807060504030201 04 81a16e05",
    );
    let alias = |priority, message| Frame::Alias {
        to: to(),
        alias: 9,
        priority,
        message,
    };
    check(
        &alias(true, message(None, None)),
        "02 10 01ac0202 09 0807060504030201 04 81a16e05",
    );
    check(
        &alias(false, message(Some(from()), Some(third()))),
        "02 0d 000501 01ac0202 09 02c8c7c6c5c4c3c2c10701 8001 0807060504030201 04 81a16e05",
    );
    let (to, id) = (to(), 3);
    let payload = &[0xc0][..];
    check(&Frame::Answer { to, id, payload }, "03 01ac0202 03 01 c0");
}

#[test]
fn signals() {
    let (from, to, id, watcher) = (from(), to(), 3, from());
    let exit = |link| Frame::Exit {
        from,
        to,
        reason: Reason::Killed,
        link,
    };
    check(&exit(false), "05 000501 01ac0202 04");
    check(&exit(true), "06 000501 01ac0202 04");
    check(&Frame::Link { from, to }, "07 000501 01ac0202");
    check(&Frame::Unlink { from, to, id }, "08 000501 01ac0202 03");
    check(&Frame::UnlinkAck { from, to, id }, "09 000501 01ac0202 03");
    let monitor = |to| Frame::Monitor { watcher, to, id };
    check(&monitor(Target::Pid(to)), "0a 000501 01ac0202 03");
    let name = "bank";
    check(
        &monitor(Target::Name(RECEIVER, name)),
        "0b 000501 03 04 62616e6b",
    );
    check(
        &Frame::Demonitor { watcher, to, id },
        "0c 000501 01ac0202 03",
    );
    let reason = Reason::Normal;
    check(
        &Frame::Down {
            from,
            to,
            id,
            reason,
        },
        "0d 000501 01ac0202 03 00",
    );
    check(&Frame::Info { from, to, id }, "0e 000501 01ac0202 03");
    let leader = third();
    check(
        &Frame::Lead { from, to, leader },
        "10 000501 01ac0202 02c8c7c6c5c4c3c2c10701",
    );
    check(
        &Frame::Whereis { from, id, name },
        "0f 000501 03 04 62616e6b",
    );
}

fn check_reason(reason: Reason, golden: &str) {
    let (from, to) = (from(), to());
    let link = false;
    let exit = Frame::Exit {
        from,
        to,
        reason,
        link,
    };
    check(&exit, &format!("05 000501 01ac0202 {golden}"));
}

#[test]
fn reasons() {
    let shutdown = Reason::shutdown_with(Term::atom("ok"));
    check_reason(Reason::Normal, "00");
    check_reason(Reason::Shutdown, "01");
    check_reason(shutdown, "02 00 02 6f6b");
    check_reason(Reason::Kill, "03");
    check_reason(Reason::Killed, "04");
    check_reason(Reason::NoProc, "05");
    check_reason(Reason::NoConnection, "06");
    let crash = |location: Option<&str>, stack: Option<&str>| {
        Reason::Crash(Arc::new(Crash {
            message: "no".into(),
            location: location.map(Into::into),
            backtrace: stack.map(Stack::told),
        }))
    };
    check_reason(crash(None, None), "07 00 02 6e6f");
    check_reason(crash(Some("a:1"), None), "07 01 02 6e6f 03 613a31");
    check_reason(crash(None, Some("s")), "07 02 02 6e6f 01 73");
    check_reason(
        crash(Some("a:1"), Some("s")),
        "07 03 02 6e6f 03 613a31 01 73",
    );
}

#[test]
fn terms() {
    let check = |term: Term, golden| check_reason(Reason::other(term), &format!("08 {golden}"));
    check(Term::atom("ok"), "00 02 6f6b");
    check(Term::Integer(0), "01 00");
    check(Term::Integer(-1), "01 01");
    check(Term::Integer(64), "01 8001");
    check(Term::Integer(i64::MIN), "01 ffffffffffffffffff01");
    check(Term::Float(1.0), "02 000000000000f03f");
    check(Term::from("ab"), "03 02 6162");
    check(
        Term::List(vec![Term::Integer(1), Term::Integer(2)]),
        "04 02 0102 0104",
    );
    check(
        Term::tuple([Term::atom("ok"), Term::List(vec![])]),
        "05 02 00026f6b 0400",
    );
    check(
        Term::Map(vec![(Term::atom("k"), Term::Integer(1))]),
        "06 01 00016b 0102",
    );
    check(Term::Pid(from()), "07 000501");
    check(Term::Reference(to(), 200), "08 01ac0202 c801");
}

#[test]
fn failures() {
    let check = |failure, golden| {
        let (to, id) = (to(), 3);
        let frame = Frame::Failure { to, id, failure };
        check(&frame, &format!("04 01ac0202 03 {golden}"));
    };
    check(CallError::NoProc, "00");
    check(CallError::Down(Reason::Shutdown), "01 01");
    check(CallError::Timeout, "02");
    check(CallError::NoConnection, "03");
    check(CallError::CallingSelf, "04");
    check(CallError::NoReply, "05");
    check(CallError::NotPortable("m".into()), "06 01 6d");
    check(CallError::Refused("w".into()), "07 01 77");
    check(CallError::Full, "08");
    check(CallError::NoChannel("x".into()), "09 01 78");
}
