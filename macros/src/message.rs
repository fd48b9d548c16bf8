//! What does `#[derive(Message)]` make of a type?
//!
//! Role       Makes a type of the user's something that a plain process can be sent.
//! Inputs     A struct or an enum, with `#[message(..)]` if it wants something unusual.
//! Outputs    `Message` for it: portable, unless it says `#[message(local)]`; and `HandOver`.
//! Absent     serde's derives: the user writes those, since they shape the bytes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::{Data, DeriveInput, LitStr, Path, WhereClause, parse_quote, parse2};

use crate::errors::{Errors, tag_text};
use crate::{hand_over, krate};

/// What `#[message(..)]` says.
#[derive(Default)]
struct Options {
    local: bool,
    tag: Option<LitStr>,
    library: Option<Path>,
}

/// Expands `#[derive(Message)]`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let mut options = Options::default();
    for attribute in input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("message"))
    {
        if let Err(error) = attribute.parse_nested_meta(|meta| options.word(&meta)) {
            errors.push(error);
        }
    }
    check(&input, &mut errors);
    if errors.count() != 0 {
        return errors.into_tokens();
    }
    generate(&input, &options)
}

impl Options {
    fn word(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("local") {
            self.local = true;
        } else if meta.path.is_ident("tag") {
            self.tag = Some(tag_text(meta)?);
        } else if meta.path.is_ident("crate") {
            self.library = Some(meta.value()?.parse()?);
        } else {
            return Err(meta.error(
                "`#[message]` does not know this word: it takes `local` (the message never \
                 leaves its node), `tag = \"..\"` (its name on the wire, if it must outlive a \
                 rename) and `crate = path` (where the library is)",
            ));
        }
        Ok(())
    }
}

fn check(input: &DeriveInput, errors: &mut Errors) {
    if let Data::Union(item) = &input.data {
        errors.say(
            item.union_token,
            "a union cannot be a message, because nobody knows which field to send. Write an enum",
        );
    }
    for lifetime in input.generics.lifetimes() {
        errors.say(
            lifetime,
            "a message cannot borrow: it waits in a mailbox after its sender has moved on. Let \
             it own its data, or share it with `Arc`",
        );
    }
}

fn generate(input: &DeriveInput, options: &Options) -> TokenStream {
    let library = krate::macro_path(options.library.as_ref());
    let name = &input.ident;
    let text = name.to_string();
    let text = text.strip_prefix("r#").unwrap_or(&text);
    let hand_over = hand_over::of_message(&library, input);
    let codec = if options.local {
        quote!(#library::Codec::<Self>::local())
    } else {
        quote_spanned!(krate::at(name.span())=> #library::Codec::<Self>::portable())
    };
    let tag = tag(input, options, &library, text);
    let (params, types, _) = input.generics.split_for_impl();
    let clause = conditions(input, options, &library);
    quote! {
        #[automatically_derived]
        impl #params #library::Message for #name #types #clause {
            const NAME: &'static str = #text;
            const CODEC: #library::Codec<Self> = #codec.owning(#library::Owned::by_type());
            fn tag() -> #library::Tag {
                #tag
            }
        }

        #hand_over
    }
}

/// Of a generic message only those are messages whose parameters let them be.
fn conditions(
    input: &DeriveInput,
    options: &Options,
    library: &TokenStream,
) -> Option<WhereClause> {
    let mut generics = input.generics.clone();
    if generics.params.is_empty() {
        return generics.where_clause;
    }
    let name = &input.ident;
    let (_, types, _) = input.generics.split_for_impl();
    let clause = generics.make_where_clause();
    clause
        .predicates
        .push(parse_quote!(#name #types: ::core::marker::Send + 'static));
    if !options.local {
        clause
            .predicates
            .push(parse_quote!(#name #types: #library::Portable));
    }
    generics.where_clause
}

fn tag(input: &DeriveInput, options: &Options, library: &TokenStream, name: &str) -> TokenStream {
    let generic = !input.generics.params.is_empty();
    let full = quote!(::core::any::type_name::<Self>());
    match &options.tag {
        Some(tag) if generic => quote!(#library::Tag::of_generic("", #full, #tag)),
        Some(tag) => quote!(#library::Tag::of("", "", #tag)),
        None => {
            let package = quote!(::core::env!("CARGO_PKG_NAME"));
            if generic {
                quote!(#library::Tag::of_generic(#package, #full, ""))
            } else {
                quote!(#library::Tag::of(#package, #name, ""))
            }
        }
    }
}
