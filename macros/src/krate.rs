//! Where does generated code find the library?
//!
//! Role       Turns the user's manifest into the one path that every expansion starts from.
//! Inputs     The manifest of the crate being compiled, or the user's `crate = path`.
//! Outputs    `<library>::__macro`, the only thing that generated code names.
//! Invariant  Never fails: without an answer it says `::foundation`, and rustc tells the user.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};

/// The facade, by its package name.
const FACADE: &str = "foundation";

/// The crate that can be used without the facade.
const ACTORS: &str = "foundation-actors";

/// The path of the library's hidden `__macro` module, from where the macro was used.
pub(crate) fn macro_path(overridden: Option<&syn::Path>) -> TokenStream {
    let library = overridden.map_or_else(library_path, |path| quote!(#path));
    quote!(#library::__macro)
}

/// For code of ours that rustc should talk about as if it stood at a place of the user's. Names in
/// it are still ours: with the user's span alone, `macro_rules!` around us would hide them.
pub(crate) fn at(place: Span) -> Span {
    Span::call_site().located_at(place)
}

fn library_path() -> TokenStream {
    match crate_name(FACADE) {
        Ok(FoundCrate::Itself) => return quote!(::foundation),
        Ok(FoundCrate::Name(name)) => return absolute(&name),
        Err(_) => {}
    }
    match crate_name(ACTORS) {
        Ok(FoundCrate::Itself) if compiling("foundation_actors") => quote!(crate),
        Ok(FoundCrate::Itself) => quote!(::foundation_actors),
        Ok(FoundCrate::Name(name)) => absolute(&name),
        Err(_) => quote!(::foundation),
    }
}

/// Whether cargo is compiling the library of this name, and not one of its tests or examples.
fn compiling(library: &str) -> bool {
    std::env::var("CARGO_CRATE_NAME").is_ok_and(|name| name == library)
}

fn absolute(name: &str) -> TokenStream {
    let name = format_ident!("{name}", span = Span::call_site());
    quote!(::#name)
}
