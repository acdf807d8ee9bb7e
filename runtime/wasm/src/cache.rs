//! Compiled components on disk.
//!
//! A file's name holds the component's digest and a hash of everything in the engine that its code depends on; its last
//! 32 bytes are the SHA-256 of the rest. A file that is damaged, or of another engine, is compiled anew.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use bloom_ir::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

const CHECKSUM: usize = 32;

/// Compiles components, and remembers what came of it.
pub(crate) struct Cache {
    engine: Engine,
    /// None where nothing is kept.
    folder: Option<PathBuf>,
    engine_hash: u64,
}

impl Cache {
    /// A cache in a folder that only this user may write; without one it still works, and compiles each time.
    pub(crate) fn open(engine: &Engine, folder: Option<&Path>) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let folder = folder.and_then(|folder| match own_folder(folder) {
            Ok(()) => Some(folder.to_owned()),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "compiled tools are not kept");
                None
            }
        });
        Self { engine: engine.clone(), folder, engine_hash: hasher.finish() }
    }

    /// The component of these bytes, whose digest the caller has computed.
    pub(crate) fn component(&self, digest: Digest, bytes: &[u8]) -> wasmtime::Result<Component> {
        let Some(folder) = &self.folder else { return Component::from_binary(&self.engine, bytes) };
        let file = folder.join(format!("{}-{:016x}.cwasm", digest.hex(), self.engine_hash));
        if let Some(component) = self.load(&file) {
            return Ok(component);
        }
        let component = Component::from_binary(&self.engine, bytes)?;
        if let Err(error) = store(folder, &file, &component.serialize()?) {
            tracing::warn!(file = %file.display(), %error, "a compiled tool is not kept");
        }
        Ok(component)
    }

    #[expect(unsafe_code, reason = "wasmtime trusts compiled code, so loading it is unsafe")]
    fn load(&self, file: &Path) -> Option<Component> {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a compiled tool cannot be read");
                return None;
            }
        };
        let (code, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
        if Digest::of(code).as_bytes() != checksum {
            tracing::warn!(file = %file.display(), "a compiled tool is damaged, and compiled anew");
            return None;
        }
        // SAFETY: the file is in a folder that belongs to this user and that nobody else may write (`own_folder`), under
        // a name that only `store` gives, its bytes are those that were stored (the checksum), and wasmtime itself
        // refuses code of another version or of other settings. It is mapped, so it must not be written in place: it
        // never is, `store` replaces it by a rename.
        let loaded = unsafe { Component::deserialize_file(&self.engine, file) };
        loaded
            .inspect_err(|error| tracing::warn!(file = %file.display(), %error, "a compiled tool is compiled anew"))
            .ok()
    }
}

/// Makes the folder, or makes sure that nobody else could have written to it.
fn own_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder belongs to another user"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "other users may write to the folder"));
    }
    Ok(())
}

/// Writes a file that is there whole or not at all.
fn store(folder: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(code)?;
    temporary.write_all(Digest::of(code).as_bytes())?;
    temporary.persist(file)?;
    Ok(())
}
