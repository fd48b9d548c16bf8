//! How does an `async fn` become a program or a test?
//!
//! Role       Expands `#[foundation::main]` and `#[foundation::test]`.
//! Inputs     The attribute's words and the function.
//! Outputs    The function, beside an ordinary `fn main` or two ordinary tests that run it.
//! Invariant  The user's function keeps its body and its types; only what runs it is ours.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::parse::Parser as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, Ident, ItemFn, LitInt, Path, Type, parse2};

use crate::errors::Errors;
use crate::krate;

/// Attributes that say how a function is compiled; all others say how its tests are run.
const OF_THE_BODY: [&str; 14] = [
    "allow",
    "cfg",
    "cfg_attr",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "track_caller",
    "warn",
    "rustfmt",
];

/// Expands `#[foundation::main] item`.
pub(crate) fn main(words: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match parse2(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            return beside(
                &item,
                "`#[foundation::main]` goes on `async fn main(node: Node)`",
            );
        }
    };
    let mut errors = Errors::default();
    let mut library = None;
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("crate") {
            library = Some(meta.value()?.parse::<Path>()?);
            return Ok(());
        }
        Err(meta.error(
            "`#[foundation::main]` takes no words: a node is configured by `Node::builder()`, \
             from a `main` of your own",
        ))
    });
    if let Err(error) = parser.parse2(words) {
        errors.push(error);
    }
    check_main(&function, &mut errors);
    if errors.count() != 0 {
        let errors = errors.into_tokens();
        let stub = stub_main(&function);
        return quote!(#stub #errors);
    }
    let library = krate::macro_path(library.as_ref());
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
    } = &function;
    let (name, output) = (&sig.ident, &sig.output);
    let (outer, inner): (Vec<_>, Vec<_>) = attrs
        .iter()
        .partition(|attribute| attribute.path().is_ident("doc"));
    let node = format_ident!("__node");
    let given = (!sig.inputs.is_empty()).then(|| quote!(#node));
    quote! {
        #(#outer)*
        #vis fn #name() #output {
            #(#inner)*
            #sig #block
            #library::run_main(|#[allow(unused_variables)] #node| #name(#given))
        }
    }
}

/// The user's `main` with a body that rustc accepts, so that ours is the only complaint.
fn stub_main(function: &ItemFn) -> TokenStream {
    let name = &function.sig.ident;
    let mut kept = function.clone();
    kept.sig.ident = format_ident!("__{name}");
    quote! {
        #[allow(dead_code)]
        #kept
        fn #name() {}
    }
}

fn check_main(function: &ItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    if sig.asyncness.is_none() {
        errors.say(
            sig.fn_token,
            "`#[foundation::main]` runs a future: write `async fn main(node: Node)`",
        );
    }
    check_plain(function, "main", errors);
    if let Some(second) = sig.inputs.iter().nth(1) {
        errors.say(
            second,
            "`main` is given the node and nothing else: `async fn main(node: Node)`. The \
             program's arguments are in `std::env::args()`",
        );
    }
}

fn check_plain(function: &ItemFn, what: &str, errors: &mut Errors) {
    let generics = &function.sig.generics;
    if !generics.params.is_empty() {
        errors.say(
            generics,
            format!("a {what} cannot be generic: nobody could choose the types"),
        );
    }
    for input in &function.sig.inputs {
        if let FnArg::Receiver(receiver) = input {
            errors.say(
                receiver,
                format!("a {what} is a function of its own, without `self`"),
            );
        }
    }
}

/// What `#[foundation::test(..)]` says.
#[derive(Default)]
struct Options {
    seeds: Option<LitInt>,
    workers: Option<LitInt>,
    explore: Option<LitInt>,
    delivery: Option<Ident>,
    leak_check: bool,
    strict_crashes: bool,
    real: Option<Path>,
    simulated: Option<Path>,
    library: Option<Path>,
}

/// Expands `#[foundation::test] item`.
pub(crate) fn test(words: TokenStream, item: TokenStream) -> TokenStream {
    let mut function: ItemFn = match parse2(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            return beside(
                &item,
                "`#[foundation::test]` goes on `async fn name(w: World)`",
            );
        }
    };
    let mut errors = Errors::default();
    let options = Options::read(words, &mut errors);
    check_test(&function, &mut errors);
    if errors.count() != 0 {
        let errors = errors.into_tokens();
        return quote!(#[allow(dead_code)] #function #errors);
    }
    let (of_body, of_tests): (Vec<_>, Vec<_>) = function.attrs.drain(..).partition(is_of_body);
    let conditions = of_body
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions: Vec<_> = conditions.cloned().collect();
    function.attrs = of_body;
    let tests = tests(&function, &options, &of_tests);
    let name = &function.sig.ident;
    quote! {
        #[cfg(test)]
        #function

        #(#conditions)*
        #[cfg(test)]
        mod #name {
            #tests
        }
    }
}

/// The two tests, or the one that was asked for.
fn tests(function: &ItemFn, options: &Options, attributes: &[Attribute]) -> TokenStream {
    let library = krate::macro_path(options.library.as_ref());
    let seeds = options
        .seeds
        .as_ref()
        .map(|seeds| quote!(__options.seeds = #seeds;));
    let workers = options
        .workers
        .as_ref()
        .map(|workers| quote!(__options.workers = #workers;));
    let explore = options
        .explore
        .as_ref()
        .map(|runs| quote!(__options.explore = #runs;));
    let delivery = options
        .delivery
        .as_ref()
        .map(|delivery| quote!(__options.delivery = #library::Delivery::#delivery;));
    let set = |on: bool, option: TokenStream| on.then(|| quote!(__options.#option = true;));
    let leaks = set(options.leak_check, quote!(leak_check));
    let crashes = set(options.strict_crashes, quote!(strict_crashes));
    let body = body(function, &library);
    let one = |name: &str| {
        let (run, test) = (format_ident!("test_{name}"), format_ident!("{name}"));
        let suffix = format!("::{name}");
        quote! {
            #[test]
            #(#attributes)*
            fn #test() {
                #[allow(unused_mut)]
                let mut __options = <#library::TestOptions as ::core::default::Default>::default();
                #seeds
                #workers
                #explore
                #delivery
                #leaks
                #crashes
                let __name = ::core::concat!(::core::module_path!(), #suffix);
                #library::#run(__name, __options, #body);
            }
        }
    };
    let real = (options.real.is_some() || options.simulated.is_none()).then(|| one("real"));
    let simulated =
        (options.simulated.is_some() || options.real.is_none()).then(|| one("simulated"));
    let explored = options.explore.is_some().then(|| one("explored"));
    quote!(#real #simulated #explored)
}

/// The user's function as something that takes a world and can be run many times.
fn body(function: &ItemFn, library: &TokenStream) -> TokenStream {
    let name = &function.sig.ident;
    let place = function.sig.asyncness.span();
    let inputs = function.sig.inputs.iter().map(|input| {
        let place = krate::at(type_span(input));
        quote_spanned!(place=> #library::TestInput::from_world(&__world))
    });
    let output = match &function.sig.output {
        syn::ReturnType::Type(_, ty) => Some((**ty).clone()),
        syn::ReturnType::Default => None,
    };
    let at = output.as_ref().map_or(place, Type::span);
    let check = quote_spanned!(krate::at(at)=> #library::TestOutput::check(__output));
    quote! {
        |__world| {
            let __future: ::std::pin::Pin<::std::boxed::Box<
                dyn ::core::future::Future<Output = ()>,
            >> = ::std::boxed::Box::pin(async move {
                let __output = super::#name(#(#inputs),*).await;
                #check
            });
            __future
        }
    }
}

fn type_span(input: &FnArg) -> proc_macro2::Span {
    match input {
        FnArg::Typed(input) => input.ty.span(),
        FnArg::Receiver(receiver) => receiver.span(),
    }
}

impl Options {
    fn read(words: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::default();
        let parser = syn::meta::parser(|meta| options.word(&meta));
        if let Err(error) = parser.parse2(words) {
            errors.push(error);
        }
        let only = |this: &Option<Path>, other: &Option<Path>| this.is_some() && other.is_none();
        if let Some(seeds) = &options.seeds
            && only(&options.real, &options.simulated)
        {
            errors.say(
                seeds,
                "seeds choose what a simulated test does, and this test is only `real`. Remove \
                 one of the two words",
            );
        }
        if let Some(workers) = &options.workers
            && only(&options.simulated, &options.real)
        {
            errors.say(
                workers,
                "a simulated test has one thread, so `workers` is for the real one, and this \
                 test is only `simulated`. Remove one of the two words",
            );
        }
        options
    }

    fn word(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("seeds") {
            self.seeds = Some(at_least_one::<u32>(meta)?);
        } else if meta.path.is_ident("workers") {
            self.workers = Some(at_least_one::<usize>(meta)?);
        } else if meta.path.is_ident("explore") {
            self.explore = Some(at_least_one::<u32>(meta)?);
        } else if meta.path.is_ident("delivery") {
            self.delivery = Some(delivery(meta)?);
        } else if meta.path.is_ident("leak_check") {
            self.leak_check = true;
        } else if meta.path.is_ident("strict_crashes") {
            self.strict_crashes = true;
        } else if meta.path.is_ident("real") {
            self.real = Some(meta.path.clone());
        } else if meta.path.is_ident("simulated") {
            self.simulated = Some(meta.path.clone());
        } else if meta.path.is_ident("crate") {
            self.library = Some(meta.value()?.parse()?);
        } else {
            return Err(meta.error(
                "`#[foundation::test]` does not know this word: it takes `seeds = 200` (runs of \
                 the simulated test), `workers = 4` (threads of the real one), `explore = 300` (one \
                 more test, that searches so many schedules), `delivery = pairwise` (or `late`, or \
                 `at_once`: how what is sent arrives in a simulation), `leak_check` (fails when \
                 something is left), `strict_crashes` (fails by a crash that was not expected), and \
                 `real` or `simulated` to have only that one",
            ));
        }
        Ok(())
    }
}

/// The variant that a delivery is.
fn delivery(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    let word: Ident = meta.value()?.parse()?;
    let variant = match word.to_string().as_str() {
        "at_once" => "AtOnce",
        "late" => "Late",
        "pairwise" => "Pairwise",
        _ => {
            return Err(syn::Error::new_spanned(
                word,
                "this is no delivery: it is one of `at_once`, `late` and `pairwise`",
            ));
        }
    };
    Ok(Ident::new(variant, word.span()))
}

fn at_least_one<N>(meta: &ParseNestedMeta<'_>) -> syn::Result<LitInt>
where
    N: std::str::FromStr + PartialOrd + From<u8>,
    N::Err: std::fmt::Display,
{
    let number: LitInt = meta.value()?.parse()?;
    if number.base10_parse::<N>()? < N::from(1) {
        return Err(syn::Error::new_spanned(
            number,
            "a test that runs zero times tests nothing",
        ));
    }
    Ok(number)
}

fn check_test(function: &ItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    if sig.asyncness.is_none() {
        errors.say(
            sig.fn_token,
            "`#[foundation::test]` runs a future: write `async fn`, or `#[test]` for a test that \
             needs no processes",
        );
    }
    check_plain(function, "test", errors);
    for attribute in &function.attrs {
        if attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "test")
        {
            errors.say(
                attribute,
                "`#[foundation::test]` makes this a test already, twice: on the real platform \
                 and on the simulated one. Remove this attribute",
            );
        }
    }
}

fn is_of_body(attribute: &Attribute) -> bool {
    let first = attribute.path().segments.first();
    first.is_some_and(|segment| OF_THE_BODY.iter().any(|word| segment.ident == word))
}

/// Hands the item back beside a complaint about it.
fn beside(item: &TokenStream, message: &str) -> TokenStream {
    let error = syn::Error::new(proc_macro2::Span::call_site(), message).into_compile_error();
    quote!(#item #error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tokens: TokenStream) -> String {
        tokens.to_string().replace(' ', "")
    }

    #[test]
    fn main_runs_the_function_on_a_node() {
        let function = quote!(
            async fn main(node: Node) -> Result<(), E> {
                go(node)
            }
        );
        let output = shown(main(quote!(crate = here), function));
        assert!(output.starts_with("fnmain()->Result<(),E>{asyncfnmain(node:Node)"));
        assert!(output.contains("here::__macro::run_main"));
    }

    #[test]
    fn tests_are_those_that_were_asked_for() {
        for (words, real, simulated, explored) in [
            (quote!(), true, true, false),
            (quote!(seeds = 3, workers = 4), true, true, false),
            (quote!(real), true, false, false),
            (quote!(simulated, seeds = 3), false, true, false),
            (quote!(real, simulated), true, true, false),
            (quote!(explore = 9), true, true, true),
            (quote!(simulated, explore = 9), false, true, true),
        ] {
            let function = quote!(
                async fn a(w: World) {}
            );
            let output = shown(test(words, function));
            assert_eq!(output.contains("fnreal()"), real, "{output}");
            assert_eq!(output.contains("fnsimulated()"), simulated, "{output}");
            assert_eq!(output.contains("fnexplored()"), explored, "{output}");
        }
    }

    #[test]
    fn attributes_go_where_they_belong() {
        let output = shown(test(
            quote!(real),
            quote!(
                #[ignore]
                #[allow(unused)]
                #[cfg(unix)]
                async fn a() {}
            ),
        ));
        assert!(
            output.contains("#[allow(unused)]#[cfg(unix)]asyncfna()"),
            "{output}"
        );
        assert!(output.contains("#[cfg(unix)]#[cfg(test)]moda"), "{output}");
        assert!(output.contains("#[test]#[ignore]fnreal()"), "{output}");
    }
}
