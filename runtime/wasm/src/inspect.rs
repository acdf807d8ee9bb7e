//! What can be said of a component without installing it.

use bloom_ir::Digest;
use bloom_ir::manifest::ToolManifest;

use crate::InstallError;

/// A component, looked at: what it is, what it needs, and all that keeps it from being a tool.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The digest of its bytes, by which it is pinned.
    pub digest: Digest,
    /// Its bytes.
    pub size: usize,
    /// What it imports, in its own order.
    pub imports: Vec<Import>,
    /// What it exports.
    pub exports: Vec<String>,
    /// What it says of itself, if it came to say something.
    pub manifest: Option<ToolManifest>,
    /// Why it cannot be installed: nothing, where it can. What could not be looked at because of another problem is not
    /// listed.
    pub problems: Vec<InstallError>,
}

/// Something that a component imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name, as `bloom:tool/files@0.1.0`.
    pub name: String,
    /// What it takes to get it.
    pub need: Need,
}

/// What it takes to get an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Every tool gets it.
    Nothing,
    /// A capability of this kind, as `files`.
    Capability(&'static str),
    /// No tool gets it.
    Forbidden,
    /// A host with another version of the contract.
    OtherVersion,
}

impl Inspection {
    pub(crate) fn new(digest: Digest, size: usize) -> Self {
        Self { digest, size, imports: Vec::new(), exports: Vec::new(), manifest: None, problems: Vec::new() }
    }

    /// Whether it can be installed.
    pub fn is_tool(&self) -> bool {
        self.problems.is_empty()
    }

    /// Takes a problem down.
    pub(crate) fn note<T>(&mut self, result: Result<T, InstallError>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }
}
