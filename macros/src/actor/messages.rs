//! What travels when a method of the client is called?
//!
//! Role       Writes one hidden struct per call and cast, with its traits.
//! Inputs     The model's calls and casts.
//! Outputs    A tuple struct of the arguments; `Request` or `Cast`; serde's traits if it travels.
//! Invariant  On the wire a message is the sequence of its arguments, without their names.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Index, parse_quote};

use super::client::reply_type;
use super::invoke;
use super::model::{Handler, Kind, Model, plain};

/// Every message of the actor.
pub(super) fn messages(model: &Model) -> TokenStream {
    model
        .sent()
        .map(|handler| message(model, handler))
        .collect()
}

fn message(model: &Model, handler: &Handler) -> TokenStream {
    let carrier = carrier(model, handler);
    let request = match handler.kind {
        Kind::Call => request(model, handler),
        _ => cast(model, handler),
    };
    quote!(#carrier #request)
}

/// The struct of the arguments, which travels if it may.
pub(super) fn carrier(model: &Model, handler: &Handler) -> TokenStream {
    let name = handler.message_name();
    let conditions = &handler.conditions;
    let types = handler.values().map(|param| &param.ty);
    let marker = model.marker();
    let generics = &model.generics;
    let clause = &generics.where_clause;
    let wire = handler.portable.then(|| wire(model, handler));
    let hand_over = hand_over(model, handler);
    quote! {
        #(#conditions)*
        struct #name #generics (#(#types,)* #marker) #clause;
        #hand_over
        #wire
    }
}

/// `Request`: somebody waits.
fn request(model: &Model, handler: &Handler) -> TokenStream {
    let Model { library, actor, .. } = model;
    let name = handler.message_name();
    let conditions = &handler.conditions;
    let (params, types, _) = model.generics.split_for_impl();
    let clause = model.conditions();
    let reply = reply_type(handler);
    let reply_codec = reply_codec(model, handler);
    let constants = constants(model, handler);
    let (locals, unpacked) = unpacked(handler);
    let handled = invoke::answered(model, handler, &locals);
    quote! {
        #(#conditions)*
        #[automatically_derived]
        impl #params #library::Request<#actor> for #name #types #clause {
            type Reply = #reply;
            const REPLY_CODEC: #library::Codec<Self::Reply> = #reply_codec;
            #constants
            fn handle<'a>(
                self,
                __actor: &'a mut #actor,
                __cx: &'a mut #library::Cx<#actor>,
                __reply: #library::ReplyTo<Self::Reply>,
            ) -> #library::Handled<'a> {
                #unpacked
                #handled
            }
        }
    }
}

/// `Cast`: nobody does.
fn cast(model: &Model, handler: &Handler) -> TokenStream {
    let Model { library, actor, .. } = model;
    let name = handler.message_name();
    let conditions = &handler.conditions;
    let (params, types, _) = model.generics.split_for_impl();
    let clause = model.conditions();
    let constants = constants(model, handler);
    let (locals, unpacked) = unpacked(handler);
    let handled = invoke::handled(model, handler, &locals);
    quote! {
        #(#conditions)*
        #[automatically_derived]
        impl #params #library::Cast<#actor> for #name #types #clause {
            #constants
            fn handle<'a>(
                self,
                __actor: &'a mut #actor,
                __cx: &'a mut #library::Cx<#actor>,
            ) -> #library::Handled<'a> {
                #unpacked
                #handled
            }
        }
    }
}

/// What both traits want to know.
pub(super) fn constants(model: &Model, handler: &Handler) -> TokenStream {
    let library = &model.library;
    let method = handler.title(model);
    let args = handler.values().map(|param| plain(&param.name));
    let codec = if handler.portable {
        quote!(portable)
    } else {
        quote!(local)
    };
    let tag = tag(model, handler);
    quote! {
        const METHOD: &'static str = #method;
        const ARGS: &'static [&'static str] = &[#(#args),*];
        const CODEC: #library::Codec<Self> =
            #library::Codec::<Self>::#codec().owning(#library::Owned::by_type());
        fn tag() -> #library::Tag {
            #tag
        }
    }
}

/// The message's name on the wire: package, type and method, or what the user chose. Generic
/// parameters are part of it either way: `Cache<u8>` and `Cache<u16>` are different actors.
pub(super) fn tag(model: &Model, handler: &Handler) -> TokenStream {
    let Model {
        library,
        actor,
        generics,
        ..
    } = model;
    let generic = !generics.params.is_empty();
    let name = plain(&model.name);
    match &handler.tag {
        Some(tag) if generic => {
            let params = generics.type_params().map(|param| &param.ident);
            let params = match generics.const_params().next() {
                Some(_) => quote!(#actor),
                None => quote!((#(#params,)*)),
            };
            quote!(#library::Tag::of_generic("", ::core::any::type_name::<#params>(), #tag))
        }
        Some(tag) => quote!(#library::Tag::of("", "", #tag)),
        None => {
            let package = quote!(::core::env!("CARGO_PKG_NAME"));
            let method = handler.plain_name();
            if generic {
                let full = quote!(::core::any::type_name::<#actor>());
                quote!(#library::Tag::of_generic(#package, #full, #method))
            } else {
                quote!(#library::Tag::of(#package, #name, #method))
            }
        }
    }
}

/// The type's own name on the wire: package and type, and for a generic one its parameters.
pub(super) fn type_tag(model: &Model) -> TokenStream {
    let Model {
        library,
        actor,
        generics,
        ..
    } = model;
    let package = quote!(::core::env!("CARGO_PKG_NAME"));
    let name = plain(&model.name);
    let tag = match generics.params.is_empty() {
        true => quote!(#library::Tag::of(#package, #name, "")),
        false => quote! {
            #library::Tag::of_generic(#package, ::core::any::type_name::<#actor>(), "")
        },
    };
    quote! {
        fn type_tag() -> #library::Tag {
            #tag
        }
    }
}

/// The names on the wire of all calls and casts, as a constant. Generic actors have none: theirs are
/// known when their parameters are, and like nobody else's.
pub(super) fn tags(model: &Model) -> TokenStream {
    let tags = model.sent().map(|handler| {
        let (conditions, tag) = (&handler.conditions, tag(model, handler));
        quote!(#(#conditions)* #tag)
    });
    if model.generics.params.is_empty() {
        quote!([#(#tags),*])
    } else {
        quote!([])
    }
}

/// Said at the user's type, so that rustc says there what cannot travel.
pub(super) fn reply_codec(model: &Model, handler: &Handler) -> TokenStream {
    let library = &model.library;
    let reply = reply_type(handler);
    let codec = if handler.portable {
        quote!(<#reply as __Portable>::CODEC)
    } else {
        quote!(#library::Codec::<#reply>::local())
    };
    quote! {{
        #[allow(unused_imports)]
        use #library::Untold as _;
        #codec.owning(#library::Field::<#reply>::OWNED)
    }}
}

/// Takes the message apart into local variables.
pub(super) fn unpacked(handler: &Handler) -> (Vec<proc_macro2::Ident>, TokenStream) {
    let locals = handler.locals();
    let pattern = quote!(let Self(#(#locals,)* ..) = self;);
    (locals, pattern)
}

/// `HandOver`: what the arguments own.
fn hand_over(model: &Model, handler: &Handler) -> TokenStream {
    let library = &model.library;
    let name = handler.message_name();
    let conditions = &handler.conditions;
    let (params, types, clause) = model.generics.split_for_impl();
    let args: Vec<_> = handler.values().map(|param| &param.ty).collect();
    let at = (0..args.len()).map(Index::from);
    quote! {
        #(#conditions)*
        #[automatically_derived]
        impl #params #library::HandOver for #name #types #clause {
            const OWNS: bool = {
                #[allow(unused_imports)]
                use #library::Untold as _;
                false #(|| #library::Field::<#args>::OWNED.is_something())*
            };
            fn hand_over(&self, __hand: &mut #library::Hand<'_>) {
                #[allow(unused_imports)]
                use #library::Untold as _;
                #(#library::Field::<#args>::OWNED.hand_over(&self.#at, __hand);)*
            }
        }
    }
}

/// serde's traits, by hand: the sequence of the arguments.
fn wire(model: &Model, handler: &Handler) -> TokenStream {
    let library = &model.library;
    let serde = quote!(#library::serde);
    let name = handler.message_name();
    let conditions = &handler.conditions;
    let count = handler.values().count();
    let expected = format!(
        "the arguments of `{}::{}`",
        model.name,
        handler.plain_name()
    );
    let marker = model.marker_value();
    // The types are the user's tokens: there rustc says what cannot travel.
    let puts = handler.values().enumerate().map(|(index, param)| {
        let (index, ty) = (Index::from(index), &param.ty);
        quote!(<#ty as __Portable>::put(&self.#index, &mut __to)?;)
    });
    let takes = handler.values().enumerate().map(|(index, param)| {
        let ty = &param.ty;
        quote!(<#ty as __Portable>::take(#index, __from)?,)
    });
    let (params, types, clause) = model.generics.split_for_impl();
    let mut borrowing = model.generics.clone();
    borrowing.params.insert(0, parse_quote!('de));
    let (params_borrowing, ..) = borrowing.split_for_impl();
    quote! {
        #(#conditions)*
        #[automatically_derived]
        impl #params #serde::Serialize for #name #types #clause {
            fn serialize<__S: #serde::Serializer>(
                &self,
                __to: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                let mut __to = #serde::Serializer::serialize_tuple(__to, #count)?;
                #(#puts)*
                #serde::ser::SerializeTuple::end(__to)
            }
        }

        #(#conditions)*
        #[automatically_derived]
        impl #params __Arguments for #name #types #clause {
            const EXPECTED: &'static str = #expected;
            fn taken<'de, __S: #serde::de::SeqAccess<'de>>(
                __from: &mut __S,
            ) -> ::core::result::Result<Self, __S::Error> {
                ::core::result::Result::Ok(Self(#(#takes)* #marker))
            }
        }

        #(#conditions)*
        #[automatically_derived]
        impl #params_borrowing #serde::Deserialize<'de> for #name #types #clause {
            fn deserialize<__D: #serde::Deserializer<'de>>(
                __from: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let __visitor = __Visitor(::core::marker::PhantomData);
                #serde::Deserializer::deserialize_tuple(__from, #count, __visitor)
            }
        }
    }
}
