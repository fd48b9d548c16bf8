//! What is written of what is too large, or does not become bytes?

use std::sync::Arc;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

use super::{ENDS, RECEIVER, SENDER, pid, read, written};
use crate::envelope::{Codec, Envelope, Payload, Tag};
use crate::port::frame::{Body, Frame, Message, Target};
use crate::port::wire::reason::REASON_BYTES_MAX;
use crate::port::wire::term::{LEFT_OUT, NESTING_MAX, TERMS_MAX};
use crate::port::wire::{FRAME_BYTES_MAX, NAME_BYTES_MAX, Unwritten, encode};
use crate::{CodecError, Reason, Term};

/// As the only text of a message.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Line(String);

impl Payload for Line {
    const NAME: &'static str = "line";
    const CODEC: Codec<Self> = Codec::portable();
    fn tag() -> Tag {
        Tag::of("tests", "wire", "line")
    }
}

/// Changes its mind in the middle.
#[derive(Deserialize)]
struct Coy;

impl Serialize for Coy {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut items = to.serialize_seq(Some(2))?;
        items.serialize_element("something was written")?;
        Err(S::Error::custom("no"))
    }
}

impl Payload for Coy {
    const NAME: &'static str = "coy";
    const CODEC: Codec<Self> = Codec::portable();
    fn tag() -> Tag {
        Tag::of("tests", "wire", "coy")
    }
}

fn cast<P: Body>(to: Target<'_>, payload: P) -> Frame<'_, P> {
    let message = Message {
        from: None,
        tag: Line::tag(),
        caller: None,
        payload,
    };
    Frame::Message { to, message }
}

fn somebody<'a>() -> Target<'a> {
    Target::Pid(pid(RECEIVER, 1, 1))
}

#[test]
fn a_message_is_written_where_it_is_to_be() {
    let edges = [0, 1, 125, 126, 127, 128, 16_382, 16_383, 16_384, 1 << 21];
    for length in edges {
        let line = Line("l".repeat(length));
        let envelope = Envelope::message(line);
        let mut bytes = vec![1, 2, 3];
        encode(&cast(somebody(), &envelope), ENDS, &mut bytes).expect("it can be written");
        assert_eq!(bytes[..3], [1, 2, 3]);
        let Ok(Frame::Message { message, .. }) = read(&bytes[3..]) else {
            panic!("{length}: {bytes:?}");
        };
        let line = Line::CODEC.decode(message.payload).expect("it was written");
        assert_eq!(line.0.len(), length);
    }
}

#[test]
fn what_is_not_written_leaves_no_trace() {
    fn refused<P: Body>(frame: &Frame<'_, P>) -> Unwritten {
        let mut bytes = vec![1, 2, 3];
        let error = encode(frame, ENDS, &mut bytes).expect_err("it cannot be written");
        assert_eq!(bytes, [1, 2, 3]);
        error
    }
    let coy = Envelope::message(Coy);
    let error = refused(&cast(somebody(), &coy));
    let Unwritten::Message(CodecError::Refused(why)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(&*why, "no");
    let large = vec![0; FRAME_BYTES_MAX];
    let error = refused(&cast(somebody(), &large[..]));
    assert!(matches!(error, Unwritten::TooLarge), "{error:?}");
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    let named = Target::Name(RECEIVER, &long);
    let (watcher, id, name) = (pid(SENDER, 1, 1), 1, &*long);
    let monitor: Frame<'_> = Frame::Monitor {
        watcher,
        to: named,
        id,
    };
    let from = watcher;
    let whereis: Frame<'_> = Frame::Whereis { from, id, name };
    for error in [
        refused(&cast(named, &[0][..])),
        refused(&monitor),
        refused(&whereis),
    ] {
        assert!(matches!(error, Unwritten::Name), "{error:?}");
    }
}

/// What the receiver of this reason reads.
fn told(term: Term) -> Term {
    let exit = Frame::Exit {
        from: pid(SENDER, 1, 1),
        to: pid(RECEIVER, 1, 1),
        reason: Reason::ShutdownWith(Arc::new(term)),
        link: true,
    };
    match read(&written(&exit)) {
        Ok(Frame::Exit {
            reason: Reason::ShutdownWith(term) | Reason::Other(term),
            ..
        }) => Term::clone(&term),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reason_that_is_too_large_arrives_in_part() {
    let left_out = || Term::atom(LEFT_OUT);
    let nest = |inner: Term, depth| (0..depth).fold(inner, |term, _| Term::List(vec![term]));
    let deepest = nest(Term::Integer(1), NESTING_MAX - 1);
    assert_eq!(told(deepest.clone()), deepest);
    let cut = nest(left_out(), NESTING_MAX - 1);
    assert_eq!(told(nest(Term::Integer(1), NESTING_MAX)), cut);
    assert_eq!(told(nest(Term::Integer(1), 500)), cut);

    let list = |count| Term::List(vec![Term::Integer(0); count]);
    assert_eq!(told(list(TERMS_MAX)), list(TERMS_MAX));
    assert_eq!(told(list(TERMS_MAX + 1)), left_out());
    let rest = Term::tuple([list(TERMS_MAX - 2), list(1)]);
    assert_eq!(told(rest), Term::tuple([list(TERMS_MAX - 2), left_out()]));
    let map = Term::Map(vec![(Term::Integer(0), Term::Integer(0)); TERMS_MAX / 2]);
    assert_eq!(told(map.clone()), map);

    let binary = |length: usize| Term::Binary(vec![0; length].into());
    let fits = binary(REASON_BYTES_MAX - 6);
    assert_eq!(told(fits.clone()), fits);
    assert_eq!(told(binary(REASON_BYTES_MAX)), left_out());
}
