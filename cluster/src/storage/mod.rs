//! What does a node keep on disk?
//!
//! Role       The only room of this crate that opens files.

#[cfg(feature = "tls")]
mod certificates;
mod name_servers;
mod private;
mod secret_file;

#[cfg(feature = "tls")]
pub(crate) use certificates::{Certificates, certificates};
pub(crate) use name_servers::nameservers;
pub(crate) use secret_file::secret_file;
pub use secret_file::{SecretFileError, default_secret_file, state_folder};
