//! Files below the roots that the operator granted.

use crate::{Entry, Failure, Page, failure};

/// What the interface `files` offers.
pub trait Files {
    /// A part of the listing of a folder.
    fn list(&self, root: &str, prefix: &str, cursor: Option<&str>) -> Result<Page, Failure>;

    /// A whole file.
    fn read(&self, root: &str, path: &str) -> Result<Vec<u8>, Failure>;
}

/// The files that the host grants; there are none outside of it.
pub struct Granted;

#[cfg(target_arch = "wasm32")]
impl Files for Granted {
    fn list(&self, root: &str, prefix: &str, cursor: Option<&str>) -> Result<Page, Failure> {
        crate::bindings::bloom::tool::files::list(root, prefix, cursor)
    }

    fn read(&self, root: &str, path: &str) -> Result<Vec<u8>, Failure> {
        crate::bindings::bloom::tool::files::read(root, path)
    }
}

/// All files of a folder, in the byte order of their paths.
pub fn list_all(files: &impl Files, root: &str, prefix: &str) -> Result<Vec<Entry>, Failure> {
    let mut page = files.list(root, prefix, None)?;
    let mut entries = page.entries;
    while let Some(cursor) = page.next {
        page = files.list(root, prefix, Some(&cursor))?;
        entries.append(&mut page.entries);
    }
    Ok(entries)
}

/// A file's text; fails with `invalid_utf8` where it is none.
pub fn read_text(files: &impl Files, root: &str, path: &str) -> Result<String, Failure> {
    String::from_utf8(files.read(root, path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        failure("invalid_utf8", format!("`{root}/{path}` is not UTF-8 text: see its byte {at}"))
    })
}

/// A file's text; none where there is no such file.
pub fn read_if_there(files: &impl Files, root: &str, path: &str) -> Result<Option<String>, Failure> {
    match read_text(files, root, path) {
        Ok(text) => Ok(Some(text)),
        Err(failure) if failure.code == "not_found" => Ok(None),
        Err(failure) => Err(failure),
    }
}
