//! With what does a node prove itself on a network?
//!
//! Role       Names three files: the cluster's CA, the node's certificate and its key; and says what
//!            is wrong with them.
//! Invariant  Nothing is started with files that no other node would accept.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::storage;
use crate::transport::Identity;

/// The files of a node that speaks TLS. With them it may listen at, and dial, addresses of other
/// machines; every connection then is TLS 1.3 with certificates on both sides.
///
/// Each file is in PEM form. `foundation cert init` makes all three.
///
/// ```no_run
/// use foundation_cluster::{BuilderExt, Tls};
/// use foundation_runtime::Node;
///
/// # async fn start() -> Result<(), foundation_cluster::StartError> {
/// let node = Node::builder()
///     .name("a@10.0.0.1")
///     .listen("10.0.0.1:7001")
///     .tls(Tls::files("ca.pem", "a.pem", "a.key"))
///     .start()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificates that sign those of the cluster's nodes: one, or two while one takes the
    /// other's place.
    pub ca: PathBuf,
    /// The node's certificate, and behind it those between it and the CA's, if there are any. What
    /// follows the last `@` of the node's name is in it, as an IP address or as a DNS name.
    pub certificate: PathBuf,
    /// The key of that certificate. Nobody but its owner may read the file: mode 0600.
    pub key: PathBuf,
}

impl Tls {
    /// These files: the cluster's CA, the node's certificate, its key. They are read when the node
    /// starts.
    pub fn files(
        ca: impl Into<PathBuf>,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        Self {
            ca: ca.into(),
            certificate: certificate.into(),
            key: key.into(),
        }
    }

    /// What they say, if it is good for a node of this name.
    pub(crate) fn identity(&self, name: &str) -> Result<Identity, TlsError> {
        let read = storage::certificates(self)?;
        Identity::new(self, read, name)
    }
}

/// Why a node cannot speak TLS with its files. Nothing was started, and the files are as they were.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The system refused: which file, and why.
    Io(PathBuf, io::Error),
    /// There is no certificate in this file: it takes one in PEM form.
    NoCertificate(PathBuf),
    /// There is no key in this file: it takes one in PEM form, without a password.
    NoKey(PathBuf),
    /// Others than its owner may read or change the key, for the file has this mode. `chmod 600` it,
    /// and make a new one if it may have been read.
    NotPrivate(PathBuf, u32),
    /// What is in this file is broken, or of a kind that is not known.
    Bad(PathBuf, Box<str>),
    /// The key, the second file, is not the one of the certificate, the first.
    OtherKey(PathBuf, PathBuf),
    /// Other nodes would refuse this certificate, for this reason.
    Refused(PathBuf, Box<str>),
    /// This certificate is not for a node of this name: what follows the last `@` of the name is to
    /// be in it.
    OtherName(PathBuf, Box<str>),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoCertificate(path) => write!(
                f,
                "{}: there is no certificate in it; it takes one in PEM form",
                path.display()
            ),
            Self::NoKey(path) => write!(
                f,
                "{}: there is no key in it; it takes one in PEM form, without a password",
                path.display()
            ),
            Self::NotPrivate(path, mode) => write!(
                f,
                "{}: others may read or change it (mode {mode:03o}); `chmod 600` it, and make a new \
                 one if somebody may have read it",
                path.display()
            ),
            Self::Bad(path, what) => write!(f, "{}: {what}", path.display()),
            Self::OtherKey(certificate, key) => write!(
                f,
                "{}: it is not the key of the certificate in {}",
                key.display(),
                certificate.display()
            ),
            Self::Refused(path, why) => write!(
                f,
                "{}: other nodes would refuse this certificate: {why}",
                path.display()
            ),
            Self::OtherName(path, name) => write!(
                f,
                "{}: the certificate is not for the node `{name}`: `{}` is not in it; `foundation \
                 cert init --node {name}` makes one",
                path.display(),
                crate::transport::host_of(name)
            ),
        }
    }
}

impl std::error::Error for TlsError {}
