//! Do private actors with public methods compile, public ones with private methods, and both kinds
//! of name clash?
#![deny(missing_docs, unused, warnings)]

use foundation::prelude::*;

mod private {
    use super::*;

    #[derive(Default)]
    struct Hidden;
    struct Secret;

    #[actor]
    impl Hidden {
        #[call]
        pub fn get(&self) -> u8 {
            1
        }
        #[cast(local)]
        fn keep(&mut self, secret: Secret) {
            let Secret = secret;
        }
    }

    async fn talk(hidden: Ref<Hidden>) -> foundation::Result {
        hidden.keep(Secret)?;
        hidden.get().await?;
        Ok(())
    }

    pub(crate) fn user() {
        let _ = (talk, Hidden);
    }
}

/// Public, with methods for its own module.
pub mod public {
    use super::*;

    /// Public.
    #[derive(Default)]
    pub struct Open;

    #[actor]
    impl Open {
        #[call]
        fn get(&self) -> u8 {
            1
        }
        #[call]
        pub(super) fn set(&mut self) {}
    }

    /// A second actor in the same module, with the same methods.
    pub(crate) struct Other;

    #[actor]
    impl Other {
        #[call]
        pub(crate) fn get(&self) -> u8 {
            1
        }
        #[call]
        pub(crate) fn set(&mut self) {}
    }

    pub(crate) async fn user(open: Ref<Open>, other: Ref<Other>) -> foundation::Result {
        open.get().await?;
        other.get().await?;
        Ok(())
    }
}

async fn user(open: Ref<public::Open>, other: Ref<public::Other>) -> foundation::Result {
    open.set().await?;
    other.set().await?;
    Ok(())
}

fn main() {
    let _ = (user, private::user, public::user);
    fn local() {
        struct Inner;
        #[actor]
        impl Inner {
            #[cast]
            fn hello(&self) {}
        }
        let _ = |inner: Ref<Inner>| inner.hello();
        let _ = (Inner, InnerMsg::Hello);
    }
    local();
}
