//! What can happen to a state machine, as a value, and how does it come there?
//!
//! Role       Writes the `…Msg` enum, a variant for each event, and what turns a message of the
//!            client into one.
//! Inputs     The machine's events.
//! Outputs    A type in the user's module; `Request` or `Cast` for each message.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::client::reply_type;
use super::super::messages::{carrier, constants, reply_codec, unpacked};
use super::super::model::{Handler, Kind};
use super::model::{Event, Machine};

/// The enum itself.
pub(super) fn events_type(machine: &Machine) -> TokenStream {
    let model = &machine.model;
    let (library, actor, name) = (&model.library, &model.name, model.events_name());
    let docs = format!("What can happen to `{actor}`: a variant for each event.");
    let variants = own(machine).map(|event| variant(machine, event));
    let text = name.to_string();
    quote! {
        #[doc = #docs]
        #[allow(
            clippy::large_enum_variant,
            dead_code,
            private_bounds,
            private_interfaces,
            unreachable_pub
        )]
        pub enum #name {
            #(#variants)*
            /// A message that is no event of the program's own.
            Info(#library::Info),
            /// A linked process ended, while exits are trapped.
            Exit(#library::Exit),
            /// A watched process ended.
            Down(#library::Down),
        }

        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::write!(
                    f,
                    "{}({})",
                    #text,
                    <#actor as #library::Statem>::event_name(self)
                )
            }
        }
    }
}

/// The events of the program.
pub(super) fn own(machine: &Machine) -> impl Iterator<Item = &Event> {
    machine.events.iter().filter(|event| event.is_own())
}

fn variant(machine: &Machine, event: &Event) -> TokenStream {
    let handler = &event.handler;
    let library = &machine.model.library;
    let Handler {
        docs, conditions, ..
    } = handler;
    let docs = if docs.is_empty() {
        let docs = format!("`{}`.", handler.plain_name());
        quote!(#[doc = #docs])
    } else {
        quote!(#(#docs)*)
    };
    let name = handler.variant_name();
    let types = handler.values().map(|param| &param.ty);
    let reply = event.is_call().then(|| match handler.reply() {
        Some(reply) => {
            let ty = &reply.ty;
            quote!(#ty)
        }
        None => {
            let reply = reply_type(handler);
            quote!(#library::ReplyTo<#reply>)
        }
    });
    let types: Vec<_> = types.map(|ty| quote!(#ty)).chain(reply).collect();
    let fields = (!types.is_empty()).then(|| quote!((#(#types),*)));
    quote!(#docs #(#conditions)* #name #fields,)
}

/// What each call and cast of the client is, and what becomes of it here.
pub(super) fn messages(machine: &Machine) -> TokenStream {
    let sent = own(machine).filter(|event| event.handler.kind.is_sent());
    sent.map(|event| message(machine, &event.handler)).collect()
}

fn message(machine: &Machine, handler: &Handler) -> TokenStream {
    let model = &machine.model;
    let (library, actor, events) = (&model.library, &model.actor, model.events_name());
    let carrier = carrier(model, handler);
    let constants = constants(model, handler);
    let (name, conditions) = (handler.message_name(), &handler.conditions);
    let clause = model.conditions();
    let (locals, unpacked) = unpacked(handler);
    let variant = handler.variant_name();
    if handler.kind == Kind::Call {
        let (reply, codec) = (reply_type(handler), reply_codec(model, handler));
        return quote! {
            #carrier
            #(#conditions)*
            #[automatically_derived]
            impl #library::Request<#actor> for #name #clause {
                type Reply = #reply;
                const REPLY_CODEC: #library::Codec<Self::Reply> = #codec;
                #constants
                fn handle<'a>(
                    self,
                    __actor: &'a mut #actor,
                    __cx: &'a mut #library::Cx<#actor>,
                    __reply: #library::ReplyTo<Self::Reply>,
                ) -> #library::Handled<'a> {
                    #unpacked
                    #library::arrived(__actor, __cx, #events::#variant(#(#locals,)* __reply))
                }
            }
        };
    }
    let fields = (!locals.is_empty()).then(|| quote!((#(#locals),*)));
    quote! {
        #carrier
        #(#conditions)*
        #[automatically_derived]
        impl #library::Cast<#actor> for #name #clause {
            #constants
            fn handle<'a>(
                self,
                __actor: &'a mut #actor,
                __cx: &'a mut #library::Cx<#actor>,
            ) -> #library::Handled<'a> {
                #unpacked
                #library::arrived(__actor, __cx, #events::#variant #fields)
            }
        }
    }
}
