//! Which state machine does this `impl` block describe?
//!
//! Role       Reads the block into a [`Machine`], and takes our attributes away from it. A method
//!            without its state, its context and the state before is a handler of an actor, and read
//!            as one.
//! Inputs     The item under `#[statem]`.
//! Outputs    The machine; none if it cannot be written at all.
//! Invariant  A method with a mistake costs that method, and what is declared by it.

use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Signature, Token, Visibility, parse_quote,
    parse2,
};

use super::super::attribute::Mark as Plain;
use super::super::model::{Handler, Kind, Model};
use super::super::types::peeled;
use super::super::{parse, signature};
use super::mark::{self, Mark, Word};
use super::model::{Event, Machine, Part, Reaction};
use super::words::Words;
use super::{check, parts};
use crate::errors::Errors;
use crate::krate;

/// One marked method, with or without a body.
struct Marked {
    mark: Mark,
    method: ImplItemFn,
    has_body: bool,
}

/// Reads the block.
pub(super) fn machine(block: &mut ItemImpl, words: Words, errors: &mut Errors) -> Option<Machine> {
    let name = parse::name(&block.self_ty, errors);
    let named = name.is_some() && parse::check_generics(block, errors);
    if !block.generics.params.is_empty() {
        errors.say(
            &block.generics.params,
            "a state machine has no type parameters: its events and states are types of their own. \
             Write it for one type, or keep what differs in a `Box<dyn Trait + Send>`",
        );
        return None;
    }
    let actor = peeled(&block.self_ty).clone();
    let marked = marked(block, errors);
    if !named {
        return None;
    }
    let model = Model {
        library: krate::macro_path(words.options.library.as_ref()),
        actor,
        name: name?,
        generics: block.generics.clone(),
        version: words.options.version,
        debug: words.options.debug,
        mailbox: words.options.mailbox,
        handlers: Vec::new(),
        protocol: None,
        protocols: Vec::new(),
    };
    let mut machine = Machine {
        model,
        states: words.states?,
        postponed_max: words.postponed_max,
        events: Vec::new(),
        enters: Vec::new(),
        rest: None,
        init: None,
        terminate: None,
    };
    read(&mut machine, marked, errors).then_some(machine)
}

/// The marked methods; those without a body leave the block.
fn marked(block: &mut ItemImpl, errors: &mut Errors) -> Vec<Marked> {
    let mut found = Vec::new();
    block.items.retain_mut(|item| match item {
        ImplItem::Fn(method) => {
            if let Some(mark) = mark::take(&mut method.attrs, errors) {
                let mut copy = method.clone();
                tidy(method);
                copy.attrs
                    .retain(|attribute| !attribute.path().is_ident("inline"));
                let has_body = true;
                found.push(Marked {
                    mark,
                    method: copy,
                    has_body,
                });
            }
            true
        }
        ImplItem::Verbatim(tokens) => match parse2::<Declared>(tokens.clone()) {
            Ok(Declared(mut method)) if mark::is_marked(&method.attrs) => {
                if let Some(mark) = mark::take(&mut method.attrs, errors) {
                    let has_body = false;
                    found.push(Marked {
                        mark,
                        method,
                        has_body,
                    });
                }
                false
            }
            _ => true,
        },
        _ => true,
    });
    found
}

/// What is not Rust's goes from the user's method: the attributes of its parameters.
fn tidy(method: &mut ImplItemFn) {
    for input in &mut method.sig.inputs {
        if let FnArg::Typed(input) = input {
            let ours = |attribute: &Attribute| {
                attribute.path().is_ident("cx") || attribute.path().is_ident("reply")
            };
            input.attrs.retain(|attribute| !ours(attribute));
        }
    }
    // What `#[statem]` demands, clippy's pedantic group would advise against.
    method.attrs.push(parse_quote! {
        #[allow(
            clippy::large_types_passed_by_value,
            clippy::needless_pass_by_value,
            clippy::trivially_copy_pass_by_ref,
            clippy::unused_self,
            private_interfaces
        )]
    });
}

/// `#[cast] pub fn walk(&mut self);`
struct Declared(ImplItemFn);

impl Parse for Declared {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        let sig: Signature = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(Self(ImplItemFn {
            attrs,
            vis,
            defaultness: None,
            sig,
            block: parse_quote!({}),
        }))
    }
}

/// Events first, then what else reacts to them. Whether the machine can be written.
fn read(machine: &mut Machine, marked: Vec<Marked>, errors: &mut Errors) -> bool {
    let mut whole = true;
    let (declaring, others): (Vec<_>, Vec<_>) = marked
        .into_iter()
        .partition(|marked| marked.mark.word.declares());
    for one in declaring {
        whole &= declare(machine, one, errors);
    }
    for one in others {
        let word = one.mark.word;
        if !one.has_body {
            let text = word.text();
            errors.say(
                &one.method.sig,
                format!("`#[{text}]` marks a method that does something: give it a body"),
            );
            continue;
        }
        let read = match word {
            Word::On => on(machine, one, errors),
            Word::Info | Word::Exit | Word::Down => notice(machine, one, errors),
            Word::Enter => enter(machine, one, errors),
            Word::HandleEvent => rest(machine, one, errors),
            _ => single(machine, one, errors),
        };
        whole &= read || !matches!(word, Word::Init);
    }
    check::names(machine, errors);
    for event in &machine.events {
        check::once(event, errors);
    }
    whole
}

fn declare(machine: &mut Machine, one: Marked, errors: &mut Errors) -> bool {
    let (kind, states) = (kind_of(one.mark.word), one.mark.states.clone());
    if !one.has_body && !states.is_empty() {
        errors.say(
            &one.method.sig.ident,
            "an event without a body is only declared: say `in ..` at the methods that handle it, \
             `#[on(..)]`",
        );
    }
    let (postpone, ignore) = (one.mark.postpone.clone(), one.mark.ignore.clone());
    let Some((handler, mut reaction)) = handler(machine, &one, kind, true, errors) else {
        return true;
    };
    if kind.is_sent() {
        machine.model.handlers.push(handler.clone());
    }
    reaction.states = states;
    machine.events.push(Event {
        handler,
        reactions: one.has_body.then_some(reaction).into_iter().collect(),
        postpone,
        ignore,
    });
    true
}

fn kind_of(word: Word) -> Kind {
    match word {
        Word::Call => Kind::Call,
        Word::Cast => Kind::Cast,
        Word::Info => Kind::Info,
        Word::Exit => Kind::Exit,
        Word::Down => Kind::Down,
        Word::Init => Kind::Init,
        Word::Terminate => Kind::Terminate,
        Word::Internal | Word::On | Word::Enter | Word::HandleEvent => Kind::Internal,
    }
}

/// Reads the method as an actor's, and beside it what only a state machine's has.
fn handler(
    machine: &Machine,
    one: &Marked,
    kind: Kind,
    sent: bool,
    errors: &mut Errors,
) -> Option<(Handler, Reaction)> {
    let mut method = one.method.clone();
    let reaction = parts::reaction(&mut method, &one.mark, &machine.model.actor, errors)?;
    let mark = Plain {
        kind,
        attribute: one.mark.attribute.clone(),
        sent,
        local: one.mark.local,
        tag: one.mark.tag.clone(),
    };
    let handler = signature::read(mark, &mut method, &machine.model.actor, errors)?;
    Some((handler, reaction))
}

fn on(machine: &mut Machine, one: Marked, errors: &mut Errors) -> bool {
    let Some(name) = one.mark.event.clone() else {
        return false;
    };
    let known = |event: &Event| event.is_own() && name == event.handler.plain_name();
    let Some(at) = machine.events.iter().position(known) else {
        let names = machine.events.iter().filter(|event| event.is_own());
        let names: Vec<_> = names.map(|event| event.handler.plain_name()).collect();
        errors.say(
            &name,
            format!(
                "there is no event `{name}`: mark a method of that name `#[call]`, `#[cast]` or \
                 `#[internal]`. There are: {}",
                names.join(", ")
            ),
        );
        return false;
    };
    let kind = machine.events[at].handler.kind;
    let Some((handler, reaction)) = handler(machine, &one, kind, false, errors) else {
        return false;
    };
    let (declared, given) = (
        machine.events[at].handler.values().count(),
        handler.values().count(),
    );
    if declared != given {
        errors.say(
            &one.method.sig.inputs,
            format!(
                "`{name}` carries {declared} value(s), and this takes {given}: every handler of an \
                 event takes the same"
            ),
        );
        return false;
    }
    machine.events[at].reactions.push(reaction);
    true
}

/// What comes from the runtime: an event for each kind, whoever handles it.
fn notice(machine: &mut Machine, one: Marked, errors: &mut Errors) -> bool {
    let kind = kind_of(one.mark.word);
    let Some((handler, reaction)) = handler(machine, &one, kind, false, errors) else {
        return false;
    };
    let mut events = machine.events.iter_mut();
    match events.find(|event| event.handler.kind == kind) {
        Some(event) => event.reactions.push(reaction),
        None => machine.events.push(Event {
            handler,
            reactions: vec![reaction],
            postpone: Vec::new(),
            ignore: Vec::new(),
        }),
    }
    true
}

fn enter(machine: &mut Machine, one: Marked, errors: &mut Errors) -> bool {
    let mut method = one.method.clone();
    let Some(reaction) = parts::reaction(&mut method, &one.mark, &machine.model.actor, errors)
    else {
        return false;
    };
    if let Some(arg) = reaction
        .args
        .iter()
        .find(|arg| matches!(arg.role, Part::Value | Part::Reply))
    {
        errors.say(
            &arg.ty,
            "an enter handler is given no event: it takes the state (`open: &mut Open`), the one \
             before (`before: Option<&Lock>`) and the context (`cx: &mut In<Self, Enter<Open>>`)",
        );
        return false;
    }
    machine.enters.push(reaction);
    check_quiet(&one, errors)
}

fn rest(machine: &mut Machine, one: Marked, errors: &mut Errors) -> bool {
    if machine.rest.is_some() {
        errors.say(
            &one.mark.attribute,
            "a state machine has one `#[handle_event]` method, which gets every event that no \
             other handler takes",
        );
        return false;
    }
    let mut method = one.method.clone();
    let Some(reaction) = parts::reaction(&mut method, &one.mark, &machine.model.actor, errors)
    else {
        return false;
    };
    let events = reaction.args.iter().filter(|arg| arg.role == Part::Event);
    if events.count() != 1 {
        let name = &machine.model.name;
        errors.say(
            &one.method.sig.ident,
            format!(
                "`#[handle_event]` takes the event, `event: {name}Msg`, and, if it asks for them, \
                 the state, `&Lock`, and the context, `&mut In<Self>`"
            ),
        );
        return false;
    }
    machine.rest = Some(reaction);
    check_quiet(&one, errors)
}

/// Nobody waits for a result.
fn check_quiet(one: &Marked, errors: &mut Errors) -> bool {
    let text = one.mark.word.text();
    if one.method.sig.receiver().is_none() {
        errors.say(
            &one.method.sig.ident,
            format!("a `#[{text}]` method works on the data: give it `&self` or `&mut self`"),
        );
    }
    if let Some(ty) = super::super::types::output(&one.method.sig.output) {
        errors.say(
            ty,
            format!("nobody waits for the result of `#[{text}]`: remove the return type"),
        );
        return false;
    }
    true
}

fn single(machine: &mut Machine, one: Marked, errors: &mut Errors) -> bool {
    let (word, kind) = (one.mark.word, kind_of(one.mark.word));
    let taken = match word {
        Word::Init => machine.init.is_some(),
        _ => machine.terminate.is_some(),
    };
    if taken {
        let text = word.text();
        errors.say(
            &one.mark.attribute,
            format!("a state machine has one `#[{text}]` method: let that one do both"),
        );
        return false;
    }
    let Some((handler, reaction)) = handler(machine, &one, kind, false, errors) else {
        return false;
    };
    machine.model.handlers.push(handler);
    match word {
        Word::Init => machine.init = Some(reaction),
        _ => machine.terminate = Some(reaction),
    }
    true
}
