//! Who supplies the parameters of a state machine's method?
//!
//! Role       Takes from a method what only a state machine's has: the state, the one before, its
//!            context. What is left is a handler of an actor.
//! Inputs     The method and its mark.
//! Outputs    A [`Reaction`], or mistakes that say what to write instead.

use syn::{FnArg, ImplItemFn, PatType, Type};

use super::super::substitute::name_self;
use super::super::types::{ends_in, peeled};
use super::mark::{Mark, Word};
use super::model::{Arg, Part, Reaction};
use crate::errors::Errors;

/// Takes from the method what only a state machine's has.
pub(super) fn reaction(
    method: &mut ImplItemFn,
    mark: &Mark,
    actor: &Type,
    errors: &mut Errors,
) -> Option<Reaction> {
    let before = errors.count();
    let mut args = Vec::new();
    let mut kept = syn::punctuated::Punctuated::new();
    for input in std::mem::take(&mut method.sig.inputs) {
        let FnArg::Typed(typed) = &input else {
            kept.push(input);
            continue;
        };
        let role = part(typed, mark.word);
        let ty = lent(typed, role, errors);
        match ty.and_then(|ty| {
            name_self(&ty, actor)
                .map_err(|error| errors.push(error))
                .ok()
        }) {
            Some(ty) => args.push(Arg { role, ty }),
            None => continue,
        }
        if matches!(role, Part::Value | Part::Reply | Part::Reason) {
            kept.push(input);
        }
    }
    method.sig.inputs = kept;
    let output = super::super::types::output(&method.sig.output).cloned();
    let conditions = method.attrs.iter();
    let conditions = conditions
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .cloned();
    (errors.count() == before).then(|| Reaction {
        name: method.sig.ident.clone(),
        states: mark.states.clone(),
        conditions: conditions.collect(),
        asynchronous: method.sig.asyncness.map(|word| word.span),
        args,
        output,
    })
}

/// By its attribute, or else by its type.
fn part(input: &PatType, word: Word) -> Part {
    let marked = |text| input.attrs.iter().any(|attr| attr.path().is_ident(text));
    let ty = peeled(&input.ty);
    let lent = matches!(ty, Type::Reference(_));
    match () {
        () if marked("cx") => Part::Cx,
        () if marked("reply") => Part::Reply,
        () if ends_in(ty, "In") || ends_in(ty, "Cx") => Part::Cx,
        () if ends_in(ty, "ReplyTo") => Part::Reply,
        () if word == Word::Terminate && ends_in(ty, "Reason") => Part::Reason,
        () if lent => Part::State,
        () if word == Word::Enter && ends_in(ty, "Option") => Part::Before,
        () if word == Word::HandleEvent => Part::Event,
        () => Part::Value,
    }
}

/// The type, without the reference where it is lent.
fn lent(input: &PatType, role: Part, errors: &mut Errors) -> Option<Type> {
    let ty = peeled(&input.ty);
    match (role, ty) {
        (Part::Cx, Type::Reference(reference)) if reference.mutability.is_some() => {
            if ends_in(&reference.elem, "Cx") {
                errors.say(
                    ty,
                    "the context of a state machine is `In`, which knows the state: write \
                     `cx: &mut In<Self, Open>` in a handler for the state `Open`, `cx: &mut \
                     In<Self>` in one for any state",
                );
                return None;
            }
            Some((*reference.elem).clone())
        }
        (Part::Cx, _) => {
            errors.say(
                ty,
                "the context is lent to the handler: write `cx: &mut In<Self>`",
            );
            None
        }
        (Part::Reason | Part::State, Type::Reference(reference)) => Some((*reference.elem).clone()),
        _ => Some(ty.clone()),
    }
}
