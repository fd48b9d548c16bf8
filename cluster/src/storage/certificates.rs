//! What is in the files of a node that speaks TLS?
//!
//! Role       Reads PEM: certificates of the CA, of the node, and its key.
//! Limit      [`BYTES_MAX`] bytes a file.
//! Invariant  A key that others may read is not used.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::private::others_may;
use crate::{Tls, TlsError};

/// The most bytes that are read of a file.
const BYTES_MAX: u64 = 1 << 20;

/// What was read.
pub(crate) struct Certificates {
    pub(crate) ca: Vec<CertificateDer<'static>>,
    pub(crate) own: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

pub(crate) fn certificates(tls: &Tls) -> Result<Certificates, TlsError> {
    Ok(Certificates {
        ca: read_certificates(&tls.ca)?,
        own: read_certificates(&tls.certificate)?,
        key: read_key(&tls.key)?,
    })
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let (bytes, _) = read(path).map_err(|error| TlsError::Io(path.to_owned(), error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found.map_err(|error| broken(path, &error))? {
        found if found.is_empty() => Err(TlsError::NoCertificate(path.to_owned())),
        found => Ok(found),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let (bytes, about) = read(path).map_err(|error| TlsError::Io(path.to_owned(), error))?;
    if let Some(mode) = others_may(&about) {
        return Err(TlsError::NotPrivate(path.to_owned(), mode));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(path.to_owned()),
        error => broken(path, &error),
    })
}

fn broken(path: &Path, error: &pem::Error) -> TlsError {
    let what = format!("what is in it is broken: {error}");
    TlsError::Bad(path.to_owned(), what.into())
}

#[expect(clippy::disallowed_methods, reason = "the room that opens files")]
fn read(path: &Path) -> io::Result<(Vec<u8>, fs::Metadata)> {
    let file = fs::File::open(path)?;
    let about = file.metadata()?;
    let mut bytes = Vec::new();
    Read::read_to_end(&mut Read::take(file, BYTES_MAX), &mut bytes)?;
    Ok((bytes, about))
}
