//! What did the user say about the actor as a whole?
//!
//! Role       Reads `#[actor(..)]` and `#[state(..)]`.
//! Inputs     The attribute's words, and the attributes of the `impl` block.
//! Outputs    The version of the state and the path of the library.
//! Invariant  `#[state]` never stays on the block: rustc would not know it.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser as _;
use syn::{ItemImpl, LitInt, Path};

use crate::errors::Errors;

/// The version of a state that nobody gave one.
const VERSION_FIRST: u32 = 1;

/// What the user chose for the whole actor.
pub(super) struct Options {
    /// Where the library is, if not where cargo says.
    pub(super) library: Option<Path>,
    /// The version of the state.
    pub(super) version: u32,
}

impl Options {
    /// Reads the words in `#[actor(..)]`.
    pub(super) fn of_attribute(words: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options {
            library: None,
            version: VERSION_FIRST,
        };
        let parser = syn::meta::parser(|meta| options.word(&meta));
        if let Err(error) = parser.parse2(words) {
            errors.push(error);
        }
        options
    }

    /// Takes `#[state(..)]` from the block and reads it.
    pub(super) fn take_state(&mut self, block: &mut ItemImpl, errors: &mut Errors) {
        block.attrs.retain(|attribute| {
            let state = attribute.path().is_ident("state");
            if state && let Err(error) = attribute.parse_nested_meta(|meta| self.state_word(&meta))
            {
                errors.push(error);
            }
            !state
        });
    }

    fn word(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("crate") {
            self.library = Some(meta.value()?.parse()?);
            Ok(())
        } else if meta.path.is_ident("version") {
            self.read_version(meta)
        } else {
            Err(meta.error(
                "`#[actor]` does not know this word: it takes `version = 2` (of the state) \
                 and `crate = path` (where the library is)",
            ))
        }
    }

    fn state_word(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("version") {
            self.read_version(meta)
        } else {
            Err(meta.error("`#[state]` does not know this word: it takes `version = 2`"))
        }
    }

    fn read_version(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let number: LitInt = meta.value()?.parse()?;
        self.version = number.base10_parse()?;
        Ok(())
    }
}
