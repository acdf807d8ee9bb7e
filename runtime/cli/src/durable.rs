//! Files that are there whole or not at all, also after a crash: written beside their place, synced, and moved there.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file that must not be there yet, with mode 0600.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    staged(path, bytes, 0o600)?.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(path)
}

/// Writes a file in place of what is there, with mode 0600: a crash leaves the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    staged(path, bytes, 0o600)?.persist(path).map_err(|error| error.error)?;
    sync_folder(path)
}

/// Writes a file that a person named: a new one with the rights that their creation mask leaves, an old one with those
/// that it has, what a link leads to and not the link, and a device or a pipe as it is.
pub(crate) fn write_named(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if there.as_ref().is_some_and(|there| !there.is_file()) || is_open_already(path) {
        let mut device = fs::OpenOptions::new().write(true).open(path)?;
        device.write_all(bytes)?;
        return device.flush();
    }
    let place = if there.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    let file = staged(&place, bytes, 0o666)?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    file.persist(&place).map_err(|error| error.error)?;
    sync_folder(&place)
}

/// Whether a path stands for a file that a process has open, as `/dev/stdout` does: it may be a regular one.
pub(crate) fn is_open_already(path: &Path) -> bool {
    ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"].iter().any(|open| path.starts_with(open))
}

/// With this mode, less the creation mask.
fn staged(path: &Path, bytes: &[u8], mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = builder.tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
