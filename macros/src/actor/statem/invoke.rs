//! How is a method of a state machine run?
//!
//! Role       Writes the call of the user's method, given `__actor`, `__at` and the event's values.
//! Outputs    An expression of the type `Handled`, or the call alone.
//! Invariant  A plain handler costs no allocation. What rustc finds wrong in here is said at the
//!            user's tokens.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::super::client::reply_type;
use super::super::invoke::shown;
use super::super::model::Handler;
use super::model::{Arg, Machine, Part, Reaction};
use crate::krate::at;

/// Where a method runs, and what it is given.
pub(super) struct Given<'a> {
    /// As the context says it.
    pub(super) place: TokenStream,
    /// The event that it handles, if it is one of the program's.
    pub(super) event: Option<&'a Handler>,
    /// The event's values.
    pub(super) values: &'a [Ident],
    /// Whether somebody waits for what it returns.
    pub(super) answers: bool,
}

/// The call of the method, as a `Handled`.
pub(super) fn handled(machine: &Machine, reaction: &Reaction, given: &Given<'_>) -> TokenStream {
    let library = &machine.model.library;
    let actor = &machine.model.actor;
    let place = &given.place;
    let call = call(machine, reaction, given);
    let takes = reaction.cx().map(|_| {
        (
            quote!(let mut __in = #library::In::<#actor, #place>::new(__me);),
            quote!(#library::In::give(__in, __step);),
        )
    });
    let (begin, end) = takes.unzip();
    let lend = quote! {
        let __state = &mut __at.state.0;
        let __before = __at.before.map(|__before| &__before.0);
        let __step = __at.step;
        let __me = __at.me;
    };
    let (title, text) = title(machine, reaction, given);
    if let Some(word) = reaction.asynchronous {
        let send = answered(machine, reaction, given, &quote!(__future.await));
        return quote_spanned! {at(word)=> {
            #lend
            #library::Handled::asked(#title, #text, async move {
                #begin
                let __future = #call;
                #send
                #end
            })
        }};
    }
    let send = answered(machine, reaction, given, &call);
    let shows = given
        .event
        .is_some_and(|event| machine.model.shows_arguments(event));
    let (note, forget) = shows
        .then(|| {
            (
                quote! {
                    let __arguments: ::core::option::Option<::std::string::String> = #text;
                    let __asked = #library::Asked::new(#title, __arguments.as_deref());
                },
                quote!(::core::mem::drop(__asked);),
            )
        })
        .unzip();
    quote! {{
        #lend
        #begin
        #note
        #send
        #forget
        #end
        #library::Handled::Done
    }}
}

/// What the method is called in reports, and its arguments as text if they are shown.
fn title(machine: &Machine, reaction: &Reaction, given: &Given<'_>) -> (String, TokenStream) {
    match given.event {
        Some(event) => (
            event.title(&machine.model),
            shown(&machine.model, event, given.values),
        ),
        None => (
            format!("{}::{}", machine.model.name, reaction.name),
            quote!(::core::option::Option::None),
        ),
    }
}

/// What becomes of the method's value: the caller gets it, if one waits for it.
fn answered(
    machine: &Machine,
    reaction: &Reaction,
    given: &Given<'_>,
    value: &TokenStream,
) -> TokenStream {
    if !given.answers || reaction.replies() {
        return quote!(#value;);
    }
    let library = &machine.model.library;
    // Said at the result, if it is not the event's.
    let output = reaction.output.as_ref();
    let place = at(output.map_or_else(Span::call_site, Spanned::span));
    let reply = given.event.map(reply_type);
    let checked = quote_spanned!(place=> let __value: #reply = __value;);
    quote!(let __value = #value; #checked #library::ReplyTo::send(__reply, __value);)
}

/// The call of the method, whose value may be a future.
pub(super) fn call(machine: &Machine, reaction: &Reaction, given: &Given<'_>) -> TokenStream {
    let actor = &machine.model.actor;
    let name = &reaction.name;
    let mut values = given.values.iter();
    let args = reaction.args.iter().map(|arg| match arg.role {
        Part::Value => {
            let mut value = values.next().expect("one local per value").clone();
            value.set_span(value.span().located_at(arg.ty.span()));
            quote!(#value)
        }
        Part::Reply => quote!(__reply),
        Part::Event => quote!(__event),
        Part::Before => quote!(__before),
        Part::Reason => quote!(__reason),
        Part::Cx => context(machine, arg, &given.place),
        Part::State => state(machine, reaction, arg),
    });
    let receiver = given_receiver(machine, reaction);
    let place = at(reaction.asynchronous.unwrap_or_else(Span::call_site));
    quote_spanned!(place=> <#actor>::#name(#receiver #(#args),*))
}

/// Nothing for `#[init]`.
fn given_receiver(machine: &Machine, reaction: &Reaction) -> Option<TokenStream> {
    let init = machine.init.as_ref();
    let is_init = init.is_some_and(|init| std::ptr::eq(init, reaction));
    (!is_init).then(|| quote!(__actor,))
}

/// The context, through a trait that says so if it is another one.
fn context(machine: &Machine, arg: &Arg, place: &TokenStream) -> TokenStream {
    let (library, actor, ty) = (&machine.model.library, &machine.model.actor, &arg.ty);
    quote_spanned! {at(ty.span())=>
        <#ty as #library::Lend<#actor, #place>>::lend(&mut __in)
    }
}

/// The state: its own struct where it is one, else the enum.
fn state(machine: &Machine, reaction: &Reaction, arg: &Arg) -> TokenStream {
    let library = &machine.model.library;
    let place = at(arg.ty.span());
    match &reaction.states[..] {
        [one] => {
            let state = machine.state(one);
            quote_spanned!(place=> <#state as #library::State>::of(__state))
        }
        _ => quote_spanned!(place=> &*__state),
    }
}
