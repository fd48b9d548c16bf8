//! What can timers, streams and the actor itself put into its mailbox?
//!
//! Role       Writes the `…Msg` enum: a variant for each cast and each continuation.
//! Inputs     The model's events.
//! Outputs    A type in the user's module, whose variants are functions: `WorkerMsg::Line`.
//! Invariant  It has every parameter of the actor, used or not, so that its name is predictable.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::invoke;
use super::model::{Handler, Model};
use super::types::tidy;

/// The enum itself.
pub(super) fn events_type(model: &Model) -> TokenStream {
    let name = model.events_name();
    let actor = &model.actor;
    let shown = tidy(&quote!(#actor).to_string());
    let docs = format!(
        "What timers, streams and `{shown}` itself can put into its mailbox: a variant for each \
         cast and each continuation."
    );
    let variants = model.events().map(variant);
    let unused = needs_marker(model).then(|| {
        let marker = model.marker();
        quote! {
            #[doc(hidden)]
            __Unused(#marker, ::core::convert::Infallible),
        }
    });
    let hidden = model
        .events()
        .next()
        .is_none()
        .then(|| quote!(#[doc(hidden)]));
    let generics = &model.generics;
    let conditions = &generics.where_clause;
    quote! {
        #[doc = #docs]
        #hidden
        #[allow(
            clippy::large_enum_variant,
            dead_code,
            private_bounds,
            private_interfaces,
            unreachable_pub
        )]
        pub enum #name #generics #conditions {
            #(#variants)*
            #unused
        }
    }
}

fn variant(handler: &Handler) -> TokenStream {
    let Handler {
        docs, conditions, ..
    } = handler;
    let docs = if docs.is_empty() {
        let docs = format!("Handled by `{}`.", handler.plain_name());
        quote!(#[doc = #docs])
    } else {
        quote!(#(#docs)*)
    };
    let name = handler.variant_name();
    let types: Vec<_> = handler.values().map(|param| &param.ty).collect();
    let fields = (!types.is_empty()).then(|| quote!((#(#types),*)));
    quote!(#docs #(#conditions)* #name #fields,)
}

/// The body of `handle_msg`.
pub(super) fn dispatch(model: &Model) -> TokenStream {
    let name = model.events_name();
    let arms = model.events().map(|handler| {
        let conditions = &handler.conditions;
        let variant = handler.variant_name();
        let locals = handler.locals();
        let fields = (!locals.is_empty()).then(|| quote!((#(#locals),*)));
        let handled = invoke::handled(model, handler, &locals);
        quote!(#(#conditions)* #name::#variant #fields => { #handled })
    });
    let unused =
        needs_marker(model).then(|| quote!(#name::__Unused(_, __never) => match __never {},));
    quote! {
        match __msg {
            #(#arms)*
            #unused
        }
    }
}

/// Whether some type parameter is in no variant, or only in one that may be configured away.
fn needs_marker(model: &Model) -> bool {
    let mut params = model.generics.type_params();
    params.any(|param| {
        let param = param.ident.to_string();
        let mut values = model
            .events()
            .filter(|handler| handler.conditions.is_empty())
            .flat_map(Handler::values);
        !values.any(|value| mentions(value.ty.to_token_stream(), &param))
    })
}

/// Whether the parameter stands in these tokens by itself; in `T::Key` it would not count as used.
fn mentions(tokens: TokenStream, param: &str) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match token {
            TokenTree::Ident(word) => {
                word == param
                    && !matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ':')
            }
            TokenTree::Group(group) => mentions(group.stream(), param),
            _ => false,
        };
        if found {
            return true;
        }
    }
    false
}
