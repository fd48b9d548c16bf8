//! What does `#[derive(HandOver)]` make of a type?
//!
//! Role       Writes which allocations a value owns: those of its fields, whatever they are.
//! Inputs     A struct or an enum, with `#[hand_over(crate = path)]` if the library is elsewhere.
//! Outputs    `HandOver` for it. Fields whose type has none are left out.
//! Invariant  Nothing here can fail for a type that compiles: messages get it without asking.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, GenericParam, Path, Type, WhereClause, parse_quote, parse2};

use crate::errors::Errors;
use crate::krate;

/// Expands `#[derive(HandOver)]`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let mut library = None;
    for attribute in &input.attrs {
        if attribute.path().is_ident("hand_over") {
            let parsed = attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("crate") {
                    library = Some(meta.value()?.parse::<Path>()?);
                    return Ok(());
                }
                Err(meta.error(
                    "`#[hand_over]` does not know this word: it takes `crate = path` (where the \
                     library is)",
                ))
            });
            if let Err(error) = parsed {
                errors.push(error);
            }
        }
    }
    if let Data::Union(item) = &input.data {
        errors.say(
            item.union_token,
            "nobody knows which field of a union owns something. Write an enum",
        );
    }
    if errors.count() != 0 {
        return errors.into_tokens();
    }
    let library = krate::macro_path(library.as_ref());
    let mut generics = input.generics.clone();
    for param in &mut generics.params {
        if let GenericParam::Type(param) = param {
            param.bounds.push(parse_quote!(#library::HandOver));
        }
    }
    implement(&library, &input, generics.where_clause.as_ref(), &generics)
}

/// The same for a message, whose parameters need not be told of.
pub(crate) fn of_message(library: &TokenStream, input: &DeriveInput) -> TokenStream {
    let clause = input.generics.where_clause.as_ref();
    implement(library, input, clause, &input.generics)
}

fn implement(
    library: &TokenStream,
    input: &DeriveInput,
    clause: Option<&WhereClause>,
    generics: &syn::Generics,
) -> TokenStream {
    let name = &input.ident;
    let (params, types, _) = generics.split_for_impl();
    let (owned, arms): (Vec<_>, Vec<_>) = match &input.data {
        // The fields of a packed type cannot be looked at.
        _ if is_packed(input) => (Vec::new(), vec![quote!(_ => {})]),
        Data::Struct(item) => {
            let (types, pattern, walk) = fields(library, &item.fields);
            (types, vec![quote!(Self #pattern => { #walk })])
        }
        Data::Enum(item) => {
            let mut all = Vec::new();
            let arms = item.variants.iter().map(|variant| {
                let (types, pattern, walk) = fields(library, &variant.fields);
                all.extend(types);
                let name = &variant.ident;
                quote!(Self::#name #pattern => { #walk })
            });
            let mut arms: Vec<_> = arms.collect();
            if arms.is_empty() {
                arms.push(quote!(_ => {}));
            }
            (all, arms)
        }
        Data::Union(_) => (Vec::new(), vec![quote!(_ => {})]),
    };
    quote! {
        #[automatically_derived]
        impl #params #library::HandOver for #name #types #clause {
            const OWNS: bool = {
                #[allow(unused_imports)]
                use #library::Untold as _;
                false #(|| #library::Field::<#owned>::OWNED.is_something())*
            };
            fn hand_over(&self, __hand: &mut #library::Hand<'_>) {
                #[allow(unused_imports)]
                use #library::Untold as _;
                match self { #(#arms)* }
            }
        }
    }
}

fn is_packed(input: &DeriveInput) -> bool {
    let mut packed = false;
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("repr")) {
        // What rustc does not understand either, it says itself.
        let _ = attribute.parse_nested_meta(|meta| {
            packed |= meta.path.is_ident("packed");
            if meta.input.peek(syn::token::Paren) {
                let inside;
                syn::parenthesized!(inside in meta.input);
                inside.parse::<TokenStream>()?;
            }
            Ok(())
        });
    }
    packed
}

/// The types of the fields, a pattern that binds them, and what goes over them.
fn fields(library: &TokenStream, fields: &Fields) -> (Vec<Type>, TokenStream, TokenStream) {
    let types: Vec<Type> = fields.iter().map(|field| field.ty.clone()).collect();
    let locals: Vec<Ident> = (0..types.len())
        .map(|at| format_ident!("__field_{at}"))
        .collect();
    let pattern = match fields {
        Fields::Named(named) => {
            let names = named.named.iter().map(|field| &field.ident);
            quote!({ #(#names: #locals,)* })
        }
        Fields::Unnamed(_) => quote!((#(#locals,)*)),
        Fields::Unit => quote!(),
    };
    let walk = quote! {
        #(#library::Field::<#types>::OWNED.hand_over(#locals, __hand);)*
    };
    (types, pattern, walk)
}
