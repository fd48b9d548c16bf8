//! How is a term written, and how large may it be?
//!
//! Role       A byte of kind, and what is in it.
//! Limit      [`TERMS_MAX`] terms in a frame, [`NESTING_MAX`] in each other. What is beyond it is
//!            written as the atom `...`: a reason that is too large to be told does not keep the
//!            news from arriving.

use super::FRAME_BYTES_MAX;
use super::error::{Flaw, WireError};
use super::input::Input;
use super::output::Output;
use crate::Term;

/// How many elements the terms of a frame may have.
pub(super) const TERMS_MAX: usize = 1 << 21;

const _: () = assert!(TERMS_MAX * size_of::<Term>() <= FRAME_BYTES_MAX);

/// How many terms may lie in each other.
pub(super) const NESTING_MAX: usize = 64;

/// What stands for a term that is too large.
pub(super) const LEFT_OUT: &str = "...";

/// No term has fewer bytes.
const BYTES_MIN: usize = 2;

const ATOM: u8 = 0;
const INTEGER: u8 = 1;
const FLOAT: u8 = 2;
const BINARY: u8 = 3;
const LIST: u8 = 4;
const TUPLE: u8 = 5;
const MAP: u8 = 6;
const PID: u8 = 7;
const REFERENCE: u8 = 8;

impl Output<'_> {
    pub(super) fn term(&mut self, term: &Term) {
        self.nested(term, 1);
    }

    fn nested(&mut self, term: &Term, depth: usize) {
        let inside = match term {
            Term::List(items) | Term::Tuple(items) => items.len(),
            Term::Map(pairs) => pairs.len() * 2,
            _ => 0,
        };
        if self.terms < inside || (inside > 0 && depth == NESTING_MAX) {
            self.byte(ATOM);
            return self.text(LEFT_OUT);
        }
        self.terms -= inside;
        match term {
            Term::Atom(name) => {
                self.byte(ATOM);
                self.text(name);
            }
            Term::Integer(number) => {
                self.byte(INTEGER);
                self.signed(*number);
            }
            Term::Float(number) => {
                self.byte(FLOAT);
                self.fixed(number.to_bits().to_le_bytes());
            }
            Term::Binary(bytes) => {
                self.byte(BINARY);
                self.bytes(bytes);
            }
            Term::List(items) => self.items(LIST, items, depth),
            Term::Tuple(items) => self.items(TUPLE, items, depth),
            Term::Map(pairs) => {
                self.byte(MAP);
                self.number(pairs.len() as u64);
                for (key, value) in pairs {
                    self.nested(key, depth + 1);
                    self.nested(value, depth + 1);
                }
            }
            Term::Pid(pid) => {
                self.byte(PID);
                self.pid(*pid);
            }
            Term::Reference(pid, number) => {
                self.byte(REFERENCE);
                self.pid(*pid);
                self.number(*number);
            }
        }
    }

    fn items(&mut self, kind: u8, items: &[Term], depth: usize) {
        self.byte(kind);
        self.number(items.len() as u64);
        for item in items {
            self.nested(item, depth + 1);
        }
    }
}

impl Input<'_> {
    pub(super) fn term(&mut self) -> Result<Term, WireError> {
        self.nested(1)
    }

    fn nested(&mut self, depth: usize) -> Result<Term, WireError> {
        Ok(match self.byte()? {
            ATOM => Term::Atom(self.text()?.into()),
            INTEGER => Term::Integer(self.signed()?),
            FLOAT => Term::Float(f64::from_bits(u64::from_le_bytes(self.fixed()?))),
            BINARY => Term::Binary(self.bytes()?.into()),
            LIST => Term::List(self.items(depth)?),
            TUPLE => Term::Tuple(self.items(depth)?),
            MAP => {
                let count = self.inside(2, depth)?;
                let mut pairs = Vec::with_capacity(count);
                for _ in 0..count {
                    pairs.push((self.nested(depth + 1)?, self.nested(depth + 1)?));
                }
                Term::Map(pairs)
            }
            PID => Term::Pid(self.pid()?),
            REFERENCE => Term::Reference(self.pid()?, self.number()?),
            kind => return Err(self.flaw(Flaw::Kind(kind))),
        })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Term>, WireError> {
        let count = self.inside(1, depth)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.nested(depth + 1)?);
        }
        Ok(items)
    }

    /// How many elements of so many terms each follow, within the bounds.
    fn inside(&mut self, terms: usize, depth: usize) -> Result<usize, WireError> {
        let count = self.count(terms * BYTES_MIN)?;
        if self.terms < count * terms || (count > 0 && depth == NESTING_MAX) {
            return Err(self.flaw(Flaw::Terms));
        }
        self.terms -= count * terms;
        Ok(count)
    }
}
