//! Files below folders that the operator named, to read: capability `files:ROOT` for each.
//!
//! A path is relative to its root, its parts separated by `/`. Names that start with a dot are not there for a tool, and
//! what leads out of the root is refused.

pub use crate::bindings::bloom::tool::files::{Entry, Page};
use crate::{Failure, host};

/// All files of a folder and of the folders below it, in the byte order of their paths; `""` is the whole root.
pub fn list(root: &str, folder: &str) -> Result<Vec<Entry>, Failure> {
    walk(root, folder).collect()
}

/// The same, a part at a time: for folders of many files, of which only a few are to be remembered. After a failure nothing
/// more comes.
pub fn walk(root: &str, folder: &str) -> impl Iterator<Item = Result<Entry, Failure>> {
    let mut entries = Vec::new().into_iter();
    // Where the next part begins; none after the last one.
    let mut next = Some(None);
    std::iter::from_fn(move || {
        loop {
            if let Some(entry) = entries.next() {
                return Some(Ok(entry));
            }
            let cursor: Option<String> = next.take()?;
            match list_page(root, folder, cursor.as_deref()) {
                Ok(page) => {
                    entries = page.entries.into_iter();
                    next = page.next.map(Some);
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    })
}

/// A part of such a listing: the first one, or the one after a cursor.
pub fn list_page(root: &str, folder: &str, cursor: Option<&str>) -> Result<Page, Failure> {
    host::files::list(root, folder, cursor)
}

/// A whole file.
pub fn read(root: &str, path: &str) -> Result<Vec<u8>, Failure> {
    host::files::read(root, path)
}

/// A file's text; fails with `invalid_utf8` where it is none.
pub fn read_text(root: &str, path: &str) -> Result<String, Failure> {
    String::from_utf8(read(root, path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new("invalid_utf8", format!("`{root}/{path}` is not UTF-8 text: see its byte {at}"))
    })
}

/// A file's text; none where there is no such file.
pub fn read_text_if_there(root: &str, path: &str) -> Result<Option<String>, Failure> {
    match read_text(root, path) {
        Ok(text) => Ok(Some(text)),
        Err(failure) if failure.code == "not_found" => Ok(None),
        Err(failure) => Err(failure),
    }
}
