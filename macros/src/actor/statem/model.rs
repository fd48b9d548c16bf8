//! What is known about a state machine once its `impl` block has been read?
//!
//! Role       The nouns between reading and writing: events, and the methods that react to them.
//! Invariant  Every event has one handler for a state at most.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Expr, Ident, Path, Type};

use super::super::model::{Handler, Kind, Model};

/// A state machine: an actor, and what its handlers depend on.
pub(super) struct Machine {
    /// Its calls and casts, its init and its end.
    pub(super) model: Model,
    /// The enum of its states.
    pub(super) states: Path,
    pub(super) postponed_max: Option<Expr>,
    /// In the order in which the user declared them; then info, exit and down.
    pub(super) events: Vec<Event>,
    /// What is done when a state is entered.
    pub(super) enters: Vec<Reaction>,
    /// What handles the events that nothing else does.
    pub(super) rest: Option<Reaction>,
    pub(super) init: Option<Reaction>,
    pub(super) terminate: Option<Reaction>,
}

/// Something that can happen, and what is done then.
pub(super) struct Event {
    pub(super) handler: Handler,
    pub(super) reactions: Vec<Reaction>,
    pub(super) postpone: Vec<Ident>,
    pub(super) ignore: Vec<Ident>,
}

/// A method that handles something in some states.
pub(super) struct Reaction {
    pub(super) name: Ident,
    /// All, if none is said.
    pub(super) states: Vec<Ident>,
    pub(super) conditions: Vec<Attribute>,
    /// The place of `async`, if it is one.
    pub(super) asynchronous: Option<Span>,
    pub(super) args: Vec<Arg>,
    pub(super) output: Option<Type>,
}

/// One parameter of a method, without the receiver.
pub(super) struct Arg {
    pub(super) role: Part,
    /// Without the reference, where it is lent.
    pub(super) ty: Type,
}

/// Who supplies a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The event carries it.
    Value,
    /// The caller, who waits.
    Reply,
    /// The process.
    Cx,
    /// The current state.
    State,
    /// The state before.
    Before,
    /// The whole event.
    Event,
    /// Why it ends.
    Reason,
}

impl Machine {
    /// The struct of the state with this name, beside the enum.
    pub(super) fn state(&self, name: &Ident) -> TokenStream {
        let mut path = self.states.clone();
        if let Some(last) = path.segments.last_mut() {
            last.ident = name.clone();
        }
        quote!(#path)
    }

    /// Where a reaction runs, as the context says it.
    pub(super) fn place(&self, states: &[Ident]) -> TokenStream {
        let library = &self.model.library;
        match states {
            [] => quote!(#library::Anywhere),
            [one] => self.state(one),
            many => {
                let states = many.iter().map(|state| self.state(state));
                quote!((#(#states,)*))
            }
        }
    }
}

impl Event {
    /// Whether somebody waits for an answer.
    pub(super) fn is_call(&self) -> bool {
        self.handler.kind == Kind::Call
    }

    /// Whether it is one of the program's own.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.handler.kind, Kind::Call | Kind::Cast | Kind::Internal)
    }
}

impl Reaction {
    /// Whether the event's `ReplyTo` is given to it.
    pub(super) fn replies(&self) -> bool {
        self.args.iter().any(|arg| arg.role == Part::Reply)
    }

    pub(super) fn cx(&self) -> Option<&Arg> {
        self.args.iter().find(|arg| arg.role == Part::Cx)
    }
}
