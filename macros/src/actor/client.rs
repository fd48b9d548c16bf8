//! How do others talk to the actor?
//!
//! Role       Writes the client that a `Ref` of the actor derefs to.
//! Inputs     The model's calls and casts.
//! Outputs    A type in the user's module, and its methods with the user's docs and visibility.
//! Invariant  The client is generic over the actor. That is what lets a public client serve a
//!            private actor and the other way round: `#[actor]` cannot see the type's visibility,
//!            and `impl Client for CounterClient { type Actor = Counter; }` would have to know it
//!            (error E0446), whereas `impl Client for CounterClient<Counter>` is only as visible
//!            as `Counter`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::model::{Handler, Kind, Model};
use super::types::{self, tidy};

/// The type itself.
pub(super) fn client_type(model: &Model) -> TokenStream {
    let Model { library, actor, .. } = model;
    let client = model.client_name();
    let shown = tidy(&quote!(#actor).to_string());
    let docs = format!("What a `Ref<{shown}>` can ask: a method for each call and each cast.");
    quote! {
        #[doc = #docs]
        #[allow(private_bounds, private_interfaces, unreachable_pub)]
        pub struct #client<A: #library::Addressed>(#library::Address<A>);
    }
}

/// Its methods and traits.
pub(super) fn client_impls(model: &Model) -> TokenStream {
    let Model {
        library,
        actor,
        generics,
        ..
    } = model;
    let client = model.client_name();
    let name = client.to_string();
    let methods = model.sent().map(|handler| method(model, handler));
    let (params, _, own_clause) = generics.split_for_impl();
    let conditions = model.conditions();
    quote! {
        impl #params #client<#actor> #conditions {
            #(#methods)*
        }

        #[automatically_derived]
        impl #params #library::Client for #client<#actor> #own_clause {
            type Actor = #actor;

            fn from_address(address: #library::Address<#actor>) -> Self {
                Self(address)
            }

            fn address(&self) -> &#library::Address<#actor> {
                &self.0
            }
        }

        #[automatically_derived]
        impl<A: #library::Addressed> ::core::clone::Clone for #client<A> {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }

        #[automatically_derived]
        impl<A: #library::Addressed> ::core::fmt::Debug for #client<A> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(#name).field(&self.0).finish()
            }
        }
    }
}

/// One call or cast, as the sender sees it.
fn method(model: &Model, handler: &Handler) -> TokenStream {
    let library = &model.library;
    let Handler {
        name,
        visibility,
        docs,
        conditions,
        warnings,
        ..
    } = handler;
    let args = handler.values().map(|param| &param.name);
    let types = handler.values().map(|param| &param.ty);
    let values = handler.values().map(|param| &param.name);
    let marker = model.marker_value();
    let message = handler.message_name();
    let (_, types_of_message, _) = model.generics.split_for_impl();
    let of = types_of_message.as_turbofish();
    let docs = if docs.is_empty() {
        default_docs(model, handler)
    } else {
        quote!(#(#docs)*)
    };
    let (send, output) = match handler.kind {
        Kind::Call => {
            let reply = reply_type(handler);
            (quote!(call), quote!(#library::Call<#reply>))
        }
        _ => (
            quote!(cast),
            quote!(::core::result::Result<(), #library::SendError>),
        ),
    };
    quote! {
        #docs
        #(#conditions)*
        #(#warnings)*
        #visibility fn #name(&self, #(#args: #types),*) -> #output {
            #library::Address::#send(&self.0, #message #of(#(#values,)* #marker))
        }
    }
}

fn default_docs(model: &Model, handler: &Handler) -> TokenStream {
    let (verb, name) = (
        if handler.kind == Kind::Call {
            "Calls"
        } else {
            "Casts to"
        },
        &model.name,
    );
    let docs = format!("{verb} `{name}::{}`.", handler.plain_name());
    quote!(#[doc = #docs])
}

/// What the caller gets: the handler's result, or what its `ReplyTo` takes.
pub(super) fn reply_type(handler: &Handler) -> TokenStream {
    match (handler.reply(), &handler.output) {
        (Some(reply), _) => answer_type(&reply.ty),
        (None, Some(output)) => quote!(#output),
        (None, None) => quote!(()),
    }
}

/// `R` of `ReplyTo<R>`; behind an alias only rustc knows it.
pub(super) fn answer_type(reply: &Type) -> TokenStream {
    match types::only_argument(reply) {
        Some(answer) if types::ends_in(reply, "ReplyTo") => quote!(#answer),
        _ => quote!(<#reply as __Answered>::Answer),
    }
}
