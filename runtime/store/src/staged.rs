//! A file that is there whole or not at all: written beside its place, synced, and moved there, where nothing is yet.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::transfer::TransferError;

/// A file that does not have its name yet. Dropped, it is gone.
pub(crate) struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

impl Staged {
    /// For its owner alone.
    pub(crate) fn new(path: &Path) -> Result<Self, TransferError> {
        if path.try_exists().map_err(TransferError::Write)? {
            return Err(TransferError::Exists(path.to_owned()));
        }
        let name = path.file_name().ok_or_else(|| TransferError::Write(ErrorKind::InvalidInput.into()))?;
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(folder(path));
        Ok(Self { file: file.map_err(TransferError::Write)?, path: path.to_owned() })
    }

    pub(crate) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Where it is for now.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn sync(&self) -> Result<(), TransferError> {
        self.file().sync_all().map_err(TransferError::Write)
    }

    /// Gives it its name, also after a power cut.
    pub(crate) fn persist(self) -> Result<(), TransferError> {
        self.sync()?;
        let Self { file, path } = self;
        file.persist_noclobber(&path).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => TransferError::Exists(path.clone()),
            _ => TransferError::Write(error.error),
        })?;
        let synced: io::Result<()> = File::open(folder(&path)).and_then(|folder| folder.sync_all());
        synced.map_err(TransferError::Write)
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
