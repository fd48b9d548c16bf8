//! Does reading an actor find what its `impl` block says?

use quote::{ToTokens, quote};
use syn::{ItemImpl, parse_quote};

use super::model::{Handler, Kind, Model, Role, pascal};
use super::options::Options;
use super::parse;
use super::types::tidy;
use crate::errors::Errors;

fn read(mut block: ItemImpl) -> (ItemImpl, Option<Model>, Errors) {
    let mut errors = Errors::default();
    let mut options = Options::of_attribute(quote!(crate = here), &mut errors);
    options.take_state(&mut block, &mut errors);
    let model = parse::model(&mut block, options, &mut errors);
    (block, model, errors)
}

fn well(block: ItemImpl) -> Model {
    let (_, model, errors) = read(block);
    assert_eq!(errors.count(), 0, "{}", errors.into_tokens());
    model.expect("no mistake, so a model")
}

/// What is said about one method.
fn said(method: syn::ImplItemFn) -> String {
    let (_, _, errors) = read(parse_quote!(impl Counter { #method }));
    errors.into_tokens().to_string()
}

fn one(method: syn::ImplItemFn) -> Handler {
    let mut model = well(parse_quote!(impl Counter { #method }));
    assert_eq!(model.handlers.len(), 1);
    model.handlers.remove(0)
}

fn shown(tokens: &impl ToTokens) -> String {
    tidy(&tokens.to_token_stream().to_string())
}

#[test]
fn block_keeps_everything_but_our_attributes() {
    let (block, _, errors) = read(parse_quote! {
        #[state(version = 2)]
        #[allow(unused)]
        impl Counter {
            const LIMIT: u8 = 1;
            /// Docs.
            #[call(local)]
            #[inline]
            pub fn get(&self, #[cx] cx: &mut Context, #[allow(unused)] by: u8) {}
            fn other<T>(self, text: &str) {}
        }
    });
    let expected: ItemImpl = parse_quote! {
        #[allow(unused)]
        impl Counter {
            const LIMIT: u8 = 1;
            /// Docs.
            #[inline]
            #[allow(
                clippy::large_types_passed_by_value,
                clippy::needless_pass_by_value,
                clippy::unused_self
            )]
            pub fn get(&self, cx: &mut Context, #[allow(unused)] by: u8) {}
            fn other<T>(self, text: &str) {}
        }
    };
    assert_eq!(errors.count(), 0);
    assert_eq!(shown(&block), shown(&expected));
}

#[test]
fn version_comes_from_either_attribute() {
    assert_eq!(well(parse_quote!(impl Counter {})).version, 1);
    assert_eq!(
        well(parse_quote!(
            #[state(version = 2)]
            impl Counter {}
        ))
        .version,
        2
    );
    let mut errors = Errors::default();
    assert_eq!(
        Options::of_attribute(quote!(version = 3), &mut errors).version,
        3
    );
    assert_eq!(errors.count(), 0);
}

#[test]
fn kinds_are_recognised() {
    let kinds = [
        ("#[call] fn a(&self) {}", Kind::Call),
        ("#[cast] fn a(&mut self) {}", Kind::Cast),
        ("#[init] fn a() -> Self {}", Kind::Init),
        ("#[info] fn a(&mut self, info: Info) {}", Kind::Info),
        ("#[exit] fn a(&mut self, exit: Exit) {}", Kind::Exit),
        ("#[down] fn a(&mut self, down: Down) {}", Kind::Down),
        ("#[timeout] fn a(&mut self) {}", Kind::Timeout),
        ("#[continue_with] fn a(&mut self) {}", Kind::Continue),
        (
            "#[terminate] fn a(&mut self, why: &Reason) {}",
            Kind::Terminate,
        ),
    ];
    for (method, kind) in kinds {
        let method = syn::parse_str(method).expect("a method");
        assert_eq!(one(method).kind, kind);
    }
}

#[test]
fn roles_come_from_names_and_attributes() {
    let handler = one(parse_quote! {
        #[call]
        fn ask(
            &self,
            cx: &mut foundation::Cx<Self>,
            key: Key,
            from: reply::ReplyTo<Row>,
            other: Vec<ReplyTo<u8>>,
        ) {}
    });
    let roles: Vec<_> = handler.params.iter().map(|param| param.role).collect();
    assert_eq!(roles, [Role::Cx, Role::Value, Role::Reply, Role::Value]);
    let handler = one(parse_quote! {
        #[call]
        fn ask(&self, #[reply] from: Place, #[cx] me: &mut Context) {}
    });
    let roles: Vec<_> = handler.params.iter().map(|param| param.role).collect();
    assert_eq!(roles, [Role::Reply, Role::Cx]);
}

#[test]
fn patterns_get_names() {
    let handler = one(parse_quote! {
        #[cast]
        fn set(&mut self, _: u8, mut x: u8, (a, b): (u8, u8), _y: u8, cx: &mut Cx<Self>) {}
    });
    let names: Vec<_> = handler
        .values()
        .map(|param| param.name.to_string())
        .collect();
    assert_eq!(names, ["arg_0", "x", "arg_2", "_y"]);
}

#[test]
fn self_becomes_the_actor() {
    let model = well(parse_quote! {
        impl<T: Into<Self>> Cache<T> where Self: Sized {
            #[call]
            fn all(&self, n: [u8; Self::N], other: Option<Ref<Self>>) -> Vec<Self> {}
        }
    });
    let handler = &model.handlers[0];
    let types: Vec<_> = handler.values().map(|param| shown(&param.ty)).collect();
    assert_eq!(types, ["[u8 ;<Cache<T>>::N]", "Option<Ref<Cache<T>>>"]);
    assert_eq!(
        handler.output.as_ref().map(shown).as_deref(),
        Some("Vec<Cache<T>>")
    );
    assert_eq!(shown(&model.generics), "<T : Into<Cache<T>>>");
    assert_eq!(
        shown(&model.generics.where_clause),
        "where Cache<T> : Sized"
    );
}

#[test]
fn one_bad_method_leaves_the_others() {
    let (_, model, errors) = read(parse_quote! {
        impl Counter {
            #[call]
            fn get(&self) -> u8 {}
            #[cast]
            fn set(self, by: &u8) -> u8 {}
        }
    });
    assert_eq!(errors.count(), 3);
    assert_eq!(model.expect("a model of the rest").handlers.len(), 1);
}

#[test]
fn a_bad_init_leaves_nothing() {
    let (_, model, errors) = read(parse_quote!(impl Counter { #[init] fn init(&self) {} }));
    assert_eq!(errors.count(), 2);
    assert!(model.is_none());
}

#[test]
fn borrowing_is_found_where_it_matters() {
    for bad in [
        parse_quote!(
            #[cast]
            fn a(&self, x: &u8) {}
        ),
        parse_quote!(
            #[cast]
            fn a(&self, x: Vec<&str>) {}
        ),
        parse_quote!(
            #[cast]
            fn a(&self, x: Cow<'_, str>) {}
        ),
        parse_quote!(
            #[call]
            fn a(&self) -> Option<&u8> {}
        ),
        parse_quote!(
            #[init]
            fn a(x: &str) -> Self {}
        ),
    ] {
        assert!(said(bad).contains("cannot borrow"));
    }
    for good in [
        parse_quote!(
            #[cast]
            fn a(&self, x: &'static str) {}
        ),
        parse_quote!(
            #[cast]
            fn a(&self, x: fn(&str) -> &str) {}
        ),
        parse_quote!(
            #[cast]
            fn a(&self, x: Box<dyn Fn(&str) + Send>) {}
        ),
        parse_quote!(
            #[cast]
            fn a(&self, x: Cow<'static, str>) {}
        ),
        parse_quote!(
            #[cast]
            fn a(self: &mut Self) {}
        ),
    ] {
        assert_eq!(said(good), "");
    }
}

#[test]
fn advice_is_code_that_one_would_write() {
    assert!(
        said(parse_quote!(
            #[cast]
            fn a(&self, x: &str) {}
        ))
        .contains("`String`")
    );
    assert!(
        said(parse_quote!(
            #[cast]
            fn a(&self, x: &[Vec<u8>]) {}
        ))
        .contains("`Vec<Vec<u8>>`")
    );
    assert!(
        said(parse_quote!(
            #[call]
            fn pid(&self) {}
        ))
        .contains("`get_pid`")
    );
}

#[test]
fn pascal_table() {
    for (method, variant) in [
        ("line", "Line"),
        ("send_line", "SendLine"),
        ("_x", "X"),
        ("a1_b", "A1B"),
    ] {
        assert_eq!(pascal(method), variant);
    }
}
