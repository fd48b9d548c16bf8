//! Which attribute of ours does a method of a state machine carry?
//!
//! Role       Reads `#[call(in Locked, postpone in Open)]`, `#[on(unlock, in Open)]`, `#[enter(Open)]`
//!            and their siblings, and takes them away.
//! Inputs     The attributes of one method.
//! Outputs    A [`Mark`], if there is one.
//! Invariant  Afterwards no attribute of ours is left, not even a wrong one.

use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Ident, LitStr, Meta, Token};

use crate::errors::Errors;

/// What a method of a state machine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Call,
    Cast,
    Internal,
    On,
    Info,
    Exit,
    Down,
    Enter,
    HandleEvent,
    Init,
    Terminate,
}

const WORDS: [(&str, Word); 11] = [
    ("call", Word::Call),
    ("cast", Word::Cast),
    ("internal", Word::Internal),
    ("on", Word::On),
    ("info", Word::Info),
    ("exit", Word::Exit),
    ("down", Word::Down),
    ("enter", Word::Enter),
    ("handle_event", Word::HandleEvent),
    ("init", Word::Init),
    ("terminate", Word::Terminate),
];

/// Words from elsewhere, and what to write here.
const FOREIGN: [(&str, &str); 5] = [
    (
        "continue_with",
        "`#[internal]`, and `cx.next_event(..)` to have it handled next",
    ),
    (
        "timeout",
        "`#[internal]`, and `cx.event_timeout(..)`: a timeout is an event of your own",
    ),
    (
        "state_timeout",
        "`#[internal]`, and `cx.state_timeout(..)`: a timeout is an event of your own",
    ),
    ("otherwise", "`#[handle_event]`"),
    ("state_enter", "`#[enter]`"),
];

/// One attribute of ours.
pub(super) struct Mark {
    pub(super) word: Word,
    /// As written, for pointing at it.
    pub(super) attribute: Attribute,
    /// Of `#[on(unlock)]`.
    pub(super) event: Option<Ident>,
    /// The states that it is for; all, if none is said.
    pub(super) states: Vec<Ident>,
    pub(super) postpone: Vec<Ident>,
    pub(super) ignore: Vec<Ident>,
    pub(super) local: bool,
    pub(super) tag: Option<LitStr>,
}

impl Word {
    pub(super) fn text(self) -> &'static str {
        let mut words = WORDS.iter();
        words
            .find(|(_, word)| *word == self)
            .map_or("", |(text, _)| text)
    }

    /// Whether it declares an event of the program.
    pub(super) fn declares(self) -> bool {
        matches!(self, Word::Call | Word::Cast | Word::Internal)
    }
}

/// Takes our attributes away and reads the one that counts.
pub(super) fn take(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Option<Mark> {
    let mut marks = Vec::new();
    attributes.retain(|attribute| {
        if let Some(word) = word_of(attribute) {
            marks.push(read(word, attribute, errors));
            return false;
        }
        let foreign = FOREIGN
            .iter()
            .find(|(word, _)| attribute.path().is_ident(word));
        if let Some((_, ours)) = foreign {
            errors.say(
                attribute,
                format!("there is no such attribute in a state machine; write {ours}"),
            );
        }
        foreign.is_none()
    });
    let mut marks = marks.into_iter();
    let first = marks.next()?;
    for other in marks {
        let (first, second) = (first.word.text(), other.word.text());
        errors.say(
            &other.attribute,
            format!(
                "this method is already marked `#[{first}]`: write a second method for \
                 `#[{second}]`; both may call a third"
            ),
        );
    }
    Some(first)
}

/// Takes our attributes away without a word.
pub(super) fn strip(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| word_of(attribute).is_none());
}

/// Whether one of them is ours.
pub(super) fn is_marked(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| word_of(attribute).is_some())
}

fn word_of(attribute: &Attribute) -> Option<Word> {
    let mut words = WORDS.iter();
    let (_, word) = words.find(|(text, _)| attribute.path().is_ident(text))?;
    Some(*word)
}

fn read(word: Word, attribute: &Attribute, errors: &mut Errors) -> Mark {
    let mut mark = Mark {
        word,
        attribute: attribute.clone(),
        event: None,
        states: Vec::new(),
        postpone: Vec::new(),
        ignore: Vec::new(),
        local: false,
        tag: None,
    };
    let result = match &attribute.meta {
        Meta::Path(_) => Ok(()),
        Meta::List(list) => {
            let parser = |input: ParseStream<'_>| words(&mut mark, input);
            parser.parse2(list.tokens.clone())
        }
        Meta::NameValue(pair) => {
            let text = word.text();
            let message = format!("write `#[{text}]`, without a value");
            Err(syn::Error::new_spanned(pair, message))
        }
    };
    if let Err(error) = result {
        errors.push(error);
    }
    if word == Word::On && mark.event.is_none() {
        errors.say(
            attribute,
            "say which event it is: `#[on(unlock, in Open)]`, where `unlock` is marked `#[call]`, \
             `#[cast]` or `#[internal]`",
        );
    }
    mark
}

fn words(mark: &mut Mark, input: ParseStream<'_>) -> syn::Result<()> {
    if mark.word == Word::Enter {
        mark.states = states(input)?;
    } else if mark.word == Word::On {
        mark.event = Some(input.parse()?);
    } else if !input.is_empty() {
        one(mark, input)?;
    }
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if !input.is_empty() {
            one(mark, input)?;
        }
    }
    Ok(())
}

fn one(mark: &mut Mark, input: ParseStream<'_>) -> syn::Result<()> {
    let alone = matches!(
        mark.word,
        Word::Init | Word::Terminate | Word::HandleEvent | Word::Enter
    );
    if input.peek(Token![in]) && !alone {
        input.parse::<Token![in]>()?;
        mark.states.extend(states(input)?);
        return Ok(());
    }
    let word = input.call(syn::ext::IdentExt::parse_any)?;
    let word: Ident = word;
    let text = mark.word.text();
    match word.to_string().as_str() {
        "postpone" if mark.word.declares() && input.peek(Token![in]) => {
            input.parse::<Token![in]>()?;
            mark.postpone.extend(states(input)?);
        }
        "ignore" if matches!(mark.word, Word::Cast | Word::Internal) && input.peek(Token![in]) => {
            input.parse::<Token![in]>()?;
            mark.ignore.extend(states(input)?);
        }
        "ignore" if mark.word == Word::Call => {
            return Err(syn::Error::new(
                word.span(),
                "a call cannot be ignored: its caller waits. Answer it, or leave it out: a call \
                 that no handler takes is refused at once",
            ));
        }
        "local" if matches!(mark.word, Word::Call | Word::Cast) => mark.local = true,
        "tag" if matches!(mark.word, Word::Call | Word::Cast) => {
            input.parse::<Token![=]>()?;
            mark.tag = Some(input.parse()?);
        }
        _ if alone => {
            let message = format!("`#[{text}]` takes no words here");
            return Err(syn::Error::new(word.span(), message));
        }
        _ => return Err(syn::Error::new(word.span(), unknown(mark.word))),
    }
    Ok(())
}

fn unknown(word: Word) -> String {
    let text = word.text();
    let more = match word {
        Word::Call => {
            ", `postpone in Shut` (there it waits for another state), `local` (it never leaves its \
             node) and `tag = \"..\"` (its name on the wire)"
        }
        Word::Cast => {
            ", `postpone in Shut` (there it waits for another state), `ignore in Shut` (there it is \
             dropped), `local` (it never leaves its node) and `tag = \"..\"` (its name on the wire)"
        }
        Word::Internal => {
            ", `postpone in Shut` (there it waits for another state) and `ignore in Shut` (there it \
             is dropped)"
        }
        _ => "",
    };
    format!(
        "`#[{text}]` does not know this word: it takes `in Open | Shut` (the states in which this \
         handles it){more}"
    )
}

/// `Open | Shut`.
fn states(input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let mut states = vec![input.parse::<Ident>()?];
    while input.peek(Token![|]) {
        input.parse::<Token![|]>()?;
        states.push(input.parse()?);
    }
    Ok(states)
}
