//! How does a newcomer get certificates?
//!
//! Role       `foundation cert init`: a CA of one's own, once, and a certificate for each node, signed
//!            by it. For development and small clusters; whoever has a CA uses that.
//! Invariant  Nothing that is there is written over. Keys appear with mode 0600.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde_json::json;

/// What can be done with certificates.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CertArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: CertVerb,
}

/// What can be done with certificates.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CertVerb {
    /// Make a CA, unless there is one, and a certificate for each node that is named
    Init(InitArgs),
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct InitArgs {
    /// A node, as it is called: what follows the last `@` is the address or host of its certificate
    #[arg(long = "node", value_name = "NAME")]
    pub nodes: Vec<String>,

    /// Where the files are made
    #[arg(long, value_name = "FOLDER", default_value = "certs")]
    pub dir: PathBuf,

    /// For how many days the nodes' certificates are good
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3650))]
    pub days: u64,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

const DAY: Duration = Duration::from_secs(24 * 3600);
const CA_DAYS: u32 = 3650;
/// How wrong another machine's clock may be.
const CLOCK_DAYS: u32 = 1;

/// Runs the command, and returns its exit code.
#[must_use]
pub fn run(args: &CertArgs) -> u8 {
    let CertVerb::Init(args) = &args.verb;
    match init(args) {
        Ok(made) => {
            let text = match args.json {
                true => json!({ "ca": args.dir.join("ca.pem"), "made": made }).to_string() + "\n",
                false => made.iter().fold(String::new(), |text, path| {
                    format!("{text}made {}\n", path.display())
                }),
            };
            drop(io::stdout().write_all(text.as_bytes()));
            0
        }
        Err(error) => {
            drop(writeln!(io::stderr(), "error: {error}"));
            1
        }
    }
}

/// The files that were made.
fn init(args: &InitArgs) -> Result<Vec<PathBuf>, String> {
    let (pem, key) = (args.dir.join("ca.pem"), args.dir.join("ca.key"));
    // All that can be wrong with a name is found before anything is made.
    let mut wanted: Vec<(&str, [PathBuf; 2], CertificateParams)> = Vec::new();
    for name in &args.nodes {
        let files = ["pem", "key"].map(|end| args.dir.join(format!("{name}.{end}")));
        check_name(name)?;
        if wanted.iter().any(|(other, ..)| other == name) {
            return Err(format!("`{name}` is named twice"));
        }
        if let Some(file) = files.iter().find(|file| file.exists()) {
            let file = file.display();
            return Err(format!(
                "{file} is there already; move it away to make a new one"
            ));
        }
        wanted.push((name, files, node(name, args.days)?));
    }
    let mut folder = fs::DirBuilder::new();
    let folder = folder.recursive(true).mode(0o700).create(&args.dir);
    folder.map_err(|error| format!("{}: {error}", args.dir.display()))?;
    let mut made = Vec::new();
    let authority = match (pem.exists(), key.exists()) {
        (true, true) => read_key(&key)?,
        (false, false) => {
            let fresh = KeyPair::generate().map_err(|error| error.to_string())?;
            let certificate = ca()
                .self_signed(&fresh)
                .map_err(|error| error.to_string())?;
            write(&key, &fresh.serialize_pem(), 0o600)?;
            write(&pem, &certificate.pem(), 0o644)?;
            made.extend([pem, key]);
            fresh
        }
        _ => {
            return Err(format!(
                "{} has only one of ca.pem and ca.key: bring the other, or use another folder",
                args.dir.display()
            ));
        }
    };
    let issuer = Issuer::new(ca(), authority);
    for (_, [pem, key], params) in wanted {
        let fresh = KeyPair::generate().map_err(|error| error.to_string())?;
        let certificate = params.signed_by(&fresh, &issuer);
        let certificate = certificate.map_err(|error| error.to_string())?;
        write(&key, &fresh.serialize_pem(), 0o600)?;
        write(&pem, &certificate.pem(), 0o644)?;
        made.extend([pem, key]);
    }
    Ok(made)
}

/// The CA is always this one, but for its key: so it can sign again without being read.
fn ca() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "foundation development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, DAY * CA_DAYS);
    params
}

fn node(name: &str, days: u64) -> Result<CertificateParams, String> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let host = host_of(name);
    params.subject_alt_names = vec![match host.parse::<IpAddr>() {
        Ok(ip) => SanType::IpAddress(ip),
        Err(_) => {
            let is_host = |char: char| char.is_ascii_alphanumeric() || "-.".contains(char);
            let bad = || format!("`{host}` is no host's name");
            let is_good = !host.is_empty() && host.chars().all(is_host);
            let host = host.try_into().ok().filter(|_| is_good).ok_or_else(bad)?;
            SanType::DnsName(host)
        }
    }];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    valid(&mut params, DAY * u32::try_from(days).unwrap_or(CA_DAYS));
    Ok(params)
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a certificate is good from a day on"
)]
fn valid(params: &mut CertificateParams, time: Duration) {
    let now = std::time::SystemTime::now();
    params.not_before = (now - DAY * CLOCK_DAYS).into();
    params.not_after = (now + time).into();
}

/// What is in a certificate of a node's name.
fn host_of(name: &str) -> &str {
    name.rsplit('@').next().unwrap_or(name)
}

/// Whether a node's files can be called so.
fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "@._-:".contains(char);
    // Those two are the CA's.
    let is_taken = name == "ca";
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain) && !is_taken {
        true => Ok(()),
        false => Err(format!("`{name}` cannot be the name of a node's files")),
    }
}

#[expect(clippy::disallowed_methods, reason = "the program reads its own files")]
fn read_key(path: &Path) -> Result<KeyPair, String> {
    let failed = |error: String| format!("{}: {error}", path.display());
    let about = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let why = "others may read or change it";
        return Err(failed(format!("{why} (mode {mode:03o}); `chmod 600` it")));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    KeyPair::from_pem(&text).map_err(|error| failed(error.to_string()))
}

/// Writes a file that is not there.
#[expect(clippy::disallowed_methods, reason = "the program makes files")]
fn write(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{}: {error}", path.display()))
}
