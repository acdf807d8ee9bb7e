//! The operator's folders, read for somebody who calls tools elsewhere.

use std::sync::Arc;

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_runtime::tool::{FileEntry, Folders};

use crate::Config;
use crate::authorize::root;
use crate::bindings::bloom::tool::files::Entry;
use crate::bindings::bloom::tool::types::Failure;
use crate::deadline::{CancelOnDrop, Deadline};
use crate::fault::Fault;
use crate::files::{FileError, Root};

/// How long a listing or a file may take.
const TIMEOUT_MS: u64 = 10_000;

/// The roots of this host, as calls for an agent see them.
#[derive(Clone, Debug)]
pub(crate) struct OwnFolders {
    config: Arc<Config>,
    agent: String,
}

impl OwnFolders {
    pub(crate) fn new(config: Arc<Config>, agent: &str) -> Self {
        Self { config, agent: agent.to_owned() }
    }

    /// Reads on a thread where nobody waits, with the limits of a call.
    async fn look<T: Send + 'static>(
        &self,
        name: &str,
        read: impl FnOnce(&Root, &crate::Limits, &Deadline) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, EffectError> {
        let Some(folder) = self.config.roots.get(name) else {
            return Err(EffectError::new("not_granted", format!("no folder is named for `{name}`")));
        };
        let failed = |fault: Fault| fault.of_tool("files");
        let root = root(name.to_owned(), folder, &self.agent).map_err(failed)?;
        let (config, cancel) = (Arc::clone(&self.config), CancelOnDrop::default());
        let deadline = Deadline::after(TIMEOUT_MS, &cancel);
        let looking = tokio::task::spawn_blocking(move || read(&root, &config.limits, &deadline));
        let looked = looking.await.map_err(|lost| failed(Fault::Host(lost.to_string())));
        drop(cancel);
        looked?.map_err(|error| match error.into_failure() {
            Ok(Failure { code, message, retryable }) => EffectError { retryable, ..EffectError::new(code, message) },
            Err(fault) => failed(fault),
        })
    }
}

#[async_trait]
impl Folders for OwnFolders {
    async fn list(&self, root: &str, prefix: &str) -> Result<Vec<FileEntry>, EffectError> {
        let prefix = prefix.to_owned();
        let entries = self.look(root, move |folder, limits, deadline| folder.list(&prefix, limits, deadline)).await?;
        let file = |Entry { path, size, modified }| FileEntry { path, size, modified };
        Ok(entries.into_iter().map(file).collect())
    }

    async fn read(&self, root: &str, path: &str) -> Result<Vec<u8>, EffectError> {
        let path = path.to_owned();
        self.look(root, move |folder, limits, deadline| folder.read(&path, limits, deadline)).await
    }
}
