//! `bloom tool diff`: what became of a tool between two versions, and whether flows may go on with it.

use std::io::Write as _;
use std::path::Path;

use bloom_ir::Digest;
use bloom_ir::manifest::{Change, ChangeKind, ToolManifest};
use bloom_runtime::tool::ToolHost as _;
use bloom_wasm::Inspection;
use clap::Args;
use serde_json::{Value, json};

use super::subject::{Subject, is_path};
use super::{pins, sandbox, trouble};
use crate::catalogue::{Catalogue, text};
use crate::failure::{Exit, Explained};
use crate::host::ToolArgs;
use crate::output::{Out, one_line};
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Diff {
    #[arg(value_name = "OLD")]
    old: String,
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    tools: ToolArgs,
}

/// One of the two.
struct Version {
    digest: Digest,
    manifest: ToolManifest,
    imports: Vec<String>,
}

impl Diff {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let (old, new) = (self.version(&self.old, session)?, self.version(&self.new, session)?);
        let mut changes = old.manifest.changes(&new.manifest);
        changes.extend(imports(&old.imports, &new.imports));
        let breaking = changes.iter().filter(|change| change.breaking).count();
        let pinned = if old.digest == new.digest {
            Vec::new()
        } else {
            pins::flows(&Store::open(session)?, &[old.digest]).await?
        };
        if session.form() == Form::Json {
            out.json(&json!({
                "old": about(&old), "new": about(&new), "compatible": breaking == 0, "changes": changes, "pinned_by": pinned,
            }))?;
        } else {
            tell(&changes, breaking, &pinned, &session.catalogue, out)?;
        }
        Ok(if breaking == 0 { Exit::Completed } else { Exit::Failed })
    }

    /// A component in a file, a project's, or an installed one.
    fn version(&self, named: &str, session: &Session) -> anyhow::Result<Version> {
        if is_path(named) {
            let subject = Subject::read(Path::new(named), session)?;
            let seen = sandbox::inspect(&subject, session)?;
            if let Some(problem) = seen.problems.first() {
                return Err(
                    trouble::of_install(problem, &subject.shown(), subject.language(), &session.catalogue).into()
                );
            }
            return of(seen);
        }
        let bytes = self.installed(named, session)?;
        of(tokio::task::block_in_place(|| sandbox::inspector(session).map(|host| host.inspect(&bytes)))?)
    }

    /// The bytes of an installed tool: the newest of a name, one of its versions, or that of a digest.
    fn installed(&self, named: &str, session: &Session) -> anyhow::Result<Vec<u8>> {
        /// Fewer digits of a digest say too little.
        const SHORTEST: usize = 8;
        let catalogue = &session.catalogue;
        let hex = named.strip_prefix("sha256:").unwrap_or(named);
        let (name, version) = named.split_once('@').map_or((named, None), |(name, version)| (name, Some(version)));
        let is_meant = |manifest: &ToolManifest, digest: Digest| {
            let is_name = manifest.is_called(name) && version.is_none_or(|version| manifest.version == version);
            is_name || (hex.len() >= SHORTEST && digest.hex().starts_with(hex))
        };
        // The newest stands last.
        let installed = self.tools.host(session)?.installed();
        let digest = installed.into_iter().rfind(|tool| is_meant(&tool.manifest, tool.digest)).map(|tool| tool.digest);
        let bytes = digest.map_or(Ok(None), |digest| self.tools.component(digest, session))?;
        let unknown = || {
            Explained::usage(text!(catalogue, "tool-unknown", tool = named)).hint(text!(catalogue, "tool-unknown.hint"))
        };
        Ok(bytes.ok_or_else(unknown)?)
    }
}

fn of(seen: Inspection) -> anyhow::Result<Version> {
    let Some(manifest) = seen.manifest else { anyhow::bail!("no manifest") };
    Ok(Version { digest: seen.digest, manifest, imports: seen.imports.into_iter().map(|import| import.name).collect() })
}

fn about(version: &Version) -> Value {
    json!({ "name": version.manifest.name, "version": version.manifest.version, "digest": version.digest })
}

/// What a component imports more or less. What it takes to get an import is asked for by a capability.
fn imports(old: &[String], new: &[String]) -> Vec<Change> {
    let change = |place: &String, kind| Change {
        part: "imports",
        place: place.clone(),
        keyword: String::new(),
        kind,
        before: None,
        after: None,
        breaking: false,
    };
    let removed = old.iter().filter(|name| !new.contains(name)).map(|name| change(name, ChangeKind::Removed));
    removed.chain(new.iter().filter(|name| !old.contains(name)).map(|name| change(name, ChangeKind::Added))).collect()
}

fn tell(
    changes: &[Change],
    breaking: usize,
    pinned: &[String],
    catalogue: &Catalogue,
    out: &mut Out,
) -> std::io::Result<()> {
    for change in changes {
        let mark = if change.breaking { "!" } else { " " };
        let place: Vec<&str> =
            [change.part, &change.place, &change.keyword].into_iter().filter(|part| !part.is_empty()).collect();
        let kind = match change.kind {
            ChangeKind::Added => text!(catalogue, "tool-change-added"),
            ChangeKind::Removed => text!(catalogue, "tool-change-removed"),
            ChangeKind::Changed => text!(catalogue, "tool-change-changed"),
            ChangeKind::Wider => text!(catalogue, "tool-change-wider"),
            ChangeKind::Narrower => text!(catalogue, "tool-change-narrower"),
            ChangeKind::Unclear => text!(catalogue, "tool-change-unclear"),
        };
        let values = match (&change.before, &change.after) {
            (Some(before), Some(after)) => format!(": {} → {}", short(before), short(after)),
            (Some(value), None) | (None, Some(value)) => format!(": {}", short(value)),
            (None, None) => String::new(),
        };
        writeln!(out, "{mark} {} {kind}{values}", one_line(&place.join(" ")))?;
    }
    let verdict = match (changes.is_empty(), breaking) {
        (true, _) => text!(catalogue, "tool-diff-same"),
        (false, 0) => text!(catalogue, "tool-diff-compatible"),
        (false, count) => text!(catalogue, "tool-diff-breaking", count = count),
    };
    writeln!(out, "{verdict}")?;
    if !pinned.is_empty() {
        writeln!(out, "{}", text!(catalogue, "tool-diff-pinned"))?;
        pinned.iter().try_for_each(|flow| writeln!(out, "  {flow}"))?;
    }
    Ok(())
}

/// As JSON, as far as it fits into a line.
fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = one_line(&value.to_string());
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
