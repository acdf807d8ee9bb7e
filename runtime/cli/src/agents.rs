//! The agent that a diagram belongs to: its `_agent.md` lies beside it, or above its folder `drakon`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_compiler::{Options, agent};

use crate::catalogue::text;
use crate::failure::Explained;
use crate::flow::FlowFile;
use crate::session::Session;

/// The file that makes a folder an agent.
pub(crate) const FILE: &str = "_agent.md";

/// Where the agent of a file is described.
fn beside(path: &Path) -> Option<PathBuf> {
    if path.file_name().is_some_and(|name| name == FILE) {
        return Some(path.to_owned());
    }
    let folder = path.parent()?;
    let own = folder.join(FILE);
    let above = folder.file_name().filter(|name| *name == "drakon").and(folder.parent()).map(|above| above.join(FILE));
    [Some(own), above].into_iter().flatten().find(|path| path.is_file())
}

/// The options with the policy of the agent that a file belongs to; its id and version are those of its diagram only.
pub(crate) fn policy(file: &FlowFile, options: &Options, called: bool, session: &Session) -> anyhow::Result<Options> {
    let mut options = options.clone();
    let Some(path) = beside(&file.path) else { return Ok(options) };
    let shown = path.display().to_string();
    let text = fs::read_to_string(&path).with_context(|| text!(session.catalogue, "cannot-read", path = &shown))?;
    let manifests: Vec<_> = options.tools.iter().map(|(tool, _)| tool.clone()).collect();
    let read = agent::read(&text, &manifests);
    let (false, Some(agent)) = (read.has_errors(), read.agent) else {
        return Err(Explained::failed(text!(session.catalogue, "agent-broken", path = shown))
            .hint(text!(session.catalogue, "agent-broken-hint"))
            .into());
    };
    let (id, version) = (options.id.clone(), options.version.clone());
    agent.apply(&mut options);
    let from = agent.generated_from.as_deref().and_then(|from| from.split('#').next()).map(str::trim);
    if called
        || from.is_some_and(|from| from != file.name && file.path.extension().is_none_or(|extension| extension != "md"))
    {
        (options.id, options.version) = (id, version);
    }
    Ok(options)
}
