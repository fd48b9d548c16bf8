//! Can this method handle what its attribute promises?
//!
//! Role       Reads a marked method into a [`Handler`].
//! Inputs     The mark and the method; its parameters lose `#[cx]` and `#[reply]`.
//! Outputs    The handler, or mistakes that say what to write instead.
//! Invariant  A method with a mistake yields no handler.

use quote::format_ident;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, ImplItemFn, Pat, PatType, Receiver, Type, parse_quote};

use super::attribute::Mark;
use super::model::{Handler, Kind, Param, Role, plain};
use super::substitute::name_self;
use super::types::{self, Place, ends_in};
use crate::errors::Errors;

/// The verbs that every `Ref` has, and what std's prelude gives it. A handler of that name could
/// be called on the state, but never through a `Ref`.
const TAKEN: [&str; 19] = [
    "address",
    "at",
    "client",
    "clone",
    "clone_from",
    "eq",
    "find",
    "from_address",
    "into",
    "is_alive",
    "name",
    "ne",
    "node",
    "over",
    "pid",
    "protocol",
    "ready",
    "to_owned",
    "try_into",
];

/// Reads a method that carries one of our attributes.
pub(super) fn read(
    mark: Mark,
    method: &mut ImplItemFn,
    actor: &Type,
    errors: &mut Errors,
) -> Option<Handler> {
    let before = errors.count();
    check_form(&mark, method, errors);
    check_name(&mark, method, errors);
    check_receiver(&mark, method, errors);
    let params = read_params(&mark, method, actor, errors);
    check_params(&mark, method, &params, errors);
    let output = read_output(&mark, method, actor, &params, errors);
    // What `#[actor]` demands, clippy's pedantic group would advise against.
    method.attrs.push(parse_quote! {
        #[allow(
            clippy::large_types_passed_by_value,
            clippy::needless_pass_by_value,
            clippy::unused_self
        )]
    });
    (errors.count() == before).then(|| Handler {
        kind: mark.kind,
        name: method.sig.ident.clone(),
        visibility: method.vis.clone(),
        docs: attributes(method, "doc"),
        conditions: attributes(method, "cfg"),
        warnings: attributes(method, "deprecated"),
        asynchronous: method.sig.asyncness.map(|word| word.span()),
        params,
        output,
        portable: mark.kind.is_sent() && !mark.local,
        tag: mark.tag,
    })
}

fn attributes(method: &ImplItemFn, word: &str) -> Vec<Attribute> {
    method
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident(word))
        .cloned()
        .collect()
}

/// What no handler may be, whatever it handles.
fn check_form(mark: &Mark, method: &ImplItemFn, errors: &mut Errors) {
    let (word, signature) = (mark.kind.word(), &method.sig);
    if !signature.generics.params.is_empty() {
        errors.say(
            &signature.generics,
            format!(
                "a `#[{word}]` method cannot have generic parameters: a message in a mailbox has \
                 one type. Put the parameter on the actor (`impl<T> Cache<T>`), or write one \
                 method per type"
            ),
        );
    }
    if let Some(keyword) = &signature.unsafety {
        errors.say(
            keyword,
            format!(
                "a `#[{word}]` method cannot be `unsafe`: whoever sends the message cannot \
                 vouch for it. Write a safe method that upholds the conditions itself"
            ),
        );
    }
    if let Some(abi) = &signature.abi {
        errors.say(
            abi,
            format!("a `#[{word}]` method is an ordinary Rust `fn`, without `extern`"),
        );
    }
    if mark.kind == Kind::Init
        && let Some(condition) = attributes(method, "cfg").first()
    {
        errors.say(
            condition,
            "`#[init]` cannot depend on `#[cfg]`, because it decides what the actor is started \
             with. Put the `#[cfg]` on statements inside it",
        );
    }
}

fn check_name(mark: &Mark, method: &ImplItemFn, errors: &mut Errors) {
    let name = plain(&method.sig.ident);
    if mark.kind.is_sent() && mark.sent && TAKEN.contains(&name.as_str()) {
        errors.say(
            &method.sig.ident,
            format!(
                "every `Ref` has a method `{name}` of its own, which would be called instead of \
                 this one. Choose another name, such as `{}`",
                alternative(&name)
            ),
        );
    }
}

fn alternative(name: &str) -> String {
    match name {
        "clone" | "clone_from" | "to_owned" | "into" | "try_into" => "copy_of".to_owned(),
        "is_alive" | "over" | "ready" => format!("{name}_now"),
        "eq" | "ne" => "is_same".to_owned(),
        "at" => "item_at".to_owned(),
        other => format!("get_{other}"),
    }
}

fn check_receiver(mark: &Mark, method: &ImplItemFn, errors: &mut Errors) {
    let word = mark.kind.word();
    match (method.sig.receiver(), mark.kind) {
        (Some(receiver), Kind::Init) => errors.say(
            receiver,
            "`#[init]` makes the state, so there is no `self` yet. Take what it needs as \
             parameters and return `Self`",
        ),
        (None, Kind::Init) => {}
        (Some(receiver), _) if is_lent(receiver) => {}
        (Some(receiver), _) => errors.say(
            receiver,
            format!(
                "a `#[{word}]` method cannot take the state away: the actor lives on after it. \
                 Write `&self` or `&mut self`"
            ),
        ),
        (None, _) => errors.say(
            &method.sig.ident,
            format!(
                "a `#[{word}]` method works on the actor's state. Give it `&self` or \
                 `&mut self` as its first parameter"
            ),
        ),
    }
}

/// `&self`, `&mut self`, or one of them spelled out.
fn is_lent(receiver: &Receiver) -> bool {
    match &*receiver.ty {
        Type::Reference(reference) => {
            reference.lifetime.is_none() && ends_in(&reference.elem, "Self")
        }
        _ => false,
    }
}

fn read_params(
    mark: &Mark,
    method: &mut ImplItemFn,
    actor: &Type,
    errors: &mut Errors,
) -> Vec<Param> {
    let mut params = Vec::new();
    for input in &mut method.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        let role = role(input, errors);
        let name = match &*input.pat {
            Pat::Ident(pattern) => pattern.ident.clone(),
            other => format_ident!("arg_{}", params.len(), span = other.span()),
        };
        let Some(ty) = param_type(mark, role, input, errors) else {
            continue;
        };
        match name_self(ty, actor) {
            Ok(ty) => params.push(Param { role, name, ty }),
            Err(error) => errors.push(error),
        }
    }
    params
}

/// By its attribute, which goes away, or else by the name of its type.
fn role(input: &mut PatType, errors: &mut Errors) -> Role {
    let mut chosen = None;
    input.attrs.retain(|attribute| {
        let role = match () {
            () if attribute.path().is_ident("cx") => Role::Cx,
            () if attribute.path().is_ident("reply") => Role::Reply,
            () => return true,
        };
        if chosen.replace(role).is_some_and(|other| other != role) {
            errors.say(
                attribute,
                "a parameter is either `#[cx]` or `#[reply]`, not both",
            );
        }
        false
    });
    chosen.unwrap_or_else(|| match &*input.ty {
        ty if ends_in(ty, "Cx") => Role::Cx,
        ty if ends_in(ty, "ReplyTo") => Role::Reply,
        _ => Role::Value,
    })
}

/// The part of a parameter's type that matters for its role.
fn param_type<'a>(
    mark: &Mark,
    role: Role,
    input: &'a PatType,
    errors: &mut Errors,
) -> Option<&'a Type> {
    let ty = types::peeled(&input.ty);
    match (role, ty) {
        (Role::Cx, Type::Reference(reference)) if reference.mutability.is_some() => {
            return Some(&reference.elem);
        }
        (Role::Cx, _) => {
            errors.say(
                ty,
                "the context is lent to the handler: write `cx: &mut Cx<Self>`",
            );
            return None;
        }
        (Role::Reply, Type::Reference(_)) => {
            errors.say(
                ty,
                "the handler owns the caller's place: write `from: ReplyTo<R>`, without `&`",
            );
            return None;
        }
        (Role::Value, Type::Reference(reference)) if mark.kind == Kind::Terminate => {
            return Some(&reference.elem);
        }
        (Role::Value, _) => types::check(ty, Place::Argument, errors),
        (Role::Reply, _) => {}
    }
    Some(ty)
}

fn check_params(mark: &Mark, method: &ImplItemFn, params: &[Param], errors: &mut Errors) {
    let word = mark.kind.word();
    let of_role = |role| params.iter().filter(move |param| param.role == role);
    if let Some(second) = of_role(Role::Cx).nth(1) {
        errors.say(
            &second.name,
            "the context is already a parameter of this handler",
        );
    }
    if let Some(second) = of_role(Role::Reply).nth(1) {
        errors.say(
            &second.name,
            "one call has one caller: this handler has a `ReplyTo` already",
        );
    }
    if mark.kind != Kind::Call
        && let Some(reply) = of_role(Role::Reply).next()
    {
        errors.say(
            &reply.ty,
            format!(
                "nobody waits for an answer to `#[{word}]`, so there is no `ReplyTo`. Mark the \
                 method `#[call]` if the sender should wait"
            ),
        );
    }
    let (most, example) = match mark.kind {
        Kind::Call | Kind::Cast | Kind::Init | Kind::Continue | Kind::Internal => return,
        Kind::Timeout => (0, "&mut self"),
        Kind::Info => (1, "&mut self, info: Info"),
        Kind::Exit => (1, "&mut self, exit: Exit"),
        Kind::Down => (1, "&mut self, down: Down"),
        Kind::Terminate => (1, "&mut self, why: &Reason"),
    };
    if of_role(Role::Value).count() > most {
        let name = &method.sig.ident;
        errors.say(
            &method.sig.inputs,
            format!(
                "`#[{word}]` gets nothing more than `fn {name}({example})`, and \
                 `cx: &mut Cx<Self>` if it asks for it"
            ),
        );
    }
}

fn read_output(
    mark: &Mark,
    method: &ImplItemFn,
    actor: &Type,
    params: &[Param],
    errors: &mut Errors,
) -> Option<Type> {
    let word = mark.kind.word();
    let replies = params.iter().any(|param| param.role == Role::Reply);
    match (types::output(&method.sig.output), mark.kind) {
        (None, Kind::Init) => {
            errors.say(
                &method.sig.ident,
                "`#[init]` makes the state: let it return `Self`, or `Result<Self, Stop>` if it \
                 can fail",
            );
            None
        }
        (None, _) => None,
        (Some(ty), Kind::Call) if replies => {
            errors.say(
                ty,
                "this handler answers through its `ReplyTo`, so it returns nothing. Remove the \
                 return type, or the `ReplyTo`",
            );
            None
        }
        (Some(ty), Kind::Call | Kind::Init) => {
            types::check(ty, Place::Result, errors);
            name_self(ty, actor)
                .map_err(|error| errors.push(error))
                .ok()
        }
        (Some(ty), Kind::Cast) => {
            errors.say(
                ty,
                "nobody waits for the result of a `#[cast]`. Mark the method `#[call]` if the \
                 sender should get it, or remove the return type",
            );
            None
        }
        (Some(ty), _) => {
            errors.say(
                ty,
                format!(
                    "nobody waits for the result of `#[{word}]`: remove the return type. To end \
                     the process, take `cx: &mut Cx<Self>` and call `cx.stop(reason)`"
                ),
            );
            None
        }
    }
}
