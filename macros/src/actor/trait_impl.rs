//! How does the library see the actor?
//!
//! Role       Writes the `Actor` trait's implementation.
//! Inputs     The model.
//! Outputs    One `impl`, with only those handlers that the user wrote.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::model::{Handler, Kind, Model, plain};
use super::{events, invoke, messages};
use crate::krate::at;

/// `impl Actor for Counter { .. }`.
pub(super) fn actor_impl(model: &Model) -> TokenStream {
    let Model {
        library,
        actor,
        generics,
        version,
        protocols,
        ..
    } = model;
    let name = plain(&model.name);
    let (client, events) = (model.client_name(), model.events_name());
    let (params, types, own_clause) = generics.split_for_impl();
    let clause = model.conditions();
    let args = args_type(model);
    let init = init(model);
    let methods = methods(model);
    let dispatch = events::dispatch(model);
    let others = others(model);
    let spoken = spoken(model);
    let describe = describe(model);
    let told_apart = told_apart(model);
    let mailbox = model.mailbox.as_ref();
    let mailbox = mailbox.map(|mailbox| mailbox.constant(library));
    // Without the conditions of `Actor`: an actor may hold references to actors of its own type,
    // and whether it is `Send` must not depend on itself.
    quote! {
        #[automatically_derived]
        impl #params #library::Addressed for #actor #own_clause {
            type Client = #client<#actor>;
        }

        #[automatically_derived]
        impl #params #library::Actor for #actor #clause {
            type Msg = #events #types;
            type Args = #args;
            type Beside = ();
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            #mailbox

            #init

            fn methods() -> &'static [#library::Method<Self>] {
                #methods
            }

            #spoken

            fn handle_msg<'a>(
                &'a mut self,
                __msg: Self::Msg,
                __cx: &'a mut #library::Cx<Self>,
            ) -> #library::Handled<'a> {
                let __actor = self;
                #dispatch
            }

            #others

            #describe
        }

        #(
            #[automatically_derived]
            impl #params #library::Speaks<dyn #protocols> for #actor #clause {}
        )*

        #told_apart
    }
}

/// The methods of the protocols that the actor speaks.
fn spoken(model: &Model) -> Option<TokenStream> {
    let library = &model.library;
    // Said where the protocol is named, if the actor does not implement it.
    let methods = model.protocols.iter().map(|protocol| {
        quote_spanned!(at(protocol.span())=> <dyn #protocol as #library::Protocol<Self>>::method)
    });
    (!model.protocols.is_empty()).then(|| {
        quote! {
            fn protocol_method(
                __tag: #library::Tag,
            ) -> ::core::option::Option<&'static #library::Method<Self>> {
                ::core::option::Option::None #(.or_else(|| #methods(__tag)))*
            }
        }
    })
}

/// That the names of the messages of all that it speaks are different.
fn told_apart(model: &Model) -> Option<TokenStream> {
    let library = &model.library;
    let protocols = &model.protocols;
    let last = protocols.last()?;
    let own = messages::tags(model);
    // Said where the last one is named.
    Some(quote_spanned! {at(last.span())=>
        const _: () = #library::tell_apart(&[
            &#own,
            #(<dyn #protocols as #library::Addressed>::TAGS),*
        ]);
    })
}

/// The state as text, if the user asked for it; whether it has a `Debug` is said at that word.
fn describe(model: &Model) -> Option<TokenStream> {
    let library = &model.library;
    let word = &model.debug.as_ref()?.word;
    let state = quote_spanned!(at(word.span())=> __state);
    Some(quote! {
        fn describe(&self) -> ::core::option::Option<::std::string::String> {
            let __state = self;
            ::core::option::Option::Some(#library::shown(#state))
        }
    })
}

/// What starts the actor: itself, nothing, one value, or a tuple.
pub(super) fn args_type(model: &Model) -> TokenStream {
    let Some(init) = model.of_kind(Kind::Init).next() else {
        return quote!(Self);
    };
    let types: Vec<_> = init.values().map(|param| &param.ty).collect();
    match &types[..] {
        [one] => quote!(#one),
        many => quote!((#(#many),*)),
    }
}

fn init(model: &Model) -> TokenStream {
    let library = &model.library;
    let body = match model.of_kind(Kind::Init).next() {
        Some(handler) => init_body(model, handler),
        None => quote!(#library::Init::Ready(::core::result::Result::Ok(__args))),
    };
    let type_tag = messages::type_tag(model);
    quote! {
        #type_tag

        fn init<'a>(
            __args: Self::Args,
            __cx: &'a mut #library::Cx<Self>,
        ) -> #library::Init<'a, Self> {
            #body
        }
    }
}

fn init_body(model: &Model, handler: &Handler) -> TokenStream {
    let locals = handler.locals();
    let unpacked = match &locals[..] {
        [one] => quote!(let #one = __args;),
        many => quote!(let (#(#many),*) = __args;),
    };
    let started = invoke::started(model, handler, &locals);
    quote!(#unpacked #started)
}

/// Calls and casts that other nodes may send.
pub(super) fn methods(model: &Model) -> TokenStream {
    let library = &model.library;
    let (_, types, _) = model.generics.split_for_impl();
    let methods = model
        .sent()
        .filter(|handler| handler.portable)
        .map(|handler| {
            let (conditions, message) = (&handler.conditions, handler.message_name());
            let send = if handler.kind == Kind::Call {
                quote!(call)
            } else {
                quote!(cast)
            };
            quote!(#(#conditions)* #library::Method::<Self>::#send::<#message #types>())
        });
    quote!(const { &[#(#methods),*] })
}

/// The handlers that the trait has a default for.
fn others(model: &Model) -> TokenStream {
    let library = &model.library;
    let kinds = [
        Kind::Info,
        Kind::Exit,
        Kind::Down,
        Kind::Timeout,
        Kind::Terminate,
    ];
    let handlers = kinds.into_iter().flat_map(|kind| model.of_kind(kind));
    handlers
        .map(|handler| {
            let conditions = &handler.conditions;
            let (name, given) = signature(library, handler.kind);
            let value = format_ident!("__given");
            let given = given.map(|ty| quote!(#value: #ty,));
            let values: Vec<Ident> = handler.values().map(|_| value.clone()).collect();
            let handled = invoke::handled(model, handler, &values);
            quote! {
                #(#conditions)*
                fn #name<'a>(
                    &'a mut self,
                    #given
                    __cx: &'a mut #library::Cx<Self>,
                ) -> #library::Handled<'a> {
                    let __actor = self;
                    #handled
                }
            }
        })
        .collect()
}

/// The trait's method for a kind, and what it is given beside the context.
fn signature(library: &TokenStream, kind: Kind) -> (Ident, Option<TokenStream>) {
    let (name, given) = match kind {
        Kind::Info => ("handle_info", Some(quote!(#library::Info))),
        Kind::Exit => ("handle_exit", Some(quote!(#library::Exit))),
        Kind::Down => ("handle_down", Some(quote!(#library::Down))),
        Kind::Terminate => ("terminate", Some(quote!(&'a #library::Reason))),
        _ => ("handle_timeout", None),
    };
    (format_ident!("{name}"), given)
}
