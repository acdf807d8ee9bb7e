//! Files in memory, for tests.

use std::collections::BTreeMap;

use crate::{Entry, Failure, Files, Page, failure};

/// Files by root and path, listed two at a time.
#[derive(Default)]
pub struct Folder(BTreeMap<(String, String), (Vec<u8>, i64)>);

impl Folder {
    /// Adds a file that was changed at a time, in Unix milliseconds.
    #[must_use]
    pub fn with(mut self, root: &str, path: &str, content: impl Into<Vec<u8>>, modified: i64) -> Self {
        self.0.insert((root.into(), path.into()), (content.into(), modified));
        self
    }
}

impl Files for Folder {
    fn list(&self, root: &str, prefix: &str, cursor: Option<&str>) -> Result<Page, Failure> {
        let below =
            |path: &str| prefix.is_empty() || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
        let found = self.0.iter().filter(|((of, path), _)| of == root && below(path));
        let mut entries: Vec<Entry> = found
            .filter(|((_, path), _)| cursor.is_none_or(|cursor| path.as_str() > cursor))
            .map(|((_, path), (content, modified))| Entry {
                path: path.clone(),
                size: content.len() as u64,
                modified: *modified,
            })
            .collect();
        let more = entries.len() > 2;
        entries.truncate(2);
        let next = if more { entries.last().map(|entry| entry.path.clone()) } else { None };
        Ok(Page { entries, next })
    }

    fn read(&self, root: &str, path: &str) -> Result<Vec<u8>, Failure> {
        match self.0.get(&(root.to_owned(), path.to_owned())) {
            Some((content, _)) => Ok(content.clone()),
            None => Err(failure("not_found", format!("there is no `{root}/{path}`"))),
        }
    }
}
