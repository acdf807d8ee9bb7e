//! The tools that can be called now.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bloom_ir::Digest;
use bloom_runtime::tool::InstalledTool;

use crate::fault::Fault;
use crate::install::Tool;

type ByName = BTreeMap<String, Vec<Arc<Tool>>>;

/// Installed tools by name, of each name the one to use last. Calls hold what they use, so tools come and go beside them.
#[derive(Default)]
pub(crate) struct Registry(RwLock<ByName>);

impl Registry {
    fn read(&self) -> RwLockReadGuard<'_, ByName> {
        // A change is one insertion or one removal, so a panic elsewhere cannot leave it half done.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, ByName> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of tools with the same name the one with the highest version is used, and of those the one added last.
    pub(crate) fn add(&self, tool: Tool) -> InstalledTool {
        let installed = tool.installed.clone();
        let mut tools = self.write();
        let versions = tools.entry(installed.manifest.name.clone()).or_default();
        versions.retain(|other| other.installed.digest != installed.digest);
        versions.push(Arc::new(tool));
        versions.sort_by(|one, other| one.version.cmp(&other.version));
        installed
    }

    pub(crate) fn remove(&self, digest: Digest) -> Option<InstalledTool> {
        let mut tools = self.write();
        let found = tools.values().flatten().find(|tool| tool.installed.digest == digest)?.installed.clone();
        if let Some(versions) = tools.get_mut(&found.manifest.name) {
            versions.retain(|tool| tool.installed.digest != digest);
        }
        tools.retain(|_, versions| !versions.is_empty());
        Some(found)
    }

    /// The component of a digest, else the newest of the name.
    pub(crate) fn resolve(&self, name: &str, digest: Option<Digest>) -> Result<Arc<Tool>, Fault> {
        let tools = self.read();
        let versions = tools.get(name).map(Vec::as_slice).unwrap_or_default();
        let newest = versions.last().ok_or(Fault::UnknownTool)?;
        let Some(expected) = digest else { return Ok(Arc::clone(newest)) };
        let pinned = versions.iter().find(|tool| tool.installed.digest == expected);
        pinned.cloned().ok_or_else(|| Fault::DigestMismatch { expected, installed: newest.installed.digest })
    }

    pub(crate) fn installed(&self) -> Vec<InstalledTool> {
        self.read().values().flatten().map(|tool| tool.installed.clone()).collect()
    }
}
