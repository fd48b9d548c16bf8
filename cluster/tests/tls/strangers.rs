//! Who is kept out although his certificate is good, and is it said why?
//!
//! Role       Strangers that speak TLS by themselves: without a certificate, with one that expires, under
//!            the name of another, of another cluster, and in the middle of two nodes.
//! Sabotages  Seen red: any name behind a good certificate; a handshake that is not bound to its connection.

#![allow(clippy::disallowed_types, reason = "a certificate is good until a day")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use foundation_cluster::handshake::{Effect, Handshake, Input, Refusal, Role, Who};
use foundation_cluster::{Effects, Machine, NodeClusterExt, Secret, Tick, Tls};
use foundation_runtime::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::log::Log;
use super::{Authority, BOUND, Folder, address, end, plan};

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("it is there")
}

fn roots(files: &Tls) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(&read(&files.ca)).expect("it is a certificate");
    roots.add(ca).expect("it is one of a CA");
    Arc::new(roots)
}

fn own(files: &Tls) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from_pem_slice(&read(&files.certificate));
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key));
    (
        vec![certificate.expect("it is there")],
        key.expect("it is there"),
    )
}

/// One that dials with these files; without showing them, if so.
fn dialler(files: &Tls, shows: bool) -> TlsConnector {
    let builder = ClientConfig::builder_with_provider(default_provider().into());
    let builder = builder
        .with_protocol_versions(&[&TLS13])
        .expect("it is spoken");
    let builder = builder.with_root_certificates(roots(files));
    let (chain, key) = own(files);
    let config = match shows {
        true => builder
            .with_client_auth_cert(chain, key)
            .expect("it is the key"),
        false => builder.with_no_client_auth(),
    };
    Arc::new(config).into()
}

fn acceptor(files: &Tls) -> TlsAcceptor {
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(files), provider.clone());
    let verifier = verifier.build().expect("there is a CA");
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder
        .with_protocol_versions(&[&TLS13])
        .expect("it is spoken");
    let (chain, key) = own(files);
    let config = builder
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key);
    Arc::new(config.expect("it is the key")).into()
}

type Dialled = tokio_rustls::client::TlsStream<TcpStream>;

async fn dial(to: SocketAddr, by: &TlsConnector) -> std::io::Result<Dialled> {
    let stream = TcpStream::connect(to).await?;
    let here: IpAddr = Ipv4Addr::LOCALHOST.into();
    by.connect(ServerName::from(here), stream).await
}

/// What becomes of one that dials, and says that it is this node of this cluster.
async fn claims(to: SocketAddr, by: &TlsConnector, name: &str, of: &str) -> Result<(), Refusal> {
    let mut stream = dial(to, by).await.map_err(|_| Refusal::Closed)?;
    let label = b"EXPORTER-Channel-Binding";
    let binding = stream
        .get_ref()
        .1
        .export_keying_material([0; 32], label, Some(&[]));
    let who = Who {
        name: name.into(),
        incarnation: 7,
        address: "127.0.0.1:9".into(),
    };
    let secret = Secret::new([5; 32]).expect("long enough");
    let binding = binding.expect("it has shaken hands");
    let mut machine = Handshake::new(Role::Dialler, Box::from(of), who, secret, [3; 32], &binding);
    let (mut effects, mut inputs) = (Effects::new(), vec![Input::Begin]);
    loop {
        for input in inputs.drain(..) {
            machine.step(Tick::ZERO, input, &mut effects);
        }
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send(bytes) => {
                    stream
                        .write_all(&bytes)
                        .await
                        .map_err(|_| Refusal::Closed)?;
                    stream.flush().await.map_err(|_| Refusal::Closed)?;
                }
                Effect::Admit(..) => inputs.push(Input::Admission(Ok(()))),
                Effect::Agreed(_) => return Ok(()),
                Effect::Refused(refusal) => return Err(refusal),
            }
        }
        if inputs.is_empty() {
            let mut bytes = [0; 2048];
            let length = stream.read(&mut bytes).await.map_err(|_| Refusal::Closed)?;
            inputs.push(match length {
                0 => Input::Closed,
                length => Input::Bytes(bytes[..length].to_vec()),
            });
        }
    }
}

/// Ends the TLS of whoever dials it, and speaks TLS of its own with the node behind.
async fn middle(files: &Tls, behind: SocketAddr) -> SocketAddr {
    let (acceptor, dialler) = (acceptor(files), dialler(files, true));
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut front) = acceptor.accept(stream).await else {
                continue;
            };
            if let Ok(mut back) = dial(behind, &dialler).await {
                let _ = copy_bidirectional(&mut front, &mut back).await;
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_says_why() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).expect("it is the only one");
    let folder = Folder::new("strangers");
    let ca = Authority::new(&folder, "ca");
    let files = |name: &str| ca.signs(&folder, name, "127.0.0.1", |_| {});
    let a = plan("a@127.0.0.1").tls(files("a")).listen("127.0.0.1:0");
    let a = a.start().await.expect("it starts");
    let to: SocketAddr = address(&a).await.parse().expect("it is one");
    let good = files("s");
    let by = dialler(&good, true);
    // Somebody honest is let in.
    assert_eq!(claims(to, &by, "s@127.0.0.1", "foundation").await, Ok(()));
    let seen = claims(to, &by, "s@127.0.0.2", "foundation").await;
    assert_eq!(seen, Err(Refusal::Certificate));
    log.says("it is not for the node `s@127.0.0.2`").await;
    let seen = claims(to, &by, "s@127.0.0.1", "another").await;
    assert_eq!(seen, Err(Refusal::Cluster));
    log.says("belongs to another cluster").await;
    let without = dialler(&good, false);
    assert!(
        claims(to, &without, "s@127.0.0.1", "foundation")
            .await
            .is_err()
    );
    log.says("ertificate").await;
    // Both ends take its certificate, and their secrets are the same: the proofs are not.
    let middle = middle(&good, to).await.to_string();
    let seen = super::refusal("b@127.0.0.1", Some(files("b")), &middle).await;
    assert_eq!(seen, Some(Refusal::Proof));
    log.says("somebody is between the nodes").await;
    assert!(a.cluster().nodes().await.expect("as before").is_empty());
    end(&[&a]).await;
    expires(&log, &ca, &folder).await;
}

/// A certificate that is good when the node is first dialled, and not for long.
#[expect(clippy::disallowed_types, reason = "a certificate is good until a day")]
async fn expires(log: &Log, ca: &Authority, folder: &Folder) {
    let a = ca.signs(folder, "later", "127.0.0.1", |_| {});
    let a = plan("a@127.0.0.1")
        .tls(a)
        .listen("127.0.0.1:0")
        .start()
        .await;
    let a = a.expect("it starts");
    let to: SocketAddr = address(&a).await.parse().expect("it is one");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let until = now.expect("it is later") + Duration::from_secs(5);
    let brief = ca.signs(folder, "brief", "127.0.0.1", |params| {
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + until;
    });
    let by = dialler(&brief, true);
    assert_eq!(claims(to, &by, "s@127.0.0.1", "foundation").await, Ok(()));
    let world = World::real(1);
    let refused = async || claims(to, &by, "s@127.0.0.1", "foundation").await.is_err();
    world.eventually(BOUND, refused).await;
    log.says("it has expired").await;
    end(&[&a, &world.node()]).await;
}
