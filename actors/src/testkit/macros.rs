//! How are messages and crashes asserted by a pattern?
//!
//! Role       The macros of the test kit. Each is awaited inside, so it stands in an async function.
//! Source     elixir: ExUnit.Assertions

/// The bound that was given, or the default.
#[doc(hidden)]
#[macro_export]
macro_rules! __within {
    ($default:expr) => {
        $default
    };
    ($default:expr, $bound:expr) => {
        $bound
    };
}

/// A closure that takes what the pattern matches, and gives back the rest.
#[doc(hidden)]
#[macro_export]
macro_rules! __matcher {
    ($pattern:pat, [$($guard:expr)?], [$($value:expr)?]) => {
        |__item| match __item {
            $pattern $(if $guard)? => ::core::result::Result::Ok({ $($value)? }),
            #[allow(unreachable_patterns)]
            __other => ::core::result::Result::Err(__other),
        }
    };
}

/// A closure that shows an item by its `Debug`, if it has one.
#[doc(hidden)]
#[macro_export]
macro_rules! __show {
    () => {
        |__item: &_| {
            #[allow(unused_imports)]
            use $crate::__macro::{Show, ShowDebug as _, ShowNothing as _};
            ::std::format!("{:?}", (&Show(__item)).text())
        }
    };
}

/// Waits until a probe has a message that matches, and takes it.
///
/// ```text
/// assert_receive!(probe, Msg::Done(7, _));
/// assert_receive!(probe, Msg::Done(id, _) if id == 7, within: ms(100));
/// let text = assert_receive!(probe, Msg::Done(7, text) => text);
/// assert_receive!(probe.mail(), Mail::Down(down) if down.reason == Reason::Normal);
/// assert_receive!(probe.letters::<Other>(), Other(1));
/// ```
///
/// It waits a second unless `within` says otherwise, on the node's clock: in a simulated world that
/// takes no time. A failure shows the pattern, the bound, and what the mailbox held instead. What
/// does not match stays where it was.
#[macro_export]
macro_rules! assert_receive {
    ($probe:expr, $pattern:pat $(if $guard:expr)? $(=> $value:expr)? $(, within: $bound:expr)? $(,)?) => {
        match $crate::testkit::listen(
            &$probe,
            $crate::__within!($crate::testkit::ASSERT_WITHIN $(, $bound)?),
            $crate::__matcher!($pattern, [$($guard)?], [$($value)?]),
            $crate::__show!(),
        )
        .await
        {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(missed) => ::core::panic!(
                "{}",
                missed.about(::core::stringify!($pattern $(if $guard)?))
            ),
        }
    };
}

/// Takes a message that matches and has been sent already; [`assert_receive!`] waits for one.
///
/// Whatever lay in the probe's inbox when this began has been received.
#[macro_export]
macro_rules! assert_received {
    ($probe:expr, $pattern:pat $(if $guard:expr)? $(=> $value:expr)? $(,)?) => {
        match $crate::testkit::look(
            &$probe,
            $crate::__matcher!($pattern, [$($guard)?], [$($value)?]),
            $crate::__show!(),
        )
        .await
        {
            ::core::result::Result::Ok(value) => value,
            ::core::result::Result::Err(missed) => ::core::panic!(
                "{}",
                missed.about(::core::stringify!($pattern $(if $guard)?))
            ),
        }
    };
}

/// Sees that no message that matches comes, for a tenth of a second unless `within` says otherwise.
///
/// ```text
/// refute_receive!(probe, Msg::Failed(..), within: ms(500));
/// ```
#[macro_export]
macro_rules! refute_receive {
    ($probe:expr, $pattern:pat $(if $guard:expr)? $(, within: $bound:expr)? $(,)?) => {
        if let ::core::result::Result::Err(unwanted) = $crate::testkit::refuse(
            &$probe,
            ::core::option::Option::Some(
                $crate::__within!($crate::testkit::REFUTE_WITHIN $(, $bound)?)
            ),
            $crate::__matcher!($pattern, [$($guard)?], []),
            $crate::__show!(),
        )
        .await
        {
            ::core::panic!(
                "{}",
                unwanted.about(::core::stringify!($pattern $(if $guard)?))
            )
        }
    };
}

/// Sees that no message that matches has been sent so far; [`refute_receive!`] waits a while.
#[macro_export]
macro_rules! refute_received {
    ($probe:expr, $pattern:pat $(if $guard:expr)? $(,)?) => {
        if let ::core::result::Result::Err(unwanted) = $crate::testkit::refuse(
            &$probe,
            ::core::option::Option::None,
            $crate::__matcher!($pattern, [$($guard)?], []),
            $crate::__show!(),
        )
        .await
        {
            ::core::panic!(
                "{}",
                unwanted.about(::core::stringify!($pattern $(if $guard)?))
            )
        }
    };
}

/// Waits for a crash, and takes its report out of those that were captured.
///
/// ```text
/// let crashes = w.capture_crashes();
/// // ..
/// assert_crash!(node, crashes, "no fuel");                       // its report says so
/// let report = assert_crash!(node, crashes, |report| report.pid == pid, within: secs(5));
/// ```
#[macro_export]
macro_rules! assert_crash {
    ($node:expr, $crashes:expr, $pattern:expr $(, within: $bound:expr)? $(,)?) => {
        match $crate::testkit::expect_crash(
            &$node,
            &$crashes,
            $crate::__within!($crate::testkit::ASSERT_WITHIN $(, $bound)?),
            &$pattern,
        )
        .await
        {
            ::core::result::Result::Ok(report) => report,
            ::core::result::Result::Err(instead) => ::core::panic!(
                "no crash that fits `{}` {instead}",
                ::core::stringify!($pattern)
            ),
        }
    };
}

/// Sees that nothing crashes that fits, for a tenth of a second unless `within` says otherwise.
#[macro_export]
macro_rules! refute_crash {
    ($node:expr, $crashes:expr, $pattern:expr $(, within: $bound:expr)? $(,)?) => {
        if let ::core::result::Result::Ok(report) = $crate::testkit::expect_crash(
            &$node,
            &$crashes,
            $crate::__within!($crate::testkit::REFUTE_WITHIN $(, $bound)?),
            &$pattern,
        )
        .await
        {
            ::core::panic!(
                "a crash that fits `{}`:\n{report}",
                ::core::stringify!($pattern)
            )
        }
    };
}
