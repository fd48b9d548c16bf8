//! What can be said without a type: a small dynamic value.
//!
//! Role       The common language of exit reasons, dynamic calls and Erlang peers.
//! Inputs     Rust values, by `From`.
//! Outputs    [`Term`]: a closed enum with Erlang's kinds of value.
//! Invariant  What is read grows with what has come: serde would make room for a list as long as the
//!            bytes announce, up to 1 MiB, and lists lie in lists.
//! Source     otp: reference manual, "Data Types"

use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Pid;

/// A dynamic value with the kinds that Erlang has and Rust programs need.
///
/// ```
/// use foundation_runtime::Term;
/// let reason = Term::tuple([Term::atom("bad_line"), Term::from(8899)]);
/// assert_eq!(reason.to_string(), "{bad_line, 8899}");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Term {
    /// A name that stands for itself. Not interned: an atom here costs its text, and can be dropped.
    Atom(Box<str>),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
    /// Bytes; a text is a binary of UTF-8, as in Elixir.
    Binary(#[serde(deserialize_with = "bytes")] Box<[u8]>),
    /// A list.
    List(#[serde(deserialize_with = "list")] Vec<Term>),
    /// A tuple: an `Ok`/`error` pair, a tagged message.
    Tuple(#[serde(deserialize_with = "list")] Vec<Term>),
    /// Key and value pairs, in the order given.
    Map(#[serde(deserialize_with = "list")] Vec<(Term, Term)>),
    /// The address of a process.
    Pid(Pid),
    /// A unique reference: of a monitor, a timer, an alias.
    Reference(Pid, u64),
}

/// A list without room made for it.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    struct Items<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                items.push(item);
            }
            Ok(items)
        }
    }

    from.deserialize_seq(Items(PhantomData))
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Box<[u8]>, D::Error> {
    Ok(list(from)?.into())
}

impl Term {
    /// An atom of this name.
    #[must_use]
    pub fn atom(name: &str) -> Self {
        Self::Atom(name.into())
    }

    /// A tuple of these elements.
    pub fn tuple(elements: impl IntoIterator<Item = Term>) -> Self {
        Self::Tuple(elements.into_iter().collect())
    }

    /// The text of a binary that is UTF-8, or the name of an atom.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Atom(name) => Some(name),
            Self::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

impl From<i64> for Term {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<i32> for Term {
    fn from(value: i32) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<u32> for Term {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<f64> for Term {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Term {
    fn from(text: &str) -> Self {
        Self::Binary(text.as_bytes().into())
    }
}

impl From<String> for Term {
    fn from(text: String) -> Self {
        Self::Binary(text.into_bytes().into())
    }
}

impl From<Pid> for Term {
    fn from(pid: Pid) -> Self {
        Self::Pid(pid)
    }
}

impl From<Vec<Term>> for Term {
    fn from(items: Vec<Term>) -> Self {
        Self::List(items)
    }
}

fn join(f: &mut fmt::Formatter<'_>, open: &str, items: &[Term], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    f.write_str(close)
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atom(name) => f.write_str(name),
            Self::Integer(n) => write!(f, "{n}"),
            Self::Float(n) => write!(f, "{n:?}"),
            Self::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => write!(f, "{text:?}"),
                Err(_) => write!(f, "<<{} bytes>>", bytes.len()),
            },
            Self::List(items) => join(f, "[", items, "]"),
            Self::Tuple(items) => join(f, "{", items, "}"),
            Self::Map(pairs) => {
                f.write_str("#{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    write!(f, "{}{key} => {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Self::Pid(pid) => write!(f, "{pid}"),
            Self::Reference(pid, number) => write!(f, "#Ref{pid}{number}"),
        }
    }
}
