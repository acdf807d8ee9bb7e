//! `bloom agent`: an agent's folder, from its diagram and for its activation.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_compiler::{agent, compile};
use bloom_ir::Diagnostic;
use bloom_ir::document::Locale;
use bloom_runtime::clock::Clock as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::pseudocode::{Language, printed};
use crate::agents;
use crate::catalogue::text;
use crate::durable;
use crate::failure::{Exit, Explained};
use crate::flow::{self, CompileArgs, Findings, FlowFile};
use crate::host::ToolArgs;
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Agent {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Export(Export),
    Check(Check),
}

#[derive(Args, Debug)]
struct Export {
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    locale: Option<Language>,
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    tools: ToolArgs,
}

#[derive(Args, Debug)]
struct Check {
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    tools: ToolArgs,
}

/// The program alone, beside the agent.
const PSEUDOCODE: &str = "pseudocode.md";

impl Agent {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.action {
            Action::Export(export) => export.perform(session, out),
            Action::Check(check) => check.perform(session, out),
        }
    }
}

impl Export {
    fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let agent_path = self.folder.join(agents::FILE);
        let there = read(&agent_path, session)?;
        let host = self.tools.host(session)?;
        let options = CompileArgs::default().options(&host, session)?;
        let manifests: Vec<_> = options.tools.iter().map(|(tool, _)| tool.clone()).collect();
        let known = there.as_deref().map(|text| agent::read(text, &manifests));
        let from = known.as_ref().and_then(|file| file.agent.as_ref()?.generated_from.clone());
        let diagram = diagram_of(&self.folder, from.as_deref(), session)?;
        let file = FlowFile::read(&diagram, session)?;
        let locale = Language::locale(self.locale, session);
        let program = printed(&file, &options, locale, session)?;
        let heading = match locale {
            Locale::Uk => format!("# Логіка (згенеровано з {})", file.name),
            Locale::En => format!("# Logic (generated from {})", file.name),
        };
        let body = format!("{heading}\n\n{program}");
        let now = jiff::Timestamp::from_millisecond(session.clock.now())?.to_string();
        let pseudocode_path = self.folder.join(PSEUDOCODE);
        let text = match (&there, &known) {
            (Some(_), Some(known)) if known.agent.is_some() => {
                let last = read(&pseudocode_path, session)?;
                let by_hand =
                    !known.body.trim().is_empty() && last.as_deref().map(str::trim) != Some(known.body.trim());
                if by_hand && !self.force {
                    return Err(Explained::usage(text!(
                        session.catalogue,
                        "agent-by-hand",
                        path = agent_path.display().to_string()
                    ))
                    .hint(text!(session.catalogue, "agent-by-hand-hint"))
                    .into());
                }
                let front = with_field(known.front_matter, "generated_from", &file.name);
                format!("---\n{}---\n\n{body}", with_field(&front, "updated_at", &now))
            }
            (Some(_), _) if !self.force => {
                return Err(Explained::failed(text!(
                    session.catalogue,
                    "agent-broken",
                    path = agent_path.display().to_string()
                ))
                .hint(text!(session.catalogue, "agent-broken-hint"))
                .into());
            }
            _ => format!("---\n{}---\n\n{body}", draft(&file, &options, &now)),
        };
        for (path, text) in [(&pseudocode_path, &body), (&agent_path, &text)] {
            let shown = path.display().to_string();
            durable::write_named(path, text.as_bytes())
                .with_context(|| text!(session.catalogue, "cannot-write", path = shown))?;
        }
        match session.form() {
            Form::Json => {
                out.json(&json!({ "diagram": diagram, "agent": agent_path, "pseudocode": pseudocode_path }))?;
            }
            Form::Text => {
                let path = agent_path.display().to_string();
                writeln!(out, "{}", text!(session.catalogue, "agent-exported", path = path, name = &file.name))?;
            }
        }
        Ok(Exit::Completed)
    }
}

impl Check {
    fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(&self.folder.join(agents::FILE), session)?;
        let host = self.tools.host(session)?;
        let options = CompileArgs::default().options(&host, session)?;
        let manifests: Vec<_> = options.tools.iter().map(|(tool, _)| tool.clone()).collect();
        let text = String::from_utf8_lossy(&file.bytes);
        let read = agent::read(&text, &manifests);
        let mut diagnostics = read.diagnostics;
        if let Some(agent) = &read.agent {
            diagnostics.extend(same_slug(&self.folder, &agent.slug, &text));
            let marked = agent.generated_from.as_deref().filter(|from| !from.contains('#'));
            let diagram = marked.map(|from| diagram_of(&self.folder, Some(from), session)).transpose()?;
            if let Some(diagram) = diagram {
                let drawn = FlowFile::read(&diagram, session)?;
                let hash = |name: &str, bytes: &[u8]| {
                    let mut options = options.clone();
                    agent.apply(&mut options);
                    let compiled = compile(&bloom_compiler::SourceFile::new(name, bytes), &options).document;
                    compiled.map(|document| document.hashed().program)
                };
                if let (drawn_hash @ Some(_), written) =
                    (hash(&drawn.name, &drawn.bytes), hash(&file.name, read.body.as_bytes()))
                    && drawn_hash != written
                {
                    diagnostics.push(agent::other_body(&text, &drawn.name));
                }
            }
        }
        let findings = Findings::alone(diagnostics);
        let errors = findings.errors();
        match session.form() {
            Form::Json => out.json(&json!({ "file": file.path, "diagnostics": findings.diagnostics }))?,
            Form::Text => {
                flow::tell(out, &file, &findings, session)?;
                if errors == 0 {
                    writeln!(out, "{}", text!(session.catalogue, "agent-sound"))?;
                } else {
                    writeln!(out, "{}", text!(session.catalogue, "check-errors", count = errors))?;
                }
            }
        }
        Ok(if errors == 0 { Exit::Completed } else { Exit::Failed })
    }
}

/// The text of a file, if it is there.
fn read(path: &Path, session: &Session) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| text!(session.catalogue, "cannot-read", path = path.display().to_string()))
        }
    }
}

/// The diagram of an agent: the one that its front matter names, or the only one, or the one that is called main.
fn diagram_of(folder: &Path, from: Option<&str>, session: &Session) -> anyhow::Result<PathBuf> {
    let mut diagrams: Vec<PathBuf> = Vec::new();
    for place in [folder.to_owned(), folder.join("drakon")] {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".drakon") || name.ends_with(".drakon.json") {
                diagrams.push(entry.path());
            }
        }
    }
    diagrams.sort();
    let named = |name: &str| {
        diagrams.iter().find(|path| path.file_name().is_some_and(|file| file.to_string_lossy() == name)).cloned()
    };
    let from = from.and_then(|from| from.split('#').next()).map(str::trim);
    let found = from.and_then(named).or_else(|| match diagrams.as_slice() {
        [only] => Some(only.clone()),
        _ => named("main-flow.drakon.json").or_else(|| named("main-flow.drakon")),
    });
    found.ok_or_else(|| {
        let count = diagrams.len();
        let path = folder.display().to_string();
        Explained::usage(text!(session.catalogue, "agent-no-diagram", path = path, count = count))
            .hint(text!(session.catalogue, "agent-no-diagram-hint"))
            .into()
    })
}

/// The front matter with a field of this value.
fn with_field(front_matter: &str, name: &str, value: &str) -> String {
    let line = format!("{name}: {}\n", serde_json::Value::from(value));
    let mut found = false;
    let mut text = String::new();
    for old in front_matter.split_inclusive('\n') {
        if old.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')) {
            found = true;
            text.push_str(&line);
        } else {
            text.push_str(old);
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if !found {
        text.push_str(&line);
    }
    text
}

/// The front matter of an agent that is new: a draft, which a person completes.
fn draft(file: &FlowFile, options: &bloom_compiler::Options, now: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let document = compile(&file.source(), options).document;
    let (title, id, tools, outputs) = document.map_or_else(
        || (file.name.clone(), "agent".to_owned(), Vec::new(), Vec::new()),
        |document| {
            let tools = document.policy.allowed_tools.keys().cloned().collect();
            (document.flow.title, document.flow.id, tools, document.policy.safe_outputs)
        },
    );
    let list = |names: &[String]| {
        if names.is_empty() { " []\n".to_owned() } else { format!("\n  - {}\n", names.join("\n  - ")) }
    };
    format!(
        "name: {}\nslug: {}\nversion: \"0.1.0\"\ndescription: {}\n\nmodel: \"claude-sonnet-4-5-20250929\"\n\ntools:{}\n\
         safe_outputs:{}\ncreated_at: {now:?}\nupdated_at: {now:?}\ncreated_by: \"owner\"\ngenerated_from: {}\n\
         status: \"draft\"\n",
        quoted(&title),
        quoted(&id),
        quoted(&title),
        list(&tools),
        list(&outputs),
        quoted(&file.name),
    )
}

/// Agents beside this one that have its slug.
fn same_slug(folder: &Path, slug: &str, text: &str) -> Vec<Diagnostic> {
    let Ok(own) = fs::canonicalize(folder) else { return Vec::new() };
    let Some(above) = own.parent() else { return Vec::new() };
    let mut found = Vec::new();
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let path = entry.path();
        let other = fs::read_to_string(path.join(agents::FILE)).ok();
        let same = other.and_then(|other| agent::read(&other, &[]).agent).is_some_and(|other| other.slug == slug);
        if same && path != own {
            found.push(agent::same_slug(text, &entry.file_name().to_string_lossy()));
        }
    }
    found
}
