//! What has gone wrong so far in one expansion?
//!
//! Role       Collects mistakes, so that one build shows all of them.
//! Inputs     One [`Errors::say`] per mistake, at the tokens that hold it.
//! Outputs    One `compile_error!` per mistake, or nothing.
//! Invariant  Mistakes come out in the order in which they went in.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::{Expr, LitStr};

/// The mistakes of one expansion.
#[derive(Default)]
pub(crate) struct Errors {
    found: Option<syn::Error>,
    count: usize,
}

impl Errors {
    /// Notes a mistake at these tokens.
    pub(crate) fn say(&mut self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(at, message));
    }

    /// Notes a mistake that somebody else put into words.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.count += 1;
        match &mut self.found {
            Some(found) => found.combine(error),
            None => self.found = Some(error),
        }
    }

    /// How many mistakes there are; equal before and after means that nothing went wrong between.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The `compile_error!`s that tell the user.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.found
            .map(syn::Error::into_compile_error)
            .unwrap_or_default()
    }
}

/// The value of `tag = ".."`, or what a tag looks like.
pub(crate) fn tag_text(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let value: Expr = meta.value()?.parse()?;
    syn::parse2(value.to_token_stream()).map_err(|_| {
        let advice = "a tag is a text, the same in every version of the program: \
                      `tag = \"bank.withdraw\"`";
        syn::Error::new_spanned(&value, advice)
    })
}
