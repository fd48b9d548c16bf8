//! Did the operating system ask us to end?
//!
//! Role       Waits for SIGINT or SIGTERM, on the tokio runtime underneath.

/// Resolves when the program is asked to end, with the signal's name.
pub(crate) async fn termination() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (int, term) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        );
        if let (Ok(mut int), Ok(mut term)) = (int, term) {
            return std::future::poll_fn(|cx| {
                if int.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready("SIGINT");
                }
                term.poll_recv(cx).map(|_| "SIGTERM")
            })
            .await;
        }
        std::future::pending().await
    }
    #[cfg(not(unix))]
    {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "ctrl-c"
    }
}
