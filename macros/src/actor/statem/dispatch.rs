//! Which method handles an event in the current state?
//!
//! Role       Writes the bodies of `handle`, `enter`, `postpones`, `refuse` and `event_name`.
//! Inputs     The machine's events and what reacts to them.
//! Invariant  The handler for the state comes before the one for any state, that before the one for
//!            any event, and what none takes is refused.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::super::model::Kind;
use super::events::own;
use super::invoke::{Given, handled};
use super::model::{Event, Machine, Reaction};

/// The body of `handle`.
pub(super) fn handle(machine: &Machine) -> TokenStream {
    let library = &machine.model.library;
    let events = machine.model.events_name();
    let arms = own(machine).map(|event| {
        let conditions = &event.handler.conditions;
        let pattern = pattern(machine, event);
        let body = reactions(machine, event, &pattern);
        quote!(#(#conditions)* #pattern => { #body })
    });
    let notices = [Kind::Info, Kind::Exit, Kind::Down].map(|kind| {
        let variant = variant(kind);
        let value = Ident::new("__value0", proc_macro2::Span::mixed_site());
        let pattern = quote!(#events::#variant(#value));
        let event = machine
            .events
            .iter()
            .find(|event| event.handler.kind == kind);
        let body = match event {
            Some(event) => reactions(machine, event, &pattern),
            None => otherwise(machine, &[], &pattern),
        };
        quote!(#pattern => { #body })
    });
    quote! {
        let __actor = self;
        let __index = #library::States::index(&__at.state.0);
        match __event {
            #(#arms)*
            #(#notices)*
        }
    }
}

fn variant(kind: Kind) -> Ident {
    let text = match kind {
        Kind::Info => "Info",
        Kind::Exit => "Exit",
        _ => "Down",
    };
    Ident::new(text, proc_macro2::Span::call_site())
}

/// `DoorMsg::Unlock(__value0, __reply)`, which is also the event itself.
fn pattern(machine: &Machine, event: &Event) -> TokenStream {
    let events = machine.model.events_name();
    let name = event.handler.variant_name();
    let locals = event.handler.locals();
    let reply = event.is_call().then(|| quote!(__reply));
    let fields: Vec<_> = locals
        .iter()
        .map(|local| quote!(#local))
        .chain(reply)
        .collect();
    if fields.is_empty() {
        quote!(#events::#name)
    } else {
        quote!(#events::#name(#(#fields),*))
    }
}

/// What handles the event, by state.
fn reactions(machine: &Machine, event: &Event, pattern: &TokenStream) -> TokenStream {
    let (everywhere, somewhere): (Vec<_>, Vec<_>) = event
        .reactions
        .iter()
        .partition(|reaction| reaction.states.is_empty());
    let values = if event.is_own() {
        event.handler.locals()
    } else {
        let value = Ident::new("__value0", proc_macro2::Span::mixed_site());
        event.handler.values().map(|_| value.clone()).collect()
    };
    let invoke = |reaction: &Reaction| {
        let given = Given {
            place: machine.place(&reaction.states),
            event: event.is_own().then_some(&event.handler),
            values: &values,
            answers: event.is_call(),
        };
        handled(machine, reaction, &given)
    };
    let somewhere = somewhere.into_iter().map(|reaction| {
        let conditions = &reaction.conditions;
        let (test, invoked) = (is_in(machine, &reaction.states), invoke(reaction));
        quote!(#(#conditions)* { if #test { return #invoked; } })
    });
    let everywhere: Vec<_> = everywhere
        .into_iter()
        .map(|reaction| {
            let (conditions, invoked) = (&reaction.conditions, invoke(reaction));
            quote!(#(#conditions)* { return #invoked; })
        })
        .collect();
    let ends = event
        .reactions
        .iter()
        .any(|reaction| reaction.states.is_empty() && reaction.conditions.is_empty());
    let otherwise = (!ends).then(|| otherwise(machine, &event.ignore, pattern));
    quote!(#(#somewhere)* #(#everywhere)* #otherwise)
}

/// What becomes of an event that no handler of its own takes.
fn otherwise(machine: &Machine, ignored: &[Ident], event: &TokenStream) -> TokenStream {
    let library = &machine.model.library;
    let ignore = (!ignored.is_empty()).then(|| {
        let test = is_in(machine, ignored);
        quote! {
            if #test {
                return #library::Handled::Done;
            }
        }
    });
    let rest = match &machine.rest {
        Some(rest) => {
            let given = Given {
                place: machine.place(&[]),
                event: None,
                values: &[],
                answers: false,
            };
            let invoked = handled(machine, rest, &given);
            quote! {
                let __event = #event;
                #invoked
            }
        }
        None => quote! {
            __at.unhandled(#event);
            #library::Handled::Done
        },
    };
    quote!(#ignore #rest)
}

/// Whether the current state, `__index`, is one of these.
fn is_in(machine: &Machine, states: &[Ident]) -> TokenStream {
    let library = &machine.model.library;
    let tests = states.iter().map(|state| {
        let state = machine.state(state);
        quote!(__index == <#state as #library::State>::INDEX)
    });
    quote!(#(#tests)||*)
}

/// The body of `enter`.
pub(super) fn enter(machine: &Machine) -> TokenStream {
    let library = &machine.model.library;
    let (everywhere, somewhere): (Vec<_>, Vec<_>) = machine
        .enters
        .iter()
        .partition(|reaction| reaction.states.is_empty());
    let invoke = |reaction: &Reaction| {
        let place = machine.place(&reaction.states);
        let given = Given {
            place: quote!(#library::Enter<#place>),
            event: None,
            values: &[],
            answers: false,
        };
        handled(machine, reaction, &given)
    };
    let branches = somewhere.into_iter().map(|reaction| {
        let conditions = &reaction.conditions;
        let (test, invoked) = (is_in(machine, &reaction.states), invoke(reaction));
        quote!(#(#conditions)* { if #test { return #invoked; } })
    });
    let last: Vec<_> = everywhere
        .into_iter()
        .map(|reaction| {
            let (conditions, invoked) = (&reaction.conditions, invoke(reaction));
            quote!(#(#conditions)* { return #invoked; })
        })
        .collect();
    quote! {
        let __actor = self;
        let __index = #library::States::index(&__at.state.0);
        #(#branches)*
        #(#last)*
        #library::Handled::Done
    }
}

/// The body of `postpones`.
pub(super) fn postpones(machine: &Machine) -> TokenStream {
    let library = &machine.model.library;
    let events = machine.model.events_name();
    let arms = own(machine).filter(|event| !event.postpone.is_empty());
    let arms: Vec<_> = arms
        .map(|event| {
            let (conditions, name) = (&event.handler.conditions, event.handler.variant_name());
            let test = is_in(machine, &event.postpone);
            quote!(#(#conditions)* #events::#name { .. } => #test,)
        })
        .collect();
    if arms.is_empty() {
        return quote!(false);
    }
    quote! {
        let __index = #library::States::index(&__state.0);
        match __event {
            #(#arms)*
            _ => false,
        }
    }
}

/// The body of `refuse`: whoever waits for an answer is told.
pub(super) fn refuse(machine: &Machine) -> TokenStream {
    let library = &machine.model.library;
    let arms = own(machine).filter(|event| event.is_call()).map(|event| {
        let conditions = &event.handler.conditions;
        let pattern = pattern(machine, event);
        quote!(#(#conditions)* #pattern => #library::ReplyTo::refuse(__reply, __why),)
    });
    quote! {
        match __event {
            #(#arms)*
            _ => {}
        }
    }
}

/// The body of `event_name`.
pub(super) fn event_name(machine: &Machine) -> TokenStream {
    let events = machine.model.events_name();
    let arms = own(machine).map(|event| {
        let (conditions, name) = (&event.handler.conditions, event.handler.variant_name());
        let title = event.handler.title(&machine.model);
        quote!(#(#conditions)* #events::#name { .. } => #title,)
    });
    quote! {
        match __event {
            #(#arms)*
            #events::Info(__info) => __info.name(),
            #events::Exit(_) => "exit",
            #events::Down(_) => "down",
        }
    }
}
