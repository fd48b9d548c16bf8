//! What kind of mailbox did the user ask for?
//!
//! Role       Reads `#[actor(mailbox(..))]`.
//! Inputs     `capacity = 100, when_full = reject, high_water = 1_000`.
//! Outputs    The constant of the `Actor` trait.
//! Invariant  What no process could be started with is refused here.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::token::Paren;
use syn::{Ident, LitInt};

const ADVICE: &str = "write `mailbox(capacity = 100, when_full = reject)`, where a full one does \
     `block`, `reject`, `drop_oldest` or `drop_newest`, or `mailbox(high_water = 1_000)` for an \
     alarm, or both";

/// The words in `mailbox(..)`.
#[derive(Clone, Default)]
pub(super) struct MailboxChoice {
    bound: Option<(LitInt, &'static str)>,
    high_water: Option<LitInt>,
}

impl MailboxChoice {
    pub(super) fn read(meta: &ParseNestedMeta<'_>) -> syn::Result<Self> {
        if !meta.input.peek(Paren) {
            return Err(meta.error(ADVICE));
        }
        let (mut capacity, mut when_full, mut high_water) = (None, None, None);
        meta.parse_nested_meta(|inner| {
            if inner.path.is_ident("capacity") {
                capacity = Some(positive(&inner)?);
            } else if inner.path.is_ident("high_water") {
                high_water = Some(positive(&inner)?);
            } else if inner.path.is_ident("when_full") {
                when_full = Some(policy(&inner.value()?.parse()?)?);
            } else {
                return Err(inner.error(ADVICE));
            }
            Ok(())
        })?;
        let bound = match (capacity, when_full) {
            (Some(capacity), Some(when_full)) => Some((capacity, when_full)),
            (None, None) => None,
            _ => {
                return Err(meta.error(
                    "`capacity` and `when_full` belong together: what happens to a message for \
                     which there is no place has to be said",
                ));
            }
        };
        if bound.is_none() && high_water.is_none() {
            return Err(meta.error(ADVICE));
        }
        Ok(Self { bound, high_water })
    }

    /// `const MAILBOX: Option<Mailbox> = ..;`
    pub(super) fn constant(&self, library: &TokenStream) -> TokenStream {
        let kind = match &self.bound {
            None => quote!(unbounded()),
            Some((capacity, when_full)) => {
                let when_full = Ident::new(when_full, capacity.span());
                quote!(bounded(#capacity, #library::WhenFull::#when_full))
            }
        };
        let mark = self.high_water.as_ref();
        let mark = mark.map(|mark| quote!(.high_water(#mark)));
        quote! {
            const MAILBOX: ::core::option::Option<#library::Mailbox> =
                ::core::option::Option::Some(#library::Mailbox::#kind #mark);
        }
    }
}

fn positive(meta: &ParseNestedMeta<'_>) -> syn::Result<LitInt> {
    let number: LitInt = meta.value()?.parse()?;
    match number.base10_parse::<u32>()? {
        0 => Err(syn::Error::new(
            number.span(),
            "a mailbox needs room for one message at least",
        )),
        _ => Ok(number),
    }
}

fn policy(word: &Ident) -> syn::Result<&'static str> {
    Ok(match word.to_string().as_str() {
        "block" => "Block",
        "reject" => "Reject",
        "drop_oldest" => "DropOldest",
        "drop_newest" => "DropNewest",
        _ => return Err(syn::Error::new(word.span(), ADVICE)),
    })
}
