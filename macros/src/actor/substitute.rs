//! What does a type say once `Self` has a name?
//!
//! Role       Lets types move from the user's `impl` block into other ones.
//! Inputs     Tokens that may say `Self`, and the type that it stands for.
//! Outputs    The same tokens, with the spans of the originals.

use proc_macro2::{Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::{Type, parse2};

/// Writes the name of the actor for every `Self`.
pub(super) fn name_self<T: Parse + ToTokens>(of: &T, actor: &Type) -> syn::Result<T> {
    parse2(named(of.to_token_stream(), actor))
}

fn named(tokens: TokenStream, actor: &Type) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut output = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => {
                output.extend(written(
                    &word,
                    actor,
                    tokens.peek().is_some_and(is_path_separator),
                ));
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), named(group.stream(), actor));
                inner.set_span(group.span());
                output.extend([TokenTree::Group(inner)]);
            }
            other => output.extend([other]),
        }
    }
    output
}

/// The first half of `::`; the colon of a bound stands alone.
fn is_path_separator(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == ':' && p.spacing() == Spacing::Joint)
}

/// `Cache<T>`, or `<Cache<T>>` in front of `::`, where `Self` was.
fn written(word: &Ident, actor: &Type, part_of_path: bool) -> TokenStream {
    let tokens = if part_of_path {
        quote!(<#actor>)
    } else {
        quote!(#actor)
    };
    placed(tokens, word.span())
}

/// The same tokens at another place.
fn placed(tokens: TokenStream, place: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                let inner = Group::new(group.delimiter(), placed(group.stream(), place));
                token = TokenTree::Group(inner);
            }
            token.set_span(token.span().located_at(place));
            token
        })
        .collect()
}
