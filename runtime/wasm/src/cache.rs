//! Compiled components on disk.
//!
//! A file's name holds the component's digest and a hash of everything in the engine that its code depends on; its last
//! 32 bytes are the SHA-256 of the rest. A file that is damaged, or of another engine, is compiled anew.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use bloom_ir::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

const CHECKSUM: usize = 32;
const PIECE: usize = 64 << 10;

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
        let file = self.file(folder, digest);
        if let Some(component) = self.load(&file) {
            return Ok(component);
        }
        let component = Component::from_binary(&self.engine, bytes)?;
        if let Err(error) = store(folder, &file, &component.serialize()?) {
            tracing::warn!(file = %file.display(), %error, "a compiled tool is not kept");
        }
        Ok(component)
    }

    /// Whether this engine has code of a component on the disk.
    pub(crate) fn has(&self, digest: Digest) -> bool {
        self.folder.as_ref().is_some_and(|folder| self.file(folder, digest).exists())
    }

    fn file(&self, folder: &Path, digest: Digest) -> PathBuf {
        folder.join(format!("{}-{:016x}.cwasm", digest.hex(), self.engine_hash))
    }

    #[expect(unsafe_code, reason = "wasmtime trusts compiled code, so loading it is unsafe")]
    fn load(&self, file: &Path) -> Option<Component> {
        match is_whole(file) {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(file = %file.display(), "a compiled tool is damaged, and compiled anew");
                return None;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a compiled tool cannot be read");
                return None;
            }
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

/// Whether a file's last bytes are the checksum of the others. It is read in pieces: the allocator would keep the memory for the whole.
fn is_whole(file: &Path) -> io::Result<bool> {
    let file = File::open(file)?;
    let Some(code) = file.metadata()?.len().checked_sub(CHECKSUM as u64) else { return Ok(false) };
    let mut code = BufReader::with_capacity(PIECE, file).take(code);
    let mut hasher = Sha256::new();
    loop {
        let piece = code.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        hasher.update(piece);
        let length = piece.len();
        code.consume(length);
    }
    let mut checksum = [0; CHECKSUM];
    code.into_inner().read_exact(&mut checksum)?;
    Ok(<[u8; CHECKSUM]>::from(hasher.finalize()) == checksum)
}

/// Writes a file that is there whole or not at all.
fn store(folder: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(code)?;
    temporary.write_all(Digest::of(code).as_bytes())?;
    temporary.persist(file)?;
    Ok(())
}
