//! `bloom tool add`: installs a component for flows.

use std::io::Write as _;
use std::path::PathBuf;

use bloom_runtime::tool::{InstalledTool, ToolHost as _};
use bloom_wasm::ToolFolder;
use clap::Args;
use serde_json::json;

use super::subject::Subject;
use super::{pins, sandbox, trouble};
use crate::catalogue::{Catalogue, text};
use crate::failure::Exit;
use crate::host::ToolArgs;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Add {
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    tools: ToolArgs,
}

impl Add {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let subject = Subject::read(&self.path, session)?;
        let seen = sandbox::inspect(&subject, session)?;
        if let Some(problem) = seen.problems.first() {
            return Err(trouble::of_install(problem, &subject.shown(), subject.language(), catalogue).into());
        }
        let Some(manifest) = seen.manifest else { anyhow::bail!("no manifest") };
        let others = self.tools.host(session)?.installed();
        let others =
            others.into_iter().filter(|tool| tool.manifest.name == manifest.name && tool.digest != seen.digest);
        let others: Vec<InstalledTool> = others.collect();
        let folder = ToolFolder::new(self.tools.folder(session)?);
        let digest = folder.add(&subject.bytes).map_err(|error| {
            let path = folder.path().display().to_string();
            anyhow::Error::new(error).context(text!(catalogue, "cannot-write", path = path))
        })?;
        let digests: Vec<_> = others.iter().map(|tool| tool.digest).collect();
        let pinned =
            if digests.is_empty() { Vec::new() } else { pins::flows(&Store::open(session)?, &digests).await? };
        let grants: Vec<String> =
            manifest.capabilities.iter().filter_map(|asked| granting(&manifest.name, asked)).collect();
        if session.form() == Form::Json {
            out.json(&json!({ "digest": digest, "manifest": manifest, "grants": grants, "still_pinned_by": pinned }))?;
            return Ok(Exit::Completed);
        }
        let tool = format!("{} {}", manifest.name, manifest.version);
        writeln!(out, "{}", text!(catalogue, "tool-added", tool = tool, digest = digest.to_string()))?;
        if !grants.is_empty() {
            writeln!(out, "{}", text!(catalogue, "tool-asks", asked = manifest.capabilities.join(", ")))?;
            for grant in grants {
                writeln!(out, "  {grant}")?;
            }
        }
        tell_of_others(&others, &pinned, catalogue, out)?;
        Ok(Exit::Completed)
    }
}

fn tell_of_others(
    others: &[InstalledTool],
    pinned: &[String],
    catalogue: &Catalogue,
    out: &mut Out,
) -> std::io::Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let versions: Vec<&str> = others.iter().map(|tool| tool.manifest.version.as_str()).collect();
    writeln!(out, "{}", text!(catalogue, "tool-others", versions = versions.join(", ")))?;
    if !pinned.is_empty() {
        writeln!(out, "{}", text!(catalogue, "tool-still-pinned"))?;
        for flow in pinned {
            writeln!(out, "  {flow}")?;
        }
    }
    Ok(())
}

/// How an operator grants what is asked for.
fn granting(tool: &str, asked: &str) -> Option<String> {
    let (kind, name) = asked.split_once(':')?;
    match kind {
        "http" => {
            let (host, methods) = name.split_once(' ').map_or((name, ""), |(host, methods)| (host, methods));
            let host = if host == "*" { "HOST" } else { host };
            let methods = if methods.is_empty() { String::new() } else { format!(" {methods}") };
            Some(format!("bloom tool grant {tool} --http 'https://{host}{methods}'"))
        }
        "config" => Some(format!("bloom tool grant {tool} --set {name}=VALUE")),
        "artifacts" if name == "all" => Some(format!("bloom tool grant {tool} --artifacts all")),
        "files" if matches!(name, "notes" | "context" | "memory") => Some(format!("bloom run FLOW --{name} DIR")),
        _ => None,
    }
}
