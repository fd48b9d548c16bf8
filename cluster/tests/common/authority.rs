//! Who signs certificates?
//!
//! Role       A CA, and files for nodes that it signs, in a folder that goes with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use foundation_cluster::Tls;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ED25519, SanType,
};

/// A folder of its own, gone in the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fnd-tls-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("there is room");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One that signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) file: PathBuf,
}

impl Authority {
    pub(crate) fn new(folder: &Folder, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = key();
        let certificate = params.self_signed(&key).expect("it is whole");
        let file = folder.0.join(format!("{name}.pem"));
        fs::write(&file, certificate.pem()).expect("there is room");
        let issuer = Issuer::new(params, key);
        Self { issuer, file }
    }

    /// The files of a node whose certificate is for this host.
    pub(crate) fn signs(
        &self,
        folder: &Folder,
        name: &str,
        host: &str,
        change: impl Fn(&mut CertificateParams),
    ) -> Tls {
        let key = key();
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        let san = match host.parse() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName(host.try_into().expect("it is a name")),
        };
        params.subject_alt_names.push(san);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("it is whole");
        let [pem, secret] = ["pem", "key"].map(|end| folder.0.join(format!("{name}.{end}")));
        fs::write(&pem, certificate.pem()).expect("there is room");
        fs::write(&secret, key.serialize_pem()).expect("there is room");
        private(&secret, 0o600);
        Tls::files(&self.file, pem, secret)
    }
}

/// Signatures with such a key are all of one size, so that runs of one seed send the same.
fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).expect("there is chance")
}

pub(crate) fn private(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}
