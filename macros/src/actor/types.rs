//! May a value of this type wait in a mailbox?
//!
//! Role       Finds what a message cannot hold: borrowed data and types without a name.
//! Inputs     The types of parameters and results.
//! Outputs    Mistakes, each at the part of the type that holds it.
//! Absent     Whether it is `Send` or can travel: rustc knows, we do not.

use syn::visit::{self, Visit};
use syn::{
    GenericArgument, Lifetime, ParenthesizedGenericArguments, PathArguments, ReturnType, Type,
    TypeBareFn, TypeImplTrait, TypeReference, TypeTraitObject,
};

use crate::errors::Errors;

/// Where a type stands, which decides the advice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Argument,
    Result,
}

/// Says what in this type cannot be part of a message.
pub(super) fn check(ty: &Type, place: Place, errors: &mut Errors) {
    Check { place, errors }.visit_type(ty);
}

struct Check<'a> {
    place: Place,
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Check<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference.lifetime.as_ref().is_some_and(is_static) {
            return visit::visit_type_reference(self, reference);
        }
        let owned = owned(&reference.elem);
        self.errors.say(
            reference,
            match self.place {
                Place::Argument => format!(
                    "a message cannot borrow: it waits in a mailbox after the sender has moved on. \
                 Take {owned} by value"
                ),
                Place::Result => format!(
                    "an answer cannot borrow from the actor: it travels to another process. \
                 Return {owned} by value"
                ),
            },
        );
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if !is_static(lifetime) {
            self.errors.say(
                lifetime,
                "a message cannot borrow: it waits in a mailbox after its sender has moved on. \
                 Use a type that owns its data (or `'static`)",
            );
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.errors.say(
            ty,
            match self.place {
                Place::Argument => {
                    "`impl Trait` has no name, and a message needs one to be stored. Write the \
                 type itself, make the actor generic over it, or use `Box<dyn Trait + Send>`"
                }
                Place::Result => {
                    "`impl Trait` has no name, and an answer needs one to be sent. Write the type \
                 itself; for a handler that awaits, write `async fn`"
                }
            },
        );
    }

    // What a function or a trait object borrows is its own affair.
    fn visit_type_bare_fn(&mut self, _: &'ast TypeBareFn) {}
    fn visit_type_trait_object(&mut self, _: &'ast TypeTraitObject) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}

fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// What to write instead of a reference to this.
fn owned(borrowed: &Type) -> String {
    match borrowed {
        Type::Slice(slice) => {
            let item = &slice.elem;
            format!("`Vec<{}>`", tidy(&quote::quote!(#item).to_string()))
        }
        Type::Path(path) if path.path.is_ident("str") => "`String`".to_owned(),
        Type::Path(path) if path.path.is_ident("Path") => "`PathBuf`".to_owned(),
        other => {
            let other = tidy(&quote::quote!(#other).to_string());
            format!("`{other}` (or `Arc<{other}>`, if it is large and stays on one node)")
        }
    }
}

/// Tokens print with spaces that nobody would write.
pub(super) fn tidy(tokens: &str) -> String {
    [
        (" < ", "<"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" :: ", "::"),
    ]
    .iter()
    .fold(tokens.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The type inside parentheses, or inside the invisible ones that `macro_rules!` leaves.
pub(super) fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => peeled(&inner.elem),
        Type::Group(inner) => peeled(&inner.elem),
        other => other,
    }
}

/// The name at the end of a type's path, past references.
pub(super) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.last(),
        Type::Reference(reference) => last_segment(&reference.elem),
        _ => None,
    }
}

/// Whether the last segment is this word.
pub(super) fn ends_in(ty: &Type, word: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == word)
}

/// `R` of `ReplyTo<R>`.
pub(super) fn only_argument(ty: &Type) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) if arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

/// The type that a function returns, unless that is `()`.
pub(super) fn output(output: &ReturnType) -> Option<&Type> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => match &**ty {
            Type::Tuple(tuple) if tuple.elems.is_empty() => None,
            other => Some(other),
        },
    }
}
