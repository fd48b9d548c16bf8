//! How is a handler run?
//!
//! Role       Writes the call of the user's method, given the actor, its context and the values.
//! Inputs     A handler, and the local variables `__actor`, `__cx`, `__reply` and its values.
//! Outputs    An expression: what the method returns, or `Handled`.
//! Invariant  A plain handler costs no allocation; an async one costs the box of its future. Those
//!            that show their arguments cost their text. What rustc finds wrong in here is said at
//!            the user's tokens.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::client::answer_type;
use super::model::{self, Handler, Kind, Model, Param, Role};
use crate::krate::at;

/// The call of the method, whose value may be a future.
fn call(model: &Model, handler: &Handler, values: &[Ident]) -> TokenStream {
    let actor = &model.actor;
    let Handler { name, .. } = handler;
    let receiver = (handler.kind != Kind::Init).then(|| quote!(__actor,));
    let mut values = values.iter();
    let args = handler.params.iter().map(|param| match param.role {
        Role::Value => {
            let mut value = values.next().expect("one local per value").clone();
            value.set_span(value.span().located_at(param.ty.span()));
            quote!(#value)
        }
        Role::Cx => cx(model, param),
        Role::Reply => reply(param),
    });
    // At the user's `async`, rustc says what keeps the future from changing threads.
    let place = at(handler.asynchronous.unwrap_or_else(Span::call_site));
    let path = match &model.protocol {
        Some(protocol) => quote_spanned!(place=> <#actor as #protocol>),
        None => quote_spanned!(place=> <#actor>),
    };
    quote_spanned!(place=> #path::#name(#receiver #(#args),*))
}

/// The call of a method that returns nothing, as a `Handled`.
pub(super) fn handled(model: &Model, handler: &Handler, values: &[Ident]) -> TokenStream {
    let library = &model.library;
    let call = call(model, handler, values);
    match handler.asynchronous {
        Some(place) => {
            let (title, shown) = (handler.title(model), shown(model, handler, values));
            quote_spanned!(at(place)=> #library::Handled::asked(#title, #shown, #call))
        }
        None => plain(model, handler, values, &quote!(#call;)),
    }
}

/// The call of a method whose result goes to a caller, as a `Handled`.
pub(super) fn answered(model: &Model, handler: &Handler, values: &[Ident]) -> TokenStream {
    let library = &model.library;
    if handler.reply().is_some() {
        return handled(model, handler, values);
    }
    let call = call(model, handler, values);
    match handler.asynchronous {
        Some(place) => {
            let (title, shown) = (handler.title(model), shown(model, handler, values));
            quote_spanned!(at(place)=> __answering(#title, #shown, #call, __reply))
        }
        None => {
            let send = quote!(#library::ReplyTo::send(__reply, #call););
            plain(model, handler, values, &send)
        }
    }
}

/// What a handler that does not wait does, and, if that is wanted, a note of its arguments beside.
fn plain(model: &Model, handler: &Handler, values: &[Ident], does: &TokenStream) -> TokenStream {
    let library = &model.library;
    let done = quote!(#library::Handled::Done);
    if !model.shows_arguments(handler) {
        return quote!(#does #done);
    }
    let (title, shown) = (handler.title(model), shown(model, handler, values));
    quote! {{
        let __arguments: ::core::option::Option<::std::string::String> = #shown;
        let __asked = #library::Asked::new(#title, __arguments.as_deref());
        #does
        ::core::mem::drop(__asked);
        #done
    }}
}

/// The arguments as text, before they are given away; nothing, unless that is wanted.
pub(super) fn shown(model: &Model, handler: &Handler, values: &[Ident]) -> TokenStream {
    if !model.shows_arguments(handler) {
        return quote!(::core::option::Option::None);
    }
    let library = &model.library;
    let names = handler.values().map(|param| model::plain(&param.name));
    quote! {{
        use #library::{ShowDebug as _, ShowNothing as _};
        ::core::option::Option::Some(#library::shown_arguments(&[
            #((#names, (&#library::Show(&#values)).text())),*
        ]))
    }}
}

/// The call of the method that makes the state, as an `Init`.
pub(super) fn started(model: &Model, handler: &Handler, values: &[Ident]) -> TokenStream {
    let Model { library, actor, .. } = model;
    let call = call(model, handler, values);
    let output = &handler.output;
    let into_init = quote!(<#output as #library::IntoInit<#actor>>::into_init);
    match handler.asynchronous {
        Some(place) => quote_spanned!(at(place)=> __starting(#call, #into_init)),
        None => quote!(#library::Init::Ready(#into_init(#call))),
    }
}

/// The context, through a trait that says so if the guess by name was wrong.
fn cx(model: &Model, param: &Param) -> TokenStream {
    let (actor, ty) = (&model.actor, &param.ty);
    quote_spanned!(at(ty.span())=> <#ty as __Context<#actor>>::lend(__cx))
}

/// The caller's place, likewise.
fn reply(param: &Param) -> TokenStream {
    let ty = &param.ty;
    let answer = answer_type(ty);
    quote_spanned!(at(ty.span())=> <#ty as __ReplyPlace<#answer>>::give(__reply))
}
