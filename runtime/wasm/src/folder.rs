//! A folder with the operator's own components, each in a file that is named by its digest.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bloom_ir::Digest;

use crate::shipped;

/// A folder of components, for [`Config::tools`](crate::Config::tools). Files with other names than digests may lie there, too.
#[derive(Clone, Debug)]
pub struct ToolFolder(PathBuf);

impl ToolFolder {
    /// The folder of this path, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps a component; repeating it is harmless. Whether it is one is not looked at: see
    /// [`WasmHost::inspect`](crate::WasmHost::inspect). The file is there whole or not at all.
    pub fn add(&self, component: &[u8]) -> io::Result<Digest> {
        std::fs::create_dir_all(&self.0)?;
        let digest = Digest::of(component);
        let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
        file.write_all(component)?;
        file.as_file().sync_all()?;
        file.persist(self.file(digest))?;
        Ok(digest)
    }

    /// Whether a component is there under the name of its digest.
    pub fn has(&self, digest: Digest) -> bool {
        self.file(digest).exists()
    }

    /// Keeps those of the components that ship with this program, as far as they are not there yet.
    pub fn keep_shipped(&self, digests: &[Digest]) -> io::Result<()> {
        let missing: Vec<Digest> = digests.iter().copied().filter(|digest| !self.has(*digest)).collect();
        missing.iter().filter_map(|digest| shipped::of(*digest)).try_for_each(|bytes| self.add(bytes).map(drop))
    }

    /// A component, under whichever name it is there. None, where it is not.
    pub fn read(&self, digest: Digest) -> io::Result<Option<Vec<u8>>> {
        let named = match std::fs::read(self.file(digest)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read?),
        };
        if let Some(bytes) = named.filter(|bytes| Digest::of(bytes) == digest) {
            return Ok(Some(bytes));
        }
        let found = self.list()?.into_iter().find(|(_, there)| *there == digest);
        found.map(|(path, _)| std::fs::read(path)).transpose()
    }

    /// Deletes a component, under whichever name it is there. False, where it is not.
    pub fn remove(&self, digest: Digest) -> io::Result<bool> {
        let mut found = false;
        for (path, there) in self.list()? {
            if there == digest {
                std::fs::remove_file(path)?;
                found = true;
            }
        }
        Ok(found)
    }

    /// All components, in the order of their file names. A folder that does not exist has none.
    pub fn list(&self) -> io::Result<Vec<(PathBuf, Digest)>> {
        let paths = match components(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            paths => paths?,
        };
        paths.into_iter().map(|path| Ok((path.clone(), Digest::of(&std::fs::read(path)?)))).collect()
    }

    fn file(&self, digest: Digest) -> PathBuf {
        self.0.join(format!("{}.wasm", digest.hex()))
    }
}

/// The files of a folder that may be components, in the order of their names.
pub(crate) fn components(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    paths.sort();
    Ok(paths)
}

/// The digest that a file's name says, if it says one.
pub(crate) fn digest_in_name(path: &Path) -> Option<Digest> {
    format!("sha256:{}", path.file_stem()?.to_str()?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_components_that_ship_those_that_are_pinned_are_kept() {
        let parent = tempfile::tempdir().unwrap();
        let folder = ToolFolder::new(parent.path().join("kept"));
        let shipped: Vec<Digest> = crate::embedded().take(2).map(Digest::of).collect();
        let [one, other] = shipped[..] else {
            println!("SKIPPED: built without the target wasm32-unknown-unknown, so there are no tools");
            return;
        };
        let kept = || folder.list().unwrap().into_iter().map(|(_, digest)| digest).collect::<Vec<_>>();
        folder.keep_shipped(&[one, Digest::of(b"somebody else's")]).unwrap();
        assert_eq!(kept(), [one]);
        folder.keep_shipped(&[one, other]).unwrap();
        assert!(kept().len() == 2 && kept().contains(&other));
    }

    #[test]
    fn components_are_kept_by_digest() {
        let parent = tempfile::tempdir().unwrap();
        let folder = ToolFolder::new(parent.path().join("tools"));
        assert!(folder.list().unwrap().is_empty());
        let digest = folder.add(b"one").unwrap();
        assert_eq!(folder.add(b"one").unwrap(), digest);
        std::fs::write(folder.path().join("by-hand.wasm"), "two").unwrap();
        let digests = || folder.list().unwrap().into_iter().map(|(_, digest)| digest).collect::<Vec<_>>();
        assert_eq!(digests().len(), 2);
        let read = |bytes: &[u8]| folder.read(Digest::of(bytes)).unwrap();
        assert_eq!([read(b"one"), read(b"two"), read(b"three")], [Some(b"one".to_vec()), Some(b"two".to_vec()), None]);
        assert!(folder.remove(digest).unwrap() && !folder.remove(digest).unwrap());
        assert_eq!(digests(), [Digest::of(b"two")]);
    }
}
