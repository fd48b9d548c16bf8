//! What does `#[protocol]` make of a trait?
//!
//! Role       The messages of a trait's methods, for every actor that implements it; and the client
//!            that a `Ref<dyn Shape>` derefs to.
//! Inputs     The attribute's words and the user's trait.
//! Outputs    The trait, fit for `dyn`, its mistakes, and the generated protocol.
//! Invariant  The trait is always part of the output. Its methods stay methods: a type that is no
//!            actor may implement it too, unless one of them takes the context.
//!
//! A handler is read as if it stood in the block of an actor of type `__A`: that parameter is what
//! the generated implementations are for.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::visit::Visit;
use syn::{
    Generics, Ident, ImplItemFn, Item, ItemTrait, Path, ReturnType, TraitItem, TraitItemFn, Type,
    TypeParamBound, Visibility, WherePredicate, parse_quote, parse2,
};

use super::client::reply_type;
use super::model::{Handler, Kind, Model};
use super::{attribute, invoke, messages, signature, support, types};
use crate::errors::Errors;
use crate::krate;

/// Expands `#[protocol] item`.
pub(crate) fn expand(words: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = match parse2::<Item>(item.clone()) {
        Ok(Item::Trait(item)) => item,
        Ok(other) => return refused(&quote!(#other), &on_no_trait(&other)),
        Err(error) => return refused(&item, &error),
    };
    let mut errors = Errors::default();
    let library = library(words, &mut errors);
    let fits = check_trait(&item, &mut errors);
    let handlers = handlers(&mut item, &mut errors);
    let protocol = fits.then(|| {
        let model = Model {
            library: krate::macro_path(library.as_ref()),
            actor: parse_quote!(__A),
            name: item.ident.clone(),
            generics: Generics::default(),
            version: 1,
            debug: None,
            mailbox: None,
            handlers,
            protocol: Some(item.ident.clone()),
            protocols: Vec::new(),
        };
        generate(&model, &item.vis)
    });
    let errors = errors.into_tokens();
    quote!(#item #errors #protocol)
}

fn refused(item: &TokenStream, error: &syn::Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#item #error)
}

fn on_no_trait(item: &Item) -> syn::Error {
    let advice = match item {
        Item::Impl(_) => {
            "`#[protocol]` goes on the trait. An actor implements it as any trait, and says so on \
             its own block: `#[actor(protocol(Shape))] impl Circle { .. }`"
        }
        _ => {
            "`#[protocol]` goes on a trait: its methods are what actors of several kinds can be \
             asked alike"
        }
    };
    syn::Error::new_spanned(item, advice)
}

fn library(words: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut library = None;
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("crate") {
            library = Some(meta.value()?.parse()?);
            return Ok(());
        }
        Err(meta.error("`#[protocol]` does not know this word: it takes `crate = path`"))
    });
    if let Err(error) = syn::parse::Parser::parse2(parser, words) {
        errors.push(error);
    }
    library
}

/// Whether `dyn Shape` can be one thing that references lead to.
fn check_trait(item: &ItemTrait, errors: &mut Errors) -> bool {
    let before = errors.count();
    if !item.generics.params.is_empty() {
        errors.say(
            &item.generics,
            "a protocol cannot have parameters: its messages are the same for everybody who \
             speaks it. Write one protocol per type",
        );
    }
    if let Some(keyword) = &item.unsafety {
        errors.say(
            keyword,
            "a protocol cannot be `unsafe`: whoever sends a message cannot vouch for it",
        );
    }
    for item in &item.items {
        check_item(item, errors);
    }
    errors.count() == before
}

/// Whether a trait object can have it: what is no message is left alone, but not everything fits.
fn check_item(item: &TraitItem, errors: &mut Errors) {
    match item {
        TraitItem::Type(item) if !is_of_sized(&item.generics) => errors.say(
            item,
            "a protocol cannot have associated types: a reference to whoever speaks it does not \
             know whose they are. Write the type itself",
        ),
        TraitItem::Const(item) => errors.say(
            item,
            "a protocol cannot have constants: a reference to whoever speaks it does not know \
             whose they are. Write a method",
        ),
        TraitItem::Fn(method) if !attribute::is_marked(&method.attrs) => {
            let signature = &method.sig;
            let types = signature.generics.type_params().next();
            let stands_against =
                signature.asyncness.is_some() || types.is_some() || signature.receiver().is_none();
            if stands_against && !is_of_sized(&signature.generics) {
                errors.say(
                    &signature.ident,
                    "a reference to whoever speaks the protocol cannot have this method: it is \
                     `async`, generic or without `self`. Mark it with `#[call]` or `#[cast]`, or \
                     add `where Self: Sized`",
                );
            }
        }
        _ => {}
    }
}

/// Whether it says `where Self: Sized`.
fn is_of_sized(generics: &Generics) -> bool {
    let predicates = generics
        .where_clause
        .iter()
        .flat_map(|clause| &clause.predicates);
    predicates.into_iter().any(|predicate| {
        let WherePredicate::Type(predicate) = predicate else {
            return false;
        };
        let bounds = predicate.bounds.iter();
        types::ends_in(&predicate.bounded_ty, "Self")
            && bounds.into_iter().any(|bound| {
                matches!(bound, TypeParamBound::Trait(bound)
                    if bound.path.segments.last().is_some_and(|last| last.ident == "Sized"))
            })
    })
}

/// The marked methods that are well formed. Each is made fit for a trait object.
fn handlers(item: &mut ItemTrait, errors: &mut Errors) -> Vec<Handler> {
    let mut handlers = Vec::new();
    let library = krate::macro_path(None);
    for item in &mut item.items {
        let TraitItem::Fn(method) = item else {
            continue;
        };
        let Some(mark) = attribute::take(&mut method.attrs, errors) else {
            continue;
        };
        if !mark.kind.is_sent() {
            errors.say(
                &mark.attribute,
                format!(
                    "a protocol is what others can ask: `#[call]` and `#[cast]`. `#[{}]` belongs \
                     to the actor's own block",
                    mark.kind.word()
                ),
            );
            continue;
        }
        let mut read = as_method(method);
        let handler = signature::read(mark, &mut read, &parse_quote!(__A), errors);
        (method.attrs, method.sig) = (read.attrs, read.sig);
        fit(method, handler.as_ref(), &library);
        handlers.extend(handler.filter(|handler| check_same(handler, errors)));
    }
    handlers
}

fn as_method(method: &TraitItemFn) -> ImplItemFn {
    ImplItemFn {
        attrs: method.attrs.clone(),
        vis: Visibility::Inherited,
        defaultness: None,
        sig: method.sig.clone(),
        block: parse_quote!({}),
    }
}

/// Whether the message is the same for every actor.
fn check_same(handler: &Handler, errors: &mut Errors) -> bool {
    let values = handler.values().map(|param| &param.ty);
    let own = values.chain(&handler.output).find(|ty| mentions(ty, "__A"));
    if let Some(ty) = own {
        errors.say(
            ty,
            "a message of a protocol is the same for every actor that speaks it, so it cannot \
             mention `Self`",
        );
    }
    own.is_none()
}

fn mentions(ty: &Type, name: &str) -> bool {
    struct Finder<'n>(&'n str, bool);
    impl Visit<'_> for Finder<'_> {
        fn visit_ident(&mut self, ident: &Ident) {
            self.1 |= ident == self.0;
        }
    }
    let mut finder = Finder(name, false);
    finder.visit_type(ty);
    finder.1
}

/// A method that a trait object does not have, so that nothing in it stands against one; and a
/// future that may change threads.
fn fit(method: &mut TraitItemFn, handler: Option<&Handler>, library: &TokenStream) {
    let clause = method.sig.generics.make_where_clause();
    clause
        .predicates
        .push(parse_quote!(Self: ::core::marker::Sized));
    if handler.is_some_and(Handler::takes_cx) {
        clause.predicates.push(parse_quote!(Self: #library::Actor));
    }
    if method.sig.asyncness.take().is_some() {
        let output = types::output(&method.sig.output).cloned();
        let output = output.unwrap_or_else(|| parse_quote!(()));
        method.sig.output = ReturnType::Type(
            Default::default(),
            Box::new(parse_quote! {
                impl ::core::future::Future<Output = #output> + ::core::marker::Send
            }),
        );
        if let Some(body) = &method.default {
            method.default = Some(parse_quote!({ async move #body }));
        }
    }
}

fn generate(model: &Model, vis: &Visibility) -> TokenStream {
    let Model { library, name, .. } = model;
    let client = model.client_name();
    let docs = format!("What a `Ref<dyn {name}>` can ask: a method for each call and each cast.");
    let support = support::support(model);
    let carriers = model
        .sent()
        .map(|handler| messages::carrier(model, handler));
    let spoken = model.sent().map(|handler| spoken(model, handler));
    let methods = model.sent().map(|handler| method(model, handler, vis));
    let entries = model.sent().map(|handler| entry(model, handler));
    let client_traits = client_traits(model);
    let tags = messages::tags(model);
    quote! {
        #[doc = #docs]
        #[allow(private_interfaces, unreachable_pub)]
        #vis struct #client(#library::Address<dyn #name>);

        #[doc(hidden)]
        #[allow(
            clippy::all,
            clippy::nursery,
            clippy::pedantic,
            dead_code,
            deprecated,
            non_camel_case_types,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            unused_mut,
            unused_qualifications,
            unused_variables
        )]
        const _: () = {
            #support
            #(#carriers)*
            #(#spoken)*

            impl #client {
                #(#methods)*
            }

            #client_traits

            #[automatically_derived]
            impl #library::Addressed for dyn #name {
                type Client = #client;
                const TAGS: &'static [#library::Tag] = &#tags;
            }

            #[automatically_derived]
            impl<__A: #library::Actor + #name> #library::Protocol<__A> for dyn #name {
                fn methods() -> &'static [#library::Method<__A>] {
                    const { &[#(#entries),*] }
                }
            }
        };
    }
}

/// What every client has.
fn client_traits(model: &Model) -> TokenStream {
    let Model { library, name, .. } = model;
    let client = model.client_name();
    let client_name = client.to_string();
    quote! {
        #[automatically_derived]
        impl #library::Client for #client {
            type Actor = dyn #name;

            fn from_address(address: #library::Address<dyn #name>) -> Self {
                Self(address)
            }

            fn address(&self) -> &#library::Address<dyn #name> {
                &self.0
            }
        }

        #[automatically_derived]
        impl ::core::clone::Clone for #client {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Debug for #client {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(#client_name).field(&self.0).finish()
            }
        }
    }
}

/// The message's traits: what it is, and how any actor that implements the trait handles it.
fn spoken(model: &Model, handler: &Handler) -> TokenStream {
    let Model { library, name, .. } = model;
    let message = handler.message_name();
    let conditions = &handler.conditions;
    let constants = messages::constants(model, handler);
    let (locals, unpacked) = messages::unpacked(handler);
    match handler.kind {
        Kind::Call => {
            let reply = reply_type(handler);
            let reply_codec = messages::reply_codec(model, handler);
            let handled = invoke::answered(model, handler, &locals);
            quote! {
                #(#conditions)*
                #[automatically_derived]
                impl #library::ProtocolRequest for #message {
                    type Reply = #reply;
                    const REPLY_CODEC: #library::Codec<Self::Reply> = #reply_codec;
                    #constants
                }

                #(#conditions)*
                #[automatically_derived]
                impl<__A: #library::Actor + #name> #library::RequestTo<__A> for #message {
                    fn handle<'a>(
                        self,
                        __actor: &'a mut __A,
                        __cx: &'a mut #library::Cx<__A>,
                        __reply: #library::ReplyTo<<Self as #library::ProtocolRequest>::Reply>,
                    ) -> #library::Handled<'a> {
                        #unpacked
                        #handled
                    }
                }
            }
        }
        _ => {
            let handled = invoke::handled(model, handler, &locals);
            quote! {
                #(#conditions)*
                #[automatically_derived]
                impl #library::ProtocolCast for #message {
                    #constants
                }

                #(#conditions)*
                #[automatically_derived]
                impl<__A: #library::Actor + #name> #library::CastTo<__A> for #message {
                    fn handle<'a>(
                        self,
                        __actor: &'a mut __A,
                        __cx: &'a mut #library::Cx<__A>,
                    ) -> #library::Handled<'a> {
                        #unpacked
                        #handled
                    }
                }
            }
        }
    }
}

/// One call or cast, as the sender sees it.
fn method(model: &Model, handler: &Handler, vis: &Visibility) -> TokenStream {
    let library = &model.library;
    let Handler {
        name,
        docs,
        conditions,
        warnings,
        ..
    } = handler;
    let args = handler.values().map(|param| &param.name);
    let types = handler.values().map(|param| &param.ty);
    let values = handler.values().map(|param| &param.name);
    let message = handler.message_name();
    let (send, output) = match handler.kind {
        Kind::Call => {
            let reply = reply_type(handler);
            (
                format_ident!("protocol_call"),
                quote!(#library::Call<#reply>),
            )
        }
        _ => (
            format_ident!("protocol_cast"),
            quote!(::core::result::Result<(), #library::SendError>),
        ),
    };
    quote! {
        #(#docs)*
        #(#conditions)*
        #(#warnings)*
        #vis fn #name(&self, #(#args: #types),*) -> #output {
            #library::Address::#send(&self.0, #message(#(#values,)*))
        }
    }
}

fn entry(model: &Model, handler: &Handler) -> TokenStream {
    let library = &model.library;
    let (conditions, message) = (&handler.conditions, handler.message_name());
    let made = match handler.kind {
        Kind::Call => format_ident!("protocol_call"),
        _ => format_ident!("protocol_cast"),
    };
    quote!(#(#conditions)* #library::Method::<__A>::#made::<#message>())
}
