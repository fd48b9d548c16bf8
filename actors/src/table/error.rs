//! Why was something not done with a table?

use std::fmt;

use foundation_runtime::Pid;

/// Why nothing was done. The table is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// The table was deleted, or its owner ended and it had no heir.
    Gone,
    /// The table is not open to this process in this way; this is its owner.
    Denied(Pid),
    /// A table of this name exists.
    NameTaken(Box<str>),
    /// No table has this name.
    NoName(Box<str>),
    /// The table of this name has other keys or values, or is of another kind.
    OtherType(Box<str>),
    /// A table needs an owner, and this is code outside any process: name one by `owner`.
    NoOwner,
    /// The process that is to have the table is dead.
    NoProc,
    /// The process that is to have the table lives on another node; a table does not.
    OtherNode,
    /// There are as many objects as there may be: this many.
    Full(usize),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the table is gone"),
            Self::Denied(owner) => write!(f, "only {owner}, its owner, may do this with the table"),
            Self::NameTaken(name) => write!(f, "there is a table named `{name}`"),
            Self::NoName(name) => write!(f, "there is no table named `{name}`"),
            Self::OtherType(name) => {
                write!(f, "the table named `{name}` has other keys, values or kind")
            }
            Self::NoOwner => f.write_str(
                "a table needs an owner, and this is code outside any process: name one by `owner`",
            ),
            Self::NoProc => f.write_str("the process that is to have the table is dead"),
            Self::OtherNode => {
                f.write_str("the process that is to have the table lives on another node")
            }
            Self::Full(limit) => write!(f, "the table is full with {limit} objects"),
        }
    }
}

impl std::error::Error for TableError {}
