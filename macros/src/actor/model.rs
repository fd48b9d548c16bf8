//! What is known about an actor once its `impl` block has been read?
//!
//! Role       The nouns between reading and writing: an actor, its handlers, their parameters.
//! Inputs     Filled by `parse` and `signature`.
//! Outputs    Questions that the writers ask, answered in one place.
//! Invariant  No type in here mentions `Self`, and every handler is well formed.

use super::mailbox::MailboxChoice;
use super::options::Debug;
use crate::krate::at;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned as _;
use syn::{Attribute, Generics, LitStr, Path, Type, Visibility, WhereClause, parse_quote_spanned};

/// An actor: the type behind the `impl` block and what it handles.
pub(super) struct Model {
    /// The path of the library's `__macro` module.
    pub(super) library: TokenStream,
    /// `Cache<T>`.
    pub(super) actor: Type,
    /// `Cache`.
    pub(super) name: Ident,
    /// Parameters and `where` clause of the `impl` block.
    pub(super) generics: Generics,
    /// The version of the state.
    pub(super) version: u32,
    /// What crash reports show of it.
    pub(super) debug: Option<Debug>,
    /// The kind of mailbox, if the user said one.
    pub(super) mailbox: Option<MailboxChoice>,
    /// In the order in which the user wrote them.
    pub(super) handlers: Vec<Handler>,
    /// The trait, if this is a protocol and no actor.
    pub(super) protocol: Option<Ident>,
    /// The protocols that the actor speaks.
    pub(super) protocols: Vec<Path>,
}

/// What a handler reacts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Cast,
    Init,
    Info,
    Exit,
    Down,
    Timeout,
    Continue,
    /// Of a state machine: an event that others cannot send.
    Internal,
    Terminate,
}

/// One method that carries an attribute of ours.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) kind: Kind,
    pub(super) name: Ident,
    pub(super) visibility: Visibility,
    /// The user's doc comment.
    pub(super) docs: Vec<Attribute>,
    /// `#[cfg]`: what is generated for the method exists exactly when the method does.
    pub(super) conditions: Vec<Attribute>,
    /// `#[deprecated]`, which callers should see.
    pub(super) warnings: Vec<Attribute>,
    /// The place of `async`, if the handler is one.
    pub(super) asynchronous: Option<Span>,
    /// In order, without the receiver.
    pub(super) params: Vec<Param>,
    /// Nothing for `()`.
    pub(super) output: Option<Type>,
    /// Whether its messages may travel to another node.
    pub(super) portable: bool,
    pub(super) tag: Option<LitStr>,
}

/// One parameter of a handler.
#[derive(Clone)]
pub(super) struct Param {
    pub(super) role: Role,
    /// What callers see; free of patterns.
    pub(super) name: Ident,
    /// For the context, the type behind the `&mut`.
    pub(super) ty: Type,
}

/// Who supplies a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The message.
    Value,
    /// The process.
    Cx,
    /// The caller, who waits.
    Reply,
}

impl Kind {
    /// As written in the attribute.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Call => "call",
            Kind::Cast => "cast",
            Kind::Init => "init",
            Kind::Info => "info",
            Kind::Exit => "exit",
            Kind::Down => "down",
            Kind::Timeout => "timeout",
            Kind::Continue => "continue_with",
            Kind::Internal => "internal",
            Kind::Terminate => "terminate",
        }
    }

    /// Whether others send it by a method of the client.
    pub(super) fn is_sent(self) -> bool {
        matches!(self, Kind::Call | Kind::Cast)
    }

    /// Whether it has a variant in the `…Msg` enum.
    pub(super) fn is_event(self) -> bool {
        matches!(self, Kind::Cast | Kind::Continue)
    }

    /// Whether an actor may have only one of it.
    pub(super) fn is_single(self) -> bool {
        !matches!(
            self,
            Kind::Call | Kind::Cast | Kind::Continue | Kind::Internal
        )
    }
}

impl Model {
    /// The handlers of one kind.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Handler> {
        self.handlers
            .iter()
            .filter(move |handler| handler.kind == kind)
    }

    /// Calls and casts.
    pub(super) fn sent(&self) -> impl Iterator<Item = &Handler> {
        self.handlers
            .iter()
            .filter(|handler| handler.kind.is_sent())
    }

    /// Casts and continuations.
    pub(super) fn events(&self) -> impl Iterator<Item = &Handler> {
        self.handlers
            .iter()
            .filter(|handler| handler.kind.is_event())
    }

    /// Whether crash reports show the arguments of this handler.
    pub(super) fn shows_arguments(&self, handler: &Handler) -> bool {
        let wanted = self.debug.as_ref().is_some_and(|debug| debug.arguments);
        let sent = handler.kind.is_sent() || handler.kind.is_event();
        wanted && sent && handler.values().next().is_some()
    }

    /// `CounterClient`.
    pub(super) fn client_name(&self) -> Ident {
        format_ident!("{}Client", self.name)
    }

    /// `CounterMsg`.
    pub(super) fn events_name(&self) -> Ident {
        format_ident!("{}Msg", self.name)
    }

    /// Where the actor is one. A state that cannot change threads would break half a dozen of the
    /// library's bounds; asked for here, it is one mistake at one place.
    pub(super) fn conditions(&self) -> Option<WhereClause> {
        let mut generics = self.generics.clone();
        if generics.params.is_empty() {
            let actor = &self.actor;
            let sendable =
                parse_quote_spanned!(at(actor.span())=> #actor: ::core::marker::Send + 'static);
            generics.make_where_clause().predicates.push(sendable);
        }
        generics.where_clause
    }

    /// `PhantomData<fn() -> (T, U,)>`, which keeps every parameter in use and nothing else.
    pub(super) fn marker(&self) -> Option<TokenStream> {
        let params: Vec<_> = self
            .generics
            .type_params()
            .map(|param| &param.ident)
            .collect();
        (!params.is_empty()).then(|| quote!(::core::marker::PhantomData<fn() -> (#(#params,)*)>))
    }

    /// The value of [`Model::marker`].
    pub(super) fn marker_value(&self) -> Option<TokenStream> {
        self.marker().map(|_| quote!(::core::marker::PhantomData))
    }
}

impl Handler {
    /// What the message carries.
    pub(super) fn values(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.role == Role::Value)
    }

    /// The caller's place, if the handler answers by hand.
    pub(super) fn reply(&self) -> Option<&Param> {
        self.params.iter().find(|param| param.role == Role::Reply)
    }

    /// `Counter::add`, as people read it.
    pub(super) fn title(&self, model: &Model) -> String {
        format!("{}::{}", plain(&model.name), self.plain_name())
    }

    /// Whether a caller gets the result of its future.
    pub(super) fn answers_later(&self) -> bool {
        self.kind == Kind::Call && self.asynchronous.is_some() && self.reply().is_none()
    }

    /// Whether the state comes from its future.
    pub(super) fn starts_later(&self) -> bool {
        self.kind == Kind::Init && self.asynchronous.is_some()
    }

    /// Whether it is given the context.
    pub(super) fn takes_cx(&self) -> bool {
        self.params.iter().any(|param| param.role == Role::Cx)
    }

    /// The hidden struct that carries the arguments of a call or a cast. It seems to stand where
    /// the method does, so that rustc points there when the arguments cannot be sent. No variable of
    /// ours ends like it: a method may well be called `reply` or `state`.
    pub(super) fn message_name(&self) -> Ident {
        let name = self.plain_name();
        format_ident!("__{name}_", span = at(self.name.span()))
    }

    /// The variant of the `…Msg` enum.
    pub(super) fn variant_name(&self) -> Ident {
        format_ident!("{}", pascal(&self.plain_name()), span = self.name.span())
    }

    /// The method's name without `r#`.
    pub(super) fn plain_name(&self) -> String {
        plain(&self.name)
    }

    /// Fresh names, one for each value.
    pub(super) fn locals(&self) -> Vec<Ident> {
        (0..self.values().count())
            .map(|index| format_ident!("__value{index}", span = Span::mixed_site()))
            .collect()
    }
}

/// An identifier without `r#`.
pub(super) fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

/// `send_line` becomes `SendLine`.
pub(super) fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters).collect::<Vec<_>>()
        })
        .collect()
}
