//! The data directory: the store, the keys, compiled tools. Only its owner may look inside.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::catalogue::{Catalogue, text};
use crate::output;

/// Where `bloom` keeps what it must not lose.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    path: Option<PathBuf>,
}

impl DataDir {
    /// The directory that the operator named (`--data` or `BLOOM_DATA`), else the one of the XDG Base Directory
    /// Specification: `$XDG_DATA_HOME/bloom`, else `~/.local/share/bloom`.
    pub(crate) fn named(path: Option<PathBuf>) -> Self {
        Self { path: path.filter(|path| !path.as_os_str().is_empty()).or_else(default_path) }
    }

    /// The directory, made with mode 0700 where it is not there.
    pub(crate) fn create(&self, catalogue: &Catalogue) -> anyhow::Result<&Path> {
        let path = self.path(catalogue)?;
        create_private(path)
            .with_context(|| text!(catalogue, "data-cannot-create", path = path.display().to_string()))?;
        #[cfg(unix)]
        keep_private(path, catalogue);
        Ok(path)
    }

    /// The directory, whether it is there or not.
    pub(crate) fn path(&self, catalogue: &Catalogue) -> anyhow::Result<&Path> {
        self.path.as_deref().with_context(|| text!(catalogue, "data-no-home"))
    }
}

/// Takes the rights of others away where the directory is empty, and warns where it is not: then it may be meant.
#[cfg(unix)]
fn keep_private(path: &Path, catalogue: &Catalogue) {
    use std::os::unix::fs::PermissionsExt as _;
    static TOLD: std::sync::Once = std::sync::Once::new();
    let Ok(mode) = std::fs::metadata(path).map(|there| there.permissions().mode() & 0o777) else { return };
    if mode.trailing_zeros() >= 6 {
        return;
    }
    let is_empty = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if is_empty && std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).is_ok() {
        return;
    }
    TOLD.call_once(|| {
        let (path, mode) = (path.display().to_string(), format!("{mode:03o}"));
        // A standard error that cannot be written leaves nobody to warn.
        let _ = writeln!(output::stderr(), "{}", text!(catalogue, "data-readable", path = path, mode = mode));
    });
}

fn default_path() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("bloom"))
}

/// Makes a directory and those above it; the directory itself is for its owner only.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}
