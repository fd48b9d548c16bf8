//! What does `#[actor]` make of an `impl` block?
//!
//! Role       The order of work: read the block, then write the actor beside it.
//! Inputs     The attribute's words and the user's item.
//! Outputs    The item without our attributes, its mistakes, and the generated actor.
//! Invariant  The user's item is always part of the output, so that editors keep working.

mod attribute;
mod client;
mod events;
mod invoke;
mod mailbox;
mod messages;
mod model;
mod options;
mod parse;
pub(crate) mod protocol;
mod signature;
pub(crate) mod statem;
mod substitute;
mod support;
mod trait_impl;
mod types;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemImpl};

use crate::errors::Errors;
use model::Model;
use options::Options;

/// Expands `#[actor(options)] item`.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut block = match parse::block(&item) {
        Ok(block) => block,
        Err(error) => return refused(item, &error),
    };
    let mut errors = Errors::default();
    let mut options = Options::of_attribute(options, &mut errors);
    options.take_state(&mut block, &mut errors);
    let model = parse::model(&mut block, options, &mut errors);
    output(&block, model.as_ref(), errors)
}

/// The item is no actor at all: hand it back beside the reason.
fn refused(item: TokenStream, error: &syn::Error) -> TokenStream {
    let item = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(mut block)) => {
            parse::strip(&mut block);
            quote!(#block)
        }
        _ => item,
    };
    let error = error.to_compile_error();
    quote!(#item #error)
}

fn output(block: &ItemImpl, model: Option<&Model>, errors: Errors) -> TokenStream {
    let actor = model.map(generate);
    let errors = errors.into_tokens();
    quote!(#block #errors #actor)
}

/// Two types that the user can name, and everything else where nobody can.
fn generate(model: &Model) -> TokenStream {
    let client_type = client::client_type(model);
    let events_type = events::events_type(model);
    let support = support::support(model);
    let client_impls = client::client_impls(model);
    let messages = messages::messages(model);
    let actor_impl = trait_impl::actor_impl(model);
    quote! {
        #client_type
        #events_type
        #[doc(hidden)]
        #[allow(
            clippy::all,
            clippy::nursery,
            clippy::pedantic,
            dead_code,
            deprecated,
            non_camel_case_types,
            private_bounds,
            private_interfaces,
            trivial_bounds,
            unreachable_pub,
            unused_mut,
            unused_qualifications,
            unused_variables
        )]
        const _: () = {
            #support
            #messages
            #client_impls
            #actor_impl
        };
    }
}
