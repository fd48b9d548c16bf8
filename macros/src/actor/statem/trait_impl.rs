//! How does the library see the state machine?
//!
//! Role       Writes the implementations of `Actor` and `Statem`.
//! Inputs     The machine.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::super::messages;
use super::super::model::{Kind, plain};
use super::super::trait_impl::{args_type, methods};
use super::dispatch;
use super::invoke::{Given, call, handled};
use super::model::{Machine, Reaction};
use crate::krate::at;

/// `impl Actor for Door { .. }` and `impl Statem for Door { .. }`.
pub(super) fn implementation(machine: &Machine) -> TokenStream {
    let model = &machine.model;
    let (library, actor, version) = (&model.library, &model.actor, model.version);
    let name = plain(&model.name);
    let (client, events) = (model.client_name(), model.events_name());
    let clause = model.conditions();
    let args = args_type(model);
    let init = init(machine);
    let methods = methods(model);
    let terminate = terminate(machine);
    let mailbox = model.mailbox.as_ref();
    let mailbox = mailbox.map(|mailbox| mailbox.constant(library));
    let type_tag = messages::type_tag(model);
    let notices = notices(machine);
    let statem = statem(machine);
    quote! {
        #[automatically_derived]
        impl #library::Addressed for #actor {
            type Client = #client<#actor>;
        }

        #[automatically_derived]
        impl #library::Actor for #actor #clause {
            type Msg = #events;
            type Args = #args;
            type Beside = #library::Kept<#actor>;
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            #mailbox

            #type_tag

            fn init<'a>(
                __args: Self::Args,
                __cx: &'a mut #library::Cx<Self>,
            ) -> #library::Init<'a, Self> {
                #init
            }

            fn methods() -> &'static [#library::Method<Self>] {
                #methods
            }

            fn handle_msg<'a>(
                &'a mut self,
                __msg: Self::Msg,
                __cx: &'a mut #library::Cx<Self>,
            ) -> #library::Handled<'a> {
                #library::arrived(self, __cx, __msg)
            }

            #notices

            #terminate
        }

        #statem
    }
}

/// What comes from the runtime is an event.
fn notices(machine: &Machine) -> TokenStream {
    let (library, events) = (&machine.model.library, machine.model.events_name());
    quote! {
        fn handle_info<'a>(
            &'a mut self,
            __info: #library::Info,
            __cx: &'a mut #library::Cx<Self>,
        ) -> #library::Handled<'a> {
            #library::arrived(self, __cx, #events::Info(__info))
        }

        fn handle_exit<'a>(
            &'a mut self,
            __exit: #library::Exit,
            __cx: &'a mut #library::Cx<Self>,
        ) -> #library::Handled<'a> {
            #library::arrived(self, __cx, #events::Exit(__exit))
        }

        fn handle_down<'a>(
            &'a mut self,
            __down: #library::Down,
            __cx: &'a mut #library::Cx<Self>,
        ) -> #library::Handled<'a> {
            #library::arrived(self, __cx, #events::Down(__down))
        }
    }
}

fn statem(machine: &Machine) -> TokenStream {
    let model = &machine.model;
    let (library, actor) = (&model.library, &model.actor);
    let clause = model.conditions();
    let enters = !machine.enters.is_empty();
    let max = machine
        .postponed_max
        .as_ref()
        .map(|max| quote!(const POSTPONED_MAX: usize = #max;));
    let handle = dispatch::handle(machine);
    let enter = dispatch::enter(machine);
    let postpones = dispatch::postpones(machine);
    let refuse = dispatch::refuse(machine);
    let event_name = dispatch::event_name(machine);
    let show = show(machine);
    let held = held(machine);
    quote! {
        #held

        #[automatically_derived]
        impl #library::Statem for #actor #clause {
            type State = __Held;
            const ENTERS: bool = #enters;
            #max

            fn kept(__cx: &mut #library::Cx<Self>) -> &mut #library::Kept<Self> {
                #library::Cx::beside(__cx)
            }

            fn postpones(__state: &Self::State, __event: &Self::Msg) -> bool {
                #postpones
            }

            fn handle<'a>(
                &'a mut self,
                __event: Self::Msg,
                __at: #library::At<'a, Self>,
            ) -> #library::Handled<'a> {
                #handle
            }

            fn enter<'a>(&'a mut self, __at: #library::At<'a, Self>) -> #library::Handled<'a> {
                #enter
            }

            fn refuse(__event: Self::Msg, __why: &str) {
                #refuse
            }

            fn event_name(__event: &Self::Msg) -> &'static str {
                #event_name
            }

            #show
        }
    }
}

/// The states as the library sees them.
fn held(machine: &Machine) -> TokenStream {
    let model = &machine.model;
    let (library, actor, states) = (&model.library, &model.actor, &machine.states);
    quote! {
        // As public as anything, however private the states are.
        pub struct __Held(#states);

        #[automatically_derived]
        impl #library::States for __Held {
            const NAMES: &'static [&'static str] = <#states as #library::States>::NAMES;
            fn index(&self) -> usize {
                #library::States::index(&self.0)
            }
            fn may_follow(from: usize, to: usize) -> bool {
                <#states as #library::States>::may_follow(from, to)
            }
        }

        #[automatically_derived]
        impl<__T: ::core::convert::Into<#states>> #library::Accepts<__T> for #actor {
            fn accept(state: __T) -> __Held {
                __Held(::core::convert::Into::into(state))
            }
        }

        #[automatically_derived]
        impl #library::Holds<#states> for #actor {
            fn held(state: &__Held) -> &#states {
                &state.0
            }
            fn hold(state: #states) -> __Held {
                __Held(state)
            }
        }
    }
}

/// State and data as text, if the user asked for it; whether they have a `Debug` is said at that
/// word.
fn show(machine: &Machine) -> Option<TokenStream> {
    let library = &machine.model.library;
    let word = &machine.model.debug.as_ref()?.word;
    let place = at(syn::spanned::Spanned::span(word));
    let shown = quote_spanned!(place=> #library::shown(&(__state, __data)));
    Some(quote! {
        fn show(&self, __state: &Self::State) -> ::core::option::Option<::std::string::String> {
            let (__state, __data) = (&__state.0, self);
            ::core::option::Option::Some(#shown)
        }
    })
}

fn init(machine: &Machine) -> TokenStream {
    let model = &machine.model;
    let (library, actor, states) = (&model.library, &model.actor, &machine.states);
    let begin = quote! {
        #library::begin(__outcome.map(|(__actor, __state)| (__actor, __Held(__state))), __cx, __in)
    };
    let Some(reaction) = &machine.init else {
        return quote! {
            let __in = #library::In::<#actor, #library::Starting>::new(**__cx);
            let __outcome = #library::IntoStart::<#actor, #states>::into_start(__args);
            #library::Init::Ready(#begin)
        };
    };
    let handler = model
        .of_kind(Kind::Init)
        .next()
        .expect("it was read with the reaction");
    let locals = handler.locals();
    let unpacked = match &locals[..] {
        [one] => quote!(let #one = __args;),
        many => quote!(let (#(#many),*) = __args;),
    };
    let given = Given {
        place: quote!(#library::Starting),
        event: None,
        values: &locals,
        answers: false,
    };
    let call = call(machine, reaction, &given);
    let output = reaction.output.as_ref();
    let into = match output {
        Some(ty) => {
            let ty = super::super::substitute::name_self(ty, actor).unwrap_or_else(|_| ty.clone());
            let place = at(syn::spanned::Spanned::span(&ty));
            quote_spanned!(place=> <#ty as #library::IntoStart<#actor, #states>>::into_start)
        }
        None => quote!(#library::IntoStart::<#actor, #states>::into_start),
    };
    let context = quote!(let mut __in = #library::In::<#actor, #library::Starting>::new(**__cx););
    match reaction.asynchronous {
        Some(word) => quote_spanned! {at(word)=>
            #unpacked
            #library::Init::later(async move {
                #context
                let __outcome = #into(#call.await);
                #begin
            })
        },
        None => quote! {
            #unpacked
            #context
            let __outcome = #into(#call);
            #library::Init::Ready(#begin)
        },
    }
}

fn terminate(machine: &Machine) -> Option<TokenStream> {
    let library = &machine.model.library;
    let reaction: &Reaction = machine.terminate.as_ref()?;
    let given = Given {
        place: quote!(#library::Ending),
        event: None,
        values: &[],
        answers: false,
    };
    let handled = handled(machine, reaction, &given);
    Some(quote! {
        fn terminate<'a>(
            &'a mut self,
            __reason: &'a #library::Reason,
            __cx: &'a mut #library::Cx<Self>,
        ) -> #library::Handled<'a> {
            let __actor = self;
            let __me = **__cx;
            let __at = #library::Cx::beside(__cx).at(__me);
            #handled
        }
    })
}
