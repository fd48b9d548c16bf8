//! How do two nodes make sure that nobody reads along, or is another?
//!
//! Role       TLS 1.3 over a socket or a circuit, with certificates of both ends that the cluster's CA has signed.
//! Outputs    A stream, what says of it that it is this one, and whether the other end's certificate
//!            is for a name.
//! Invariant  There is no connection without a certificate of the other end, and none is resumed: each
//!            one's certificates are looked at. Whose they are is asked later, when the other has
//!            said its name.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{
    NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier,
};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::host_of;
use super::plain::Plain;
use crate::handshake::Refusal;
use crate::storage::Certificates;
use crate::{Tls, TlsError};

/// RFC 9266, `tls-exporter`: what two ends of one connection see, and nobody else.
const BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";
const BINDING_BYTES: usize = 32;
/// Asked of no certificate, and not sent: nodes are told apart by what they say afterwards.
const NOBODY: &str = "node.invalid";

/// What a node proves itself with.
#[derive(Clone)]
pub(crate) struct Identity {
    dialler: TlsConnector,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl Identity {
    /// What was read from these files, if it is good for a node of this name.
    pub(crate) fn new(files: &Tls, read: Certificates, name: &str) -> Result<Self, TlsError> {
        let bad = |path: &Path| {
            let path = path.to_owned();
            move |what: String| TlsError::Bad(path, what.into())
        };
        let mut roots = RootCertStore::empty();
        for ca in read.ca {
            let added = roots.add(ca);
            added.map_err(|error| bad(&files.ca)(certificate_words(&error)))?;
        }
        let provider = Arc::new(ring::default_provider());
        let trust = Trust::new(roots, &provider).map_err(bad(&files.ca))?;
        trust.check_own(files, &read.own, name)?;

        let failed = |error: Error| match error {
            Error::InconsistentKeys(_) => {
                TlsError::OtherKey(files.certificate.clone(), files.key.clone())
            }
            error => bad(&files.key)(format!("the key cannot be used: {error}")),
        };
        let clients = Arc::clone(&trust.clients);
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(failed)?
            .with_client_cert_verifier(clients)
            .with_single_cert(read.own.clone(), read.key.clone_key());
        let mut server = server.map_err(failed)?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust))
            .with_client_auth_cert(read.own, read.key);
        let mut client = client.map_err(failed)?;
        client.resumption = Resumption::disabled();
        client.enable_sni = false;
        Ok(Self {
            dialler: TlsConnector::from(Arc::new(client)),
            acceptor: TlsAcceptor::from(Arc::new(server)),
        })
    }

    pub(super) async fn dialled(&self, stream: Plain) -> io::Result<TlsStream> {
        let nobody = ServerName::try_from(NOBODY).map_err(io::Error::other)?;
        let stream = self.dialler.connect(nobody, stream).await?;
        TlsStream::new(stream.into())
    }

    pub(super) async fn accepted(&self, stream: Plain) -> io::Result<TlsStream> {
        let stream = self.acceptor.accept(stream).await?;
        TlsStream::new(stream.into())
    }
}

/// Whose certificates are believed: those that the cluster's CA has signed, and nothing is asked of
/// their names.
#[derive(Debug)]
struct Trust {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    clients: Arc<dyn ClientCertVerifier>,
}

impl Trust {
    fn new(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Self, String> {
        let roots = Arc::new(roots);
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
        Ok(Self {
            roots,
            algorithms: provider.signature_verification_algorithms,
            clients: clients.build().map_err(|error| error.to_string())?,
        })
    }

    fn server(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        let known = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, between, now, known)
    }

    /// Whether other nodes will accept the node's own certificate, at both ends.
    fn check_own(
        &self,
        files: &Tls,
        own: &[CertificateDer<'_>],
        name: &str,
    ) -> Result<(), TlsError> {
        let file = || files.certificate.clone();
        let (certificate, between) = own
            .split_first()
            .ok_or_else(|| TlsError::NoCertificate(file()))?;
        let now = UnixTime::now();
        let both = self.server(certificate, between, now).and_then(|()| {
            let client = self.clients.verify_client_cert(certificate, between, now);
            client.map(drop)
        });
        both.map_err(|error| TlsError::Refused(file(), certificate_words(&error).into()))?;
        match is_for(certificate, name) {
            true => Ok(()),
            false => Err(TlsError::OtherName(file(), name.into())),
        }
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.server(certificate, between, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether a certificate is for a node of this name.
fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let certificate = ParsedCertificate::try_from(certificate);
    match (certificate, ServerName::try_from(host_of(name))) {
        (Ok(certificate), Ok(host)) => verify_server_name(&certificate, &host).is_ok(),
        _ => false,
    }
}

/// Bytes in order, both ways, that nobody else reads or changes.
#[derive(Debug)]
pub(crate) struct TlsStream {
    stream: tokio_rustls::TlsStream<Plain>,
    binding: [u8; BINDING_BYTES],
}

impl TlsStream {
    fn new(stream: tokio_rustls::TlsStream<Plain>) -> io::Result<Self> {
        let (room, context) = ([0; BINDING_BYTES], Some(&[][..]));
        let exported = match &stream {
            tokio_rustls::TlsStream::Client(client) => {
                let (_, session) = client.get_ref();
                session.export_keying_material(room, BINDING_LABEL, context)
            }
            tokio_rustls::TlsStream::Server(server) => {
                let (_, session) = server.get_ref();
                session.export_keying_material(room, BINDING_LABEL, context)
            }
        };
        let binding = exported.map_err(io::Error::other)?;
        Ok(Self { stream, binding })
    }

    /// What both ends of this connection see, and of no other.
    pub(super) fn binding(&self) -> &[u8] {
        &self.binding
    }

    /// Whether the other end's certificate is for a node of this name.
    pub(super) fn is_of(&self, name: &str) -> bool {
        let (_, session) = self.stream.get_ref();
        let shown = session.peer_certificates().and_then(<[_]>::first);
        shown.is_some_and(|certificate| is_for(certificate, name))
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// What TLS says of a connection that failed, if it was TLS that failed.
pub(crate) fn complaint(error: &io::Error) -> Option<(Refusal, String)> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(_) => (Refusal::Certificate, certificate_words(error)),
        Error::NoCertificatesPresented => (Refusal::Certificate, "it has shown none".to_owned()),
        Error::AlertReceived(alert) => alert_words(*alert),
        error => (
            Refusal::Malformed,
            format!("no TLS 1.3 as nodes speak it: {error}"),
        ),
    })
}

/// What the other end says. In TLS 1.3 it does so after this end believes all to be well.
fn alert_words(alert: AlertDescription) -> (Refusal, String) {
    use AlertDescription as Alert;
    let why = match alert {
        Alert::UnknownCA => "not signed by the cluster's CA as the other end knows it",
        Alert::CertificateExpired => "expired, or not valid yet",
        Alert::CertificateRequired => "none was shown",
        Alert::UnsupportedCertificate => "not for both ends of TLS",
        Alert::BadCertificate | Alert::CertificateUnknown => "it is broken, or not wanted",
        Alert::CertificateRevoked => "revoked",
        Alert::AccessDenied | Alert::DecryptError => "it does not prove who this node is",
        other => {
            let words = format!("the other end does not speak TLS 1.3 as nodes do: {other:?}");
            return (Refusal::Malformed, words);
        }
    };
    let words = format!("the other end refuses this node's: {why}");
    (Refusal::Certificate, words)
}

/// What is wrong with a certificate.
fn certificate_words(error: &Error) -> String {
    let Error::InvalidCertificate(error) = error else {
        return error.to_string();
    };
    match error {
        CertificateError::UnknownIssuer => "it is not signed by the cluster's CA".to_owned(),
        CertificateError::BadEncoding => "it is no certificate, or broken".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            format!("it has expired, {} ago", between(*not_after, *time))
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "it is not valid yet, for {} more; do the clocks agree?",
            between(*time, *not_before)
        ),
        CertificateError::InvalidPurposeContext { .. } => {
            "it is not for both ends of TLS: it takes the purposes serverAuth and clientAuth"
                .to_owned()
        }
        other => other.to_string(),
    }
}

fn between(from: UnixTime, to: UnixTime) -> String {
    let time = Duration::from_secs(to.as_secs().saturating_sub(from.as_secs()));
    let (hour, day) = (3600, 24 * 3600);
    match time.as_secs() {
        seconds if seconds >= 2 * day => format!("{} days", seconds / day),
        seconds if seconds >= 2 * hour => format!("{} hours", seconds / hour),
        seconds => format!("{seconds} s"),
    }
}
