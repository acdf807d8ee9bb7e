//! The tools, and the folders that they may read.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_wasm::{Config, Origin, WasmHost};
use clap::Args;

use crate::catalogue::text;
use crate::failure::Explained;
use crate::session::Session;

/// Which tools there are.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ToolArgs {
    #[arg(long, value_name = "DIR")]
    tools: Option<PathBuf>,
}

/// Which folders they may read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RootArgs {
    #[arg(long, value_name = "DIR")]
    notes: Option<PathBuf>,
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    #[command(flatten)]
    memory: MemoryArg,
}

/// Where the agents' memory is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct MemoryArg {
    #[arg(long, value_name = "DIR")]
    memory: Option<PathBuf>,
}

impl ToolArgs {
    /// The tools that ship with this program and those of the operator's folder, which read no folders: for compiling.
    pub(crate) fn host(&self, session: &Session) -> anyhow::Result<WasmHost> {
        self.host_with(BTreeMap::new(), session)
    }

    /// The folder that was named, as its argument.
    pub(crate) fn given(&self) -> [(&'static str, Option<&Path>); 1] {
        [("--tools", self.tools.as_deref())]
    }

    /// The same, with the folders that they may read.
    pub(crate) fn host_with(&self, roots: BTreeMap<String, PathBuf>, session: &Session) -> anyhow::Result<WasmHost> {
        let catalogue = &session.catalogue;
        if let Some(folder) = &self.tools {
            must_be_folder(folder, session)?;
        }
        let cache = session.data.create(catalogue)?.join("tools");
        let config = Config { cache: Some(cache), tools: self.tools.clone(), roots, ..Config::default() };
        let host = WasmHost::new(config, bloom_wasm::embedded()).with_context(|| text!(catalogue, "tools-failed"))?;
        for rejected in host.rejected() {
            let origin = match &rejected.origin {
                Origin::Given(index) => format!("#{index}"),
                Origin::File(path) => path.display().to_string(),
            };
            let reason = rejected.error.to_string();
            // A standard error that cannot be written leaves nobody to warn.
            let _ =
                writeln!(std::io::stderr(), "{}", text!(catalogue, "tool-rejected", origin = origin, reason = reason));
        }
        Ok(host)
    }
}

impl RootArgs {
    /// The folders that were named, as their arguments.
    pub(crate) fn given(&self) -> [(&'static str, Option<&Path>); 3] {
        [
            ("--notes", self.notes.as_deref()),
            ("--context", self.context.as_deref()),
            ("--memory", self.memory.memory.as_deref()),
        ]
    }

    /// The folders by root, each of which must be there. Context is read from the notes where no other folder is named.
    pub(crate) fn roots(&self, session: &Session) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let mut roots = BTreeMap::new();
        if let Some(notes) = &self.notes {
            must_be_folder(notes, session)?;
            roots.insert(String::from("notes"), notes.clone());
        }
        if let Some(context) = self.context.as_ref().or(self.notes.as_ref()) {
            must_be_folder(context, session)?;
            roots.insert(String::from("context"), context.clone());
        }
        roots.insert(String::from("memory"), self.memory.folder(session)?);
        Ok(roots)
    }
}

impl MemoryArg {
    /// The folder, made where it is not there: an agent without a memory has an empty one.
    pub(crate) fn folder(&self, session: &Session) -> anyhow::Result<PathBuf> {
        let folder = match &self.memory {
            Some(folder) => folder.clone(),
            None => session.data.create(&session.catalogue)?.join("memory"),
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| text!(session.catalogue, "cannot-write", path = folder.display().to_string()))?;
        Ok(folder)
    }
}

fn must_be_folder(path: &Path, session: &Session) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    Err(Explained::usage(text!(session.catalogue, "not-a-folder", path = path.display().to_string())).into())
}
