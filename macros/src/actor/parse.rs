//! Which actor does this `impl` block describe?
//!
//! Role       Reads the block into a [`Model`], and takes our attributes away from it.
//! Inputs     The item under `#[actor]`.
//! Outputs    The model; none if the actor cannot be written at all.
//! Invariant  A method with a mistake costs that method, not the actor, except for `#[init]`.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use syn::{GenericParam, Generics, Ident, ImplItem, Item, ItemImpl, Type, parse2};

use super::attribute::{self, Mark};
use super::model::{Handler, Kind, Model};
use super::options::Options;
use super::signature;
use super::substitute::name_self;
use super::types::{peeled, tidy};
use crate::errors::Errors;
use crate::krate;

/// The `impl Type { .. }` under the attribute, or what to do about anything else.
pub(super) fn block(item: &TokenStream) -> syn::Result<ItemImpl> {
    match parse2::<Item>(item.clone())? {
        Item::Impl(block) => match &block.trait_ {
            None => Ok(block),
            Some((_, path, _)) => Err(syn::Error::new_spanned(
                path,
                "`#[actor]` goes on the type's own `impl` block, not on that of a trait: \
                 handlers are methods of the type. Move them into `impl Type { .. }`",
            )),
        },
        Item::Struct(item) => Err(on_type(&item.ident, "struct")),
        Item::Enum(item) => Err(on_type(&item.ident, "enum")),
        Item::Trait(item) => Err(syn::Error::new_spanned(
            &item.ident,
            "`#[actor]` goes on the `impl` block of one type, not on a trait",
        )),
        _ => Err(syn::Error::new(
            proc_macro2::Span::call_site(),
            "`#[actor]` goes on the `impl` block with the handlers: \
             `#[actor] impl Counter { .. }`",
        )),
    }
}

fn on_type(name: &Ident, keyword: &str) -> syn::Error {
    syn::Error::new_spanned(
        name,
        format!(
            "`#[actor]` goes on the block with the handlers, not on the {keyword}: leave the \
             {keyword} as it is and write `#[actor] impl {name} {{ .. }}` below it"
        ),
    )
}

/// Takes our attributes away without reading them.
pub(super) fn strip(block: &mut ItemImpl) {
    for item in &mut block.items {
        if let Some(attributes) = attributes(item) {
            attribute::strip(attributes);
        }
    }
}

/// Reads the block.
pub(super) fn model(block: &mut ItemImpl, options: Options, errors: &mut Errors) -> Option<Model> {
    let name = name(&block.self_ty, errors);
    let named = name.is_some() && check_generics(block, errors);
    let actor = peeled(&block.self_ty).clone();
    let (handlers, whole) = handlers(block, &actor, errors);
    if !named || !whole {
        return None;
    }
    let generics = match concrete(&block.generics, &actor) {
        Ok(generics) => generics,
        Err(error) => {
            errors.push(error);
            return None;
        }
    };
    Some(Model {
        library: krate::macro_path(options.library.as_ref()),
        actor,
        name: name?,
        generics,
        version: options.version,
        debug: options.debug,
        mailbox: options.mailbox,
        handlers,
        protocol: None,
        protocols: options.protocols,
    })
}

/// `Cache` of `Cache<T>`.
pub(super) fn name(ty: &Type, errors: &mut Errors) -> Option<Ident> {
    if let Type::Path(path) = peeled(ty)
        && path.qself.is_none()
        && let Some(segment) = path.path.segments.last()
    {
        return Some(segment.ident.clone());
    }
    errors.say(
        ty,
        "an actor is a struct or an enum of your own, because its client is named after it. \
         Wrap this type in one: `struct Counter(..);`",
    );
    None
}

/// Whether nothing borrowed is part of the actor.
pub(super) fn check_generics(block: &ItemImpl, errors: &mut Errors) -> bool {
    let before = errors.count();
    let advice = "an actor outlives the function that starts it, so it cannot borrow. Let it own \
                  its data, or share it with `Arc`";
    for lifetime in block.generics.lifetimes() {
        errors.say(lifetime, advice);
    }
    if errors.count() == before {
        let mut inner = Errors::default();
        super::types::check(&block.self_ty, super::types::Place::Argument, &mut inner);
        if inner.count() != 0 {
            errors.say(&block.self_ty, advice);
        }
    }
    errors.count() == before
}

/// The same parameters and conditions, with the actor's name for every `Self`.
pub(super) fn concrete(generics: &Generics, actor: &Type) -> syn::Result<Generics> {
    let mut concrete = generics.clone();
    for param in &mut concrete.params {
        *param = name_self::<GenericParam>(param, actor)?;
    }
    if let Some(clause) = &mut concrete.where_clause {
        *clause = name_self(clause, actor)?;
    }
    Ok(concrete)
}

/// The handlers that are well formed, and whether the actor can do without the others.
fn handlers(block: &mut ItemImpl, actor: &Type, errors: &mut Errors) -> (Vec<Handler>, bool) {
    let mut handlers = Vec::new();
    let mut whole = true;
    let mut singles: HashMap<&str, Ident> = HashMap::new();
    for item in &mut block.items {
        let Some(mark) = attributes(item).and_then(|found| attribute::take(found, errors)) else {
            continue;
        };
        let kind = mark.kind;
        let ImplItem::Fn(method) = item else {
            say_no_method(&mark, errors);
            continue;
        };
        if kind.is_single()
            && let Some(first) = singles.insert(kind.word(), method.sig.ident.clone())
        {
            say_second(&mark, &first, errors);
            whole &= kind != Kind::Init;
            continue;
        }
        match signature::read(mark, method, actor, errors) {
            Some(handler) => handlers.push(handler),
            None => whole &= kind != Kind::Init,
        }
    }
    check_variants(&mut handlers, actor, errors);
    (handlers, whole)
}

fn say_no_method(mark: &Mark, errors: &mut Errors) {
    let word = mark.kind.word();
    errors.say(
        &mark.attribute,
        format!("`#[{word}]` marks a method that handles something: put it on a `fn`"),
    );
}

fn say_second(mark: &Mark, first: &Ident, errors: &mut Errors) {
    let word = mark.kind.word();
    errors.say(
        &mark.attribute,
        format!(
            "an actor has one `#[{word}]` method, and `{first}` is marked already. Let that one \
             do both"
        ),
    );
}

/// Two methods may differ where their variants do not: `a_b` and `a__b`. The second one goes.
fn check_variants(handlers: &mut Vec<Handler>, actor: &Type, errors: &mut Errors) {
    let mut seen: HashMap<String, Ident> = HashMap::new();
    handlers.retain(|handler| {
        let (name, variant) = (&handler.name, handler.variant_name().to_string());
        if !handler.kind.is_event() {
            return true;
        }
        let Some(first) = seen.insert(variant.clone(), name.clone()) else {
            return true;
        };
        let actor = tidy(&quote::quote!(#actor).to_string());
        errors.say(
            name,
            format!(
                "`{first}` and `{name}` would both be the variant `{variant}` of the messages of \
                 `{actor}`: rename one of them"
            ),
        );
        false
    });
}

fn attributes(item: &mut ImplItem) -> Option<&mut Vec<syn::Attribute>> {
    match item {
        ImplItem::Fn(item) => Some(&mut item.attrs),
        ImplItem::Const(item) => Some(&mut item.attrs),
        ImplItem::Type(item) => Some(&mut item.attrs),
        ImplItem::Macro(item) => Some(&mut item.attrs),
        _ => None,
    }
}
