//! What did the user say about the state machine as a whole?
//!
//! Role       Reads `#[statem(Lock, debug, postponed_max = 100)]`.
//! Inputs     The attribute's words.
//! Outputs    The enum of states, the words that `#[actor]` has as well, and the limit.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser as _;
use syn::{Expr, Path, Token};

use super::super::options::Options;
use crate::errors::Errors;

/// What the user chose for the whole state machine.
pub(super) struct Words {
    /// The enum of its states.
    pub(super) states: Option<Path>,
    pub(super) postponed_max: Option<Expr>,
    pub(super) options: Options,
}

impl Words {
    /// Reads the words in `#[statem(..)]`.
    pub(super) fn of_attribute(words: TokenStream, errors: &mut Errors) -> Self {
        let mut read = Words {
            states: None,
            postponed_max: None,
            options: Options::of_attribute(TokenStream::new(), errors),
        };
        let before = errors.count();
        let parser = syn::meta::parser(|meta| read.word(&meta));
        if let Err(error) = parser.parse2(words) {
            errors.push(error);
        }
        if read.states.is_none() && errors.count() == before {
            errors.push(syn::Error::new(
                proc_macro2::Span::call_site(),
                "name the enum of the states: `#[statem(Lock)]`. It is one with `#[states]`",
            ));
        }
        read
    }

    fn word(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let path = &meta.path;
        if ["crate", "version", "debug", "mailbox"]
            .iter()
            .any(|word| path.is_ident(word))
        {
            return self.options.word(meta);
        }
        if path.is_ident("postponed_max") {
            self.postponed_max = Some(meta.value()?.parse()?);
            return Ok(());
        }
        if path.is_ident("protocol") {
            return Err(meta.error(
                "a state machine speaks no protocol: what a protocol's method does would not \
                 depend on the state. Let an actor that speaks it ask the state machine",
            ));
        }
        if self.states.is_none() && !meta.input.peek(Token![=]) {
            self.states = Some(path.clone());
            return Ok(());
        }
        Err(meta.error(
            "`#[statem]` does not know this word: it takes the enum of the states, `debug` (crash \
             reports show state and data), `postponed_max = 100` (how many events may be \
             postponed), `mailbox(capacity = 100, when_full = reject)` (how much may wait), \
             `version = 2` (of the state) and `crate = path` (where the library is)",
        ))
    }
}
