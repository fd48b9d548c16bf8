//! What does a node keep on disk?
//!
//! Role       The only room of this crate that opens files.

mod secret_file;

pub(crate) use secret_file::secret_file;
pub use secret_file::{SecretFileError, default_secret_file, state_folder};
