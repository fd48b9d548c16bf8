//! What does `#[statem]` make of an `impl` block, and `#[states]` of an enum?
//!
//! Role       The order of work: read the block, then write the state machine beside it. Clients and
//!            messages are those of an actor.
//! Inputs     The attribute's words and the user's item.
//! Outputs    The item without our attributes, its mistakes, and what was generated.
//! Invariant  The user's item is always part of the output, so that editors keep working.

mod check;
mod dispatch;
mod events;
mod invoke;
mod mark;
mod model;
mod parts;
mod read;
pub(crate) mod states;
mod trait_impl;
mod words;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemImpl};

use super::{client, parse, support};
use crate::errors::Errors;
use model::Machine;
use words::Words;

/// Expands `#[statem(words)] item`.
pub(crate) fn expand(words: TokenStream, item: TokenStream) -> TokenStream {
    let mut block = match parse::block(&item) {
        Ok(block) => block,
        Err(error) => return refused(item, &error),
    };
    let mut errors = Errors::default();
    let mut words = Words::of_attribute(words, &mut errors);
    words.options.take_state(&mut block, &mut errors);
    let machine = read::machine(&mut block, words, &mut errors);
    let generated = machine.as_ref().map(generate);
    let errors = errors.into_tokens();
    quote!(#block #errors #generated)
}

/// The item is no state machine at all: hand it back beside the reason.
fn refused(item: TokenStream, error: &syn::Error) -> TokenStream {
    let item = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(mut block)) => {
            strip(&mut block);
            quote!(#block)
        }
        _ => item,
    };
    let text = error.to_string().replace("#[actor]", "#[statem]");
    let error = syn::Error::new(error.span(), text).to_compile_error();
    quote!(#item #error)
}

fn strip(block: &mut ItemImpl) {
    for item in &mut block.items {
        if let syn::ImplItem::Fn(method) = item {
            mark::strip(&mut method.attrs);
        }
    }
}

/// Two types that the user can name, and everything else where nobody can.
fn generate(machine: &Machine) -> TokenStream {
    let client_type = client::client_type(&machine.model);
    let events_type = events::events_type(machine);
    let support = support::support(&machine.model);
    let client_impls = client::client_impls(&machine.model);
    let messages = events::messages(machine);
    let implementation = trait_impl::implementation(machine);
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
            unreachable_code,
            unreachable_pub,
            unused_mut,
            unused_qualifications,
            unused_variables
        )]
        const _: () = {
            #support
            #messages
            #client_impls
            #implementation
        };
    }
}
