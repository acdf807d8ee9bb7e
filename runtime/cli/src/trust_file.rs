//! The trust list of a program that goes on for long: who is trusted from now on, or no more, counts at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bloom_ir::TrustList;
use bloom_runtime::signers::Signers;

use crate::keyring::{Keyring, read_trust};
use crate::session::Session;

/// A trust list that is read again whenever its file is another one.
pub(crate) struct TrustFile {
    path: PathBuf,
    kept: Mutex<Kept>,
}

struct Kept {
    stamp: Option<Stamp>,
    list: Arc<TrustList>,
}

/// What tells one writing of a file from another: it is replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    written: SystemTime,
    bytes: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let told = fs::metadata(path).ok()?;
        Some(Self { written: told.modified().ok()?, bytes: told.len() })
    }
}

impl TrustFile {
    /// The list of the session's data directory; none is there before somebody is trusted.
    pub(crate) fn of(session: &Session) -> anyhow::Result<Self> {
        let keyring = Keyring::of(session)?;
        let path = keyring.trust_path().to_owned();
        // Taken before it is read: what is written in between is seen the next time.
        let stamp = Stamp::of(&path);
        let list = Arc::new(keyring.trust_list()?);
        Ok(Self { path, kept: Mutex::new(Kept { stamp, list }) })
    }
}

impl Signers for TrustFile {
    fn trusted(&self) -> Arc<TrustList> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.path);
        if kept.stamp != stamp {
            kept.stamp = stamp;
            match read_trust(&self.path).and_then(|list| Ok(list?)) {
                Ok(list) => kept.list = Arc::new(list),
                // Whoever was trusted before is until the file can be read again.
                Err(error) => tracing::error!(%error, path = %self.path.display(), "the trust list cannot be read"),
            }
        }
        kept.list.clone()
    }
}
