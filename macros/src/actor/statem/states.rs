//! What does `#[states]` make of an enum?
//!
//! Role       Makes a type of each variant, so that rustc knows which state a handler is in and
//!            which may follow.
//! Inputs     The enum, with `#[to(..)]` at its variants.
//! Outputs    The enum, whose variants with data hold the variant's struct; the structs; which
//!            transitions there are.
//! Invariant  A variant without data stays as it is.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Fields, ItemEnum, Meta, Path, Token, Variant, parse2};

use crate::errors::Errors;
use crate::krate;

/// One state.
struct Case {
    name: Ident,
    fields: Fields,
    docs: Vec<Attribute>,
    /// What may follow, if that is said.
    to: Option<Vec<Ident>>,
}

/// Expands `#[states(words)] item`.
pub(crate) fn expand(words: TokenStream, item: TokenStream) -> TokenStream {
    let mut states = match parse2::<ItemEnum>(item.clone()) {
        Ok(states) => states,
        Err(_) => {
            let message = "`#[states]` goes on an enum, with a variant for each state";
            let error = syn::Error::new(item.span(), message).to_compile_error();
            return quote!(#item #error);
        }
    };
    let mut errors = Errors::default();
    let library = library(words, &mut errors);
    if !states.generics.params.is_empty() {
        errors.say(
            &states.generics,
            "states have no type parameters: what differs belongs into the data",
        );
    }
    let cases: Vec<Case> = states
        .variants
        .iter_mut()
        .map(|variant| case(variant, &mut errors))
        .collect();
    if cases.is_empty() {
        errors.say(
            &states.ident,
            "a state machine is in some state: write one at least",
        );
    }
    check(&cases, &mut errors);
    let failed = errors.count() != 0;
    let errors = errors.into_tokens();
    if failed {
        return quote!(#states #errors);
    }
    let written = write(&states, &cases, &krate::macro_path(library.as_ref()));
    quote!(#states #written)
}

fn library(words: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut library = None;
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("crate") {
            library = Some(meta.value()?.parse()?);
            return Ok(());
        }
        Err(meta.error("`#[states]` takes no words but `crate = path` (where the library is)"))
    });
    if let Err(error) = syn::parse::Parser::parse2(parser, words) {
        errors.push(error);
    }
    library
}

/// Takes the variant's data out into a struct, and our attribute away.
fn case(variant: &mut Variant, errors: &mut Errors) -> Case {
    let mut to = None;
    variant.attrs.retain(|attribute| {
        if !attribute.path().is_ident("to") {
            return true;
        }
        let parsed = match &attribute.meta {
            Meta::Path(_) => Err(syn::Error::new_spanned(
                attribute,
                "say which states may follow: `#[to(Open, Shut)]`, or `#[to()]` for none",
            )),
            _ => attribute.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated),
        };
        match parsed {
            Ok(names) => to.get_or_insert_with(Vec::new).extend(names),
            Err(error) => errors.push(error),
        }
        false
    });
    let name = variant.ident.clone();
    let fields = variant.fields.clone();
    if !matches!(fields, Fields::Unit) {
        variant.fields = Fields::Unnamed(syn::parse_quote!((#name)));
    }
    let docs = variant.attrs.iter();
    let docs = docs
        .filter(|attribute| attribute.path().is_ident("doc"))
        .cloned();
    Case {
        name,
        fields,
        docs: docs.collect(),
        to,
    }
}

/// Every state that is named is one.
fn check(cases: &[Case], errors: &mut Errors) {
    let names: Vec<String> = cases.iter().map(|case| case.name.to_string()).collect();
    for to in cases.iter().filter_map(|case| case.to.as_ref()).flatten() {
        if !names.contains(&to.to_string()) {
            errors.say(
                to,
                format!("there is no state `{to}`. There are: {}", names.join(", ")),
            );
        }
    }
}

fn write(states: &ItemEnum, cases: &[Case], library: &TokenStream) -> TokenStream {
    let (name, names) = (
        &states.ident,
        cases.iter().map(|case| case.name.to_string()),
    );
    let structs = cases.iter().map(|case| write_struct(states, case));
    let variants = cases.iter().enumerate().map(|(index, case)| {
        let variant = &case.name;
        quote!(Self::#variant { .. } => #index,)
    });
    let pairs = pairs(cases);
    let each = cases
        .iter()
        .enumerate()
        .map(|(index, case)| write_case(name, index, case, library));
    let follows = pairs.iter().map(|(from, to)| {
        let (from, to) = (&cases[*from].name, &cases[*to].name);
        quote! {
            #[automatically_derived]
            impl #library::To<#to> for #from {}
        }
    });
    let (from, to): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    quote! {
        #(#structs)*
        #[automatically_derived]
        impl #library::States for #name {
            const NAMES: &'static [&'static str] = &[#(#names),*];
            fn index(&self) -> usize {
                match self {
                    #(#variants)*
                }
            }
            fn may_follow(from: usize, to: usize) -> bool {
                const PAIRS: &[(usize, usize)] = &[#((#from, #to)),*];
                PAIRS.contains(&(from, to))
            }
        }
        #(#each)*
        #(#follows)*
    }
}

/// Which state may follow which. To stay is always allowed, and without any word everything is.
fn pairs(cases: &[Case]) -> Vec<(usize, usize)> {
    let said = cases.iter().any(|case| case.to.is_some());
    let mut pairs = Vec::new();
    for (from, case) in cases.iter().enumerate() {
        for (to, other) in cases.iter().enumerate() {
            let named = case.to.as_ref().is_some_and(|to| to.contains(&other.name));
            if from == to || named || !said {
                pairs.push((from, to));
            }
        }
    }
    pairs
}

/// The struct of one state, with what the enum derives, and fields as public as the enum.
fn write_struct(states: &ItemEnum, case: &Case) -> TokenStream {
    let (visibility, name, docs) = (&states.vis, &case.name, &case.docs);
    let mut fields = case.fields.clone();
    for field in &mut fields {
        field.vis = visibility.clone();
    }
    let semicolon = (!matches!(fields, Fields::Named(_))).then(|| quote!(;));
    let derives = states.attrs.iter().filter_map(derived);
    let docs = if docs.is_empty() {
        let docs = format!("The state `{name}`.");
        quote!(#[doc = #docs])
    } else {
        quote!(#(#docs)*)
    };
    quote! {
        #docs
        #(#derives)*
        #[allow(missing_docs, unreachable_pub)]
        #visibility struct #name #fields #semicolon
    }
}

/// The same derives, but for `Default`, which is that of the enum alone.
fn derived(attribute: &Attribute) -> Option<TokenStream> {
    if !attribute.path().is_ident("derive") {
        return None;
    }
    let paths = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
    let paths = paths.ok()?.into_iter().filter(|path| {
        let last = path.segments.last();
        last.is_none_or(|last| last.ident != "Default")
    });
    let paths: Vec<_> = paths.map(|path| path.to_token_stream()).collect();
    Some(quote!(#[derive(#(#paths),*)]))
}

fn write_case(states: &Ident, index: usize, case: &Case, library: &TokenStream) -> TokenStream {
    let name = &case.name;
    let unit = matches!(case.fields, Fields::Unit);
    let (given, made, found) = if unit {
        // It has no size, so nothing is allocated.
        (
            quote!(_),
            quote!(#states::#name),
            quote!(#states::#name => ::std::boxed::Box::leak(::std::boxed::Box::new(#name))),
        )
    } else {
        (
            quote!(state),
            quote!(#states::#name(state)),
            quote!(#states::#name(state) => state),
        )
    };
    let message = format!("the state is not `{name}`");
    quote! {
        #[automatically_derived]
        impl ::core::convert::From<#name> for #states {
            fn from(#given: #name) -> Self {
                #made
            }
        }

        #[automatically_derived]
        impl #library::State for #name {
            type Of = #states;
            const INDEX: usize = #index;
            #[allow(unreachable_patterns)]
            fn of(states: &mut #states) -> &mut Self {
                match states {
                    #found,
                    _ => ::core::panic!(#message),
                }
            }
        }
    }
}
