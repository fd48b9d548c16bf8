//! What does generated code need that neither std nor the user has?
//!
//! Role       Writes the few private items that one actor's expansion shares.
//! Inputs     Which of them the handlers use.
//! Outputs    Items for the hidden block; nothing that is not used.
//! Invariant  A condition that the user may miss stands where only one obligation depends on it, so
//!            that rustc says each mistake once: no helper returns a type that repeats it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Handler, Model};

/// The items that this actor needs.
pub(super) fn support(model: &Model) -> TokenStream {
    let any = |condition: fn(&Handler) -> bool| model.handlers.iter().any(condition);
    let parts = [
        any(Handler::answers_later).then(|| answering(model)),
        any(Handler::starts_later).then(|| starting(model)),
        any(Handler::takes_cx).then(|| context(model)),
        any(|handler| handler.reply().is_some()).then(|| reply_place(model)),
        any(|handler| handler.portable).then(|| portable(model)),
        any(|handler| handler.portable).then(|| arguments(model)),
    ];
    parts.into_iter().flatten().collect()
}

/// The answer of an async handler.
fn answering(model: &Model) -> TokenStream {
    let library = &model.library;
    quote! {
        fn __answering<'a, R, F>(
            what: &'static str,
            arguments: ::core::option::Option<::std::string::String>,
            future: F,
            reply: #library::ReplyTo<R>,
        ) -> #library::Handled<'a>
        where
            R: ::core::marker::Send + 'static,
            F: ::core::future::Future<Output = R> + ::core::marker::Send + 'a,
        {
            #library::Handled::asked(what, arguments, async move {
                #library::ReplyTo::send(reply, future.await);
            })
        }
    }
}

/// The start of an actor whose `#[init]` is async.
fn starting(model: &Model) -> TokenStream {
    let library = &model.library;
    let result = quote!(::core::result::Result<A, #library::Stop>);
    quote! {
        fn __starting<'a, A, R, F>(future: F, into_init: fn(R) -> #result) -> #library::Init<'a, A>
        where
            A: #library::Actor,
            R: 'a,
            F: ::core::future::Future<Output = R> + ::core::marker::Send + 'a,
        {
            #library::Init::later(async move { into_init(future.await) })
        }
    }
}

/// `&mut Cx<Self>`, or the news that it is something else.
fn context(model: &Model) -> TokenStream {
    let library = &model.library;
    let message = format!("`{{Self}}` is not the context of `{}`", model.name);
    quote! {
        #[diagnostic::on_unimplemented(
            message = #message,
            label = "taken for the actor's context because it is called `Cx` or marked `#[cx]`",
            note = "the context is `cx: &mut Cx<Self>`, with the `Cx` of this library; give a \
                    type of yours another name, if it is part of the message"
        )]
        trait __Context<A: #library::Actor> {
            fn lend<'a>(cx: &'a mut #library::Cx<A>) -> &'a mut Self;
        }
        impl<A: #library::Actor> __Context<A> for #library::Cx<A> {
            fn lend<'a>(cx: &'a mut #library::Cx<A>) -> &'a mut Self {
                cx
            }
        }
    }
}

/// `ReplyTo<R>`, or the news that it is something else.
fn reply_place(model: &Model) -> TokenStream {
    let library = &model.library;
    quote! {
        #[diagnostic::on_unimplemented(
            message = "`{Self}` is not a place to send an answer to",
            label = "taken for the caller because it is called `ReplyTo` or marked `#[reply]`",
            note = "the caller's place is `from: ReplyTo<R>`, with the `ReplyTo` of this library; \
                    give a type of yours another name, if it is part of the message"
        )]
        trait __ReplyPlace<R>: ::core::marker::Sized {
            fn give(reply: #library::ReplyTo<R>) -> Self;
        }
        impl<R> __ReplyPlace<R> for #library::ReplyTo<R> {
            fn give(reply: #library::ReplyTo<R>) -> Self {
                reply
            }
        }
        trait __Answered {
            type Answer;
        }
        impl<R> __Answered for #library::ReplyTo<R> {
            type Answer = R;
        }
    }
}

/// What may travel, said in the words of the method that wants it to.
fn portable(model: &Model) -> TokenStream {
    let library = &model.library;
    // For a parameter of the actor, rustc proposes a bound: the library's, then, and not this one.
    let generic = model.generics.type_params().next().is_some();
    let quiet = (!generic).then(|| quote!(#[diagnostic::do_not_recommend]));
    let serde = quote!(#library::serde);
    quote! {
        #[diagnostic::on_unimplemented(
            message = "`{Self}` cannot travel to another node",
            label = "this type cannot be sent between nodes",
            note = "derive `serde::Serialize` and `serde::Deserialize` for it; or, if the message \
                    never leaves its node, mark the method `#[call(local)]` or `#[cast(local)]`"
        )]
        trait __Portable: ::core::marker::Sized {
            const CODEC: #library::Codec<Self>;
            fn put<S: #serde::ser::SerializeTuple>(
                &self,
                to: &mut S,
            ) -> ::core::result::Result<(), S::Error>;
            fn take<'de, S: #serde::de::SeqAccess<'de>>(
                index: usize,
                from: &mut S,
            ) -> ::core::result::Result<Self, S::Error>;
        }
        #quiet
        impl<T: #library::Portable> __Portable for T {
            const CODEC: #library::Codec<T> = #library::Codec::<T>::portable();
            fn put<S: #serde::ser::SerializeTuple>(
                &self,
                to: &mut S,
            ) -> ::core::result::Result<(), S::Error> {
                #serde::ser::SerializeTuple::serialize_element(to, self)
            }
            fn take<'de, S: #serde::de::SeqAccess<'de>>(
                index: usize,
                from: &mut S,
            ) -> ::core::result::Result<T, S::Error> {
                match #serde::de::SeqAccess::next_element(from)? {
                    ::core::option::Option::Some(value) => ::core::result::Result::Ok(value),
                    ::core::option::Option::None => ::core::result::Result::Err(
                        #serde::de::Error::invalid_length(index, &"every argument of the method"),
                    ),
                }
            }
        }
    }
}

/// The arguments of a method, read from a sequence.
fn arguments(model: &Model) -> TokenStream {
    let library = &model.library;
    let serde = quote!(#library::serde);
    quote! {
        trait __Arguments: ::core::marker::Sized {
            const EXPECTED: &'static str;
            fn taken<'de, S: #serde::de::SeqAccess<'de>>(
                from: &mut S,
            ) -> ::core::result::Result<Self, S::Error>;
        }
        struct __Visitor<M>(::core::marker::PhantomData<fn() -> M>);
        impl<'de, M: __Arguments> #serde::de::Visitor<'de> for __Visitor<M> {
            type Value = M;
            fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(M::EXPECTED)
            }
            fn visit_seq<S: #serde::de::SeqAccess<'de>>(
                self,
                mut from: S,
            ) -> ::core::result::Result<M, S::Error> {
                M::taken(&mut from)
            }
        }
    }
}
