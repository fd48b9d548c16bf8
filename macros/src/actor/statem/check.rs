//! Is each event one of its own, with one handler for a state?
//!
//! Role       Finds events that would be the same variant, and states in which an event is handled
//!            twice.
//! Inputs     The events, as they were read.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;

use super::model::{Event, Machine};
use crate::errors::Errors;

/// No two events are the same variant.
pub(super) fn names(machine: &mut Machine, errors: &mut Errors) {
    let name = format!("{}Msg", machine.model.name);
    let mut seen: HashMap<String, Ident> = HashMap::new();
    let before = machine.events.len();
    machine.events.retain(|event| {
        let own = &event.handler.name;
        let variant = event.handler.variant_name().to_string();
        if !event.is_own() {
            return true;
        }
        if ["Info", "Exit", "Down"].contains(&variant.as_str()) {
            errors.say(
                own,
                format!("`{name}::{variant}` is what the runtime has to tell: choose another name"),
            );
            return false;
        }
        let Some(first) = seen.insert(variant.clone(), own.clone()) else {
            return true;
        };
        errors.say(
            own,
            format!("`{first}` and `{own}` would both be `{name}::{variant}`: rename one"),
        );
        false
    });
    if machine.events.len() < before {
        // What is not an event is not sent either.
        let events = &machine.events;
        let is_event = |name: &Ident| {
            events
                .iter()
                .any(|event| event.is_own() && event.handler.name == *name)
        };
        let handlers = &mut machine.model.handlers;
        handlers.retain(|handler| !handler.kind.is_sent() || is_event(&handler.name));
    }
}

/// No event has two handlers for one state.
pub(super) fn once(event: &Event, errors: &mut Errors) {
    let mut seen: HashMap<String, &Ident> = HashMap::new();
    let name = event.handler.plain_name();
    for reaction in event
        .reactions
        .iter()
        .filter(|one| one.conditions.is_empty())
    {
        let states = reaction.states.iter().map(Some);
        let all = reaction.states.is_empty().then_some(None);
        for state in states.chain(all) {
            let text = state.map_or_else(|| "any state".to_owned(), |state| format!("`{state}`"));
            if let Some(first) = seen.insert(text.clone(), &reaction.name) {
                let place: TokenStream = state.map_or_else(
                    || reaction.name.to_token_stream(),
                    |state| state.to_token_stream(),
                );
                errors.say(
                    place,
                    format!(
                        "`{name}` has two handlers for {text}: `{first}` and `{}`",
                        reaction.name
                    ),
                );
            }
        }
    }
    for state in event.postpone.iter().chain(&event.ignore) {
        if seen.contains_key(&format!("`{state}`")) {
            errors.say(
                state,
                format!("`{name}` is handled in `{state}`: it cannot be put aside there as well"),
            );
        }
    }
}
