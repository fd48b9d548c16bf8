//! Which attribute of ours does a method carry?
//!
//! Role       Reads `#[call]`, `#[cast]`, `#[init]` and their siblings, and takes them away.
//! Inputs     The attributes of one item of the `impl` block.
//! Outputs    A [`Mark`], if there is one.
//! Invariant  Afterwards no attribute of ours is left, not even a wrong one.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Meta};

use super::model::Kind;
use crate::errors::{Errors, tag_text};

const KINDS: [Kind; 9] = [
    Kind::Call,
    Kind::Cast,
    Kind::Init,
    Kind::Info,
    Kind::Exit,
    Kind::Down,
    Kind::Timeout,
    Kind::Continue,
    Kind::Terminate,
];

/// Words from elsewhere, and ours for the same thing.
const FOREIGN: [(&str, &str); 7] = [
    ("handle_call", "call"),
    ("handle_cast", "cast"),
    ("handle_info", "info"),
    ("handle_continue", "continue_with"),
    ("ask", "call"),
    ("tell", "cast"),
    ("continue_", "continue_with"),
];

/// One attribute of ours.
pub(super) struct Mark {
    pub(super) kind: Kind,
    /// As written, for pointing at it.
    pub(super) attribute: Attribute,
    /// Whether the client has a method of this name.
    pub(super) sent: bool,
    /// `#[call(local)]`.
    pub(super) local: bool,
    /// `#[call(tag = "..")]`.
    pub(super) tag: Option<LitStr>,
}

/// Takes our attributes away and reads the one that counts.
pub(super) fn take(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Option<Mark> {
    let mut marks = Vec::new();
    attributes.retain(|attribute| {
        if let Some(kind) = kind_of(attribute) {
            marks.push(read(kind, attribute, errors));
            return false;
        }
        foreign(attribute)
            .inspect(|ours| say_foreign(attribute, ours, errors))
            .is_none()
    });
    let mut marks = marks.into_iter();
    let first = marks.next()?;
    for other in marks {
        let (first, second) = (first.kind.word(), other.kind.word());
        errors.say(
            &other.attribute,
            format!(
                "this method is already marked `#[{first}]`: one method handles one kind of \
                 message. Write a second method for `#[{second}]`; both may call a third"
            ),
        );
    }
    Some(first)
}

/// Takes our attributes away without a word.
pub(super) fn strip(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| kind_of(attribute).is_none());
}

/// Whether one of them is ours, or is meant to be.
pub(super) fn is_marked(attributes: &[Attribute]) -> bool {
    let is_ours = |attribute| kind_of(attribute).is_some() || foreign(attribute).is_some();
    attributes.iter().any(is_ours)
}

fn kind_of(attribute: &Attribute) -> Option<Kind> {
    KINDS
        .into_iter()
        .find(|kind| attribute.path().is_ident(kind.word()))
}

fn foreign(attribute: &Attribute) -> Option<&'static str> {
    let (_, ours) = FOREIGN
        .iter()
        .find(|(word, _)| attribute.path().is_ident(word))?;
    Some(ours)
}

fn say_foreign(attribute: &Attribute, ours: &str, errors: &mut Errors) {
    errors.say(
        attribute,
        format!("there is no such attribute here; it is called `#[{ours}]`"),
    );
}

fn read(kind: Kind, attribute: &Attribute, errors: &mut Errors) -> Mark {
    let mut mark = Mark {
        kind,
        attribute: attribute.clone(),
        sent: true,
        local: false,
        tag: None,
    };
    let result = match &attribute.meta {
        Meta::Path(_) => Ok(()),
        Meta::List(_) => attribute.parse_nested_meta(|meta| word(&mut mark, &meta)),
        Meta::NameValue(pair) => {
            let word = kind.word();
            Err(syn::Error::new_spanned(
                pair,
                format!("write `#[{word}]`, without a value"),
            ))
        }
    };
    if let Err(error) = result {
        errors.push(error);
    }
    mark
}

fn word(mark: &mut Mark, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    let kind = mark.kind.word();
    if !mark.kind.is_sent() {
        return Err(meta.error(format!(
            "`#[{kind}]` takes no words: write just `#[{kind}]`"
        )));
    }
    if meta.path.is_ident("local") {
        mark.local = true;
        Ok(())
    } else if meta.path.is_ident("tag") {
        mark.tag = Some(tag_text(meta)?);
        Ok(())
    } else {
        Err(meta.error(format!(
            "`#[{kind}]` does not know this word: it takes `local` (the message never leaves \
             its node) and `tag = \"..\"` (its name on the wire, if it must outlive a rename)"
        )))
    }
}
