//! Is this request the operator's own?
//!
//! Role       Checks host, origin and token of each request.
//! Inputs     The address that is served; headers; the token of the URL.
//! Outputs    Nothing, or a [`Refusal`].
//! Invariant  A page of another site can neither read from here nor do anything: it has no token,
//!            its origin is another, and a name that it lets point here is no host of ours.

use std::net::SocketAddr;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It was made for another host: a name that somebody lets point at this machine.
    Host,
    /// It was made by another site's page.
    Origin,
    /// It does not bear the token of this start.
    Token,
}

/// What requests are checked against.
#[derive(Debug, Clone)]
pub struct Guard {
    bound: SocketAddr,
    token: String,
}

impl Guard {
    /// Of a page that is served at `bound`, and was given this token.
    #[must_use]
    pub fn new(bound: SocketAddr, token: String) -> Self {
        Self { bound, token }
    }

    /// Where the page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/?token={}", self.bound, self.token)
    }

    /// Whether a request may pass: its `Host`, its `Origin` if it has one, its token.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(
        &self,
        host: Option<&str>,
        origin: Option<&str>,
        token: Option<&str>,
    ) -> Result<(), Refusal> {
        if !host.is_some_and(|host| self.is_ours(host)) {
            return Err(Refusal::Host);
        }
        let foreign = |origin: &str| {
            let host = origin.strip_prefix("http://");
            !host.is_some_and(|host| self.is_ours(host))
        };
        if origin.is_some_and(foreign) {
            return Err(Refusal::Origin);
        }
        match token {
            Some(token) if equal(token.as_bytes(), self.token.as_bytes()) => Ok(()),
            _ => Err(Refusal::Token),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let port = self.bound.port();
        if host == self.bound.to_string() {
            return true;
        }
        // Bound to all addresses, it is reached by any of them; but by addresses, not by names.
        if self.bound.ip().is_unspecified() {
            let address = host.parse::<SocketAddr>();
            return address.is_ok_and(|address| address.port() == port);
        }
        self.bound.ip().is_loopback() && host == format!("localhost:{port}")
    }
}

/// Compared without telling by the time it takes where they differ.
fn equal(one: &[u8], other: &[u8]) -> bool {
    let differ = one
        .iter()
        .zip(other)
        .fold(0, |differ, (a, b)| differ | (a ^ b));
    one.len() == other.len() && differ == 0
}
