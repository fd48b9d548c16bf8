//! What did the user say about the actor as a whole?
//!
//! Role       Reads `#[actor(..)]` and `#[state(..)]`.
//! Inputs     The attribute's words, and the attributes of the `impl` block.
//! Outputs    The version of the state, what reports show, and the path of the library.
//! Invariant  `#[state]` never stays on the block: rustc would not know it.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{ItemImpl, LitInt, Path, Token};

use super::mailbox::MailboxChoice;
use crate::errors::Errors;

/// The version of a state that nobody gave one.
const VERSION_FIRST: u32 = 1;

/// What the user chose for the whole actor.
pub(super) struct Options {
    /// Where the library is, if not where cargo says.
    pub(super) library: Option<Path>,
    /// The version of the state.
    pub(super) version: u32,
    /// What crash reports show of it, if anything.
    pub(super) debug: Option<Debug>,
    /// The kind of mailbox, if the user said one.
    pub(super) mailbox: Option<MailboxChoice>,
    /// The protocols that the actor speaks.
    pub(super) protocols: Vec<Path>,
}

/// `#[actor(debug)]`, or `#[actor(debug(args))]`.
#[derive(Clone)]
pub(super) struct Debug {
    /// The word, for pointing at it.
    pub(super) word: Path,
    /// Not only the state, but also the arguments.
    pub(super) arguments: bool,
}

impl Options {
    /// Reads the words in `#[actor(..)]`.
    pub(super) fn of_attribute(words: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options {
            library: None,
            version: VERSION_FIRST,
            debug: None,
            mailbox: None,
            protocols: Vec::new(),
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

    pub(super) fn word(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("crate") {
            self.library = Some(meta.value()?.parse()?);
            Ok(())
        } else if meta.path.is_ident("version") {
            self.read_version(meta)
        } else if meta.path.is_ident("debug") {
            self.read_debug(meta)
        } else if meta.path.is_ident("mailbox") {
            self.mailbox = Some(MailboxChoice::read(meta)?);
            Ok(())
        } else if meta.path.is_ident("protocol") {
            self.read_protocols(meta)
        } else {
            Err(meta.error(
                "`#[actor]` does not know this word: it takes `debug` (crash reports show the \
                 state), `mailbox(capacity = 100, when_full = reject)` (how much may wait), \
                 `protocol(Shape)` (a trait that it speaks), `version = 2` (of the state) and \
                 `crate = path` (where the library is)",
            ))
        }
    }

    fn read_debug(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let advice = "write `debug` to show the state in crash reports, or `debug(args)` to show \
                      the arguments of the message, too";
        let word = meta.path.clone();
        let mut arguments = false;
        if meta.input.peek(Token![=]) {
            return Err(meta.error(advice));
        }
        if meta.input.peek(Paren) {
            meta.parse_nested_meta(|inner| {
                arguments = inner.path.is_ident("args");
                let known = arguments.then_some(());
                known.ok_or_else(|| inner.error(advice))
            })?;
        }
        self.debug = Some(Debug { word, arguments });
        Ok(())
    }

    fn read_protocols(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if !meta.input.peek(Paren) {
            return Err(meta.error(
                "name the traits that the actor speaks: `#[actor(protocol(Shape, Sound))]`",
            ));
        }
        let listed;
        syn::parenthesized!(listed in meta.input);
        let paths = Punctuated::<Path, Token![,]>::parse_terminated(&listed)?;
        self.protocols.extend(paths);
        Ok(())
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
