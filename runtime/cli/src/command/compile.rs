//! `bloom compile`: a diagram or pseudocode to a signed IR document.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_ir::sign;
use clap::Args;
use serde_json::json;

use crate::callees::file_name;
use crate::catalogue::text;
use crate::durable;
use crate::failure::{Exit, Explained};
use crate::flow::{CompileArgs, FlowFile};
use crate::host::ToolArgs;
use crate::keyring::{DEVELOPMENT, Keyring};
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Compile {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[arg(long)]
    force: bool,
    #[arg(long, value_name = "NAME", default_value = DEVELOPMENT)]
    key: String,
    #[command(flatten)]
    options: CompileArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

impl Compile {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(&self.file, session)?;
        let host = self.tools.host(session)?;
        if file.is_ir() {
            self.options.limits.none_for(&file.name, &session.catalogue)?;
        }
        if let Some(path) = self.output.as_deref().filter(|_| !self.force) {
            refuse_to_replace(path, session)?;
        }
        let (document, callees) = file.documents(&self.options.options(&host, session)?, session)?;
        let keyring = Keyring::of(session)?;
        let key = if self.key == DEVELOPMENT { keyring.development()?.0 } else { keyring.named(&self.key)? };
        // An IR document keeps the signatures that it has: a second key signs beside the first.
        let document = sign::countersign(document, &key);
        let bytes = document.to_bytes();
        let Some(path) = self.output else {
            out.exact(&bytes)?;
            out.exact(b"\n")?;
            return Ok(Exit::Completed);
        };
        let shown = path.display().to_string();
        durable::write_named(&path, &bytes).with_context(|| text!(session.catalogue, "cannot-write", path = &shown))?;
        let hash = document.hashed().hash.to_string();
        let mut beside = Vec::new();
        for callee in callees {
            let hash = callee.hashed().hash;
            let Some(name) = file_name(&callee.flow.id, hash) else { continue };
            let path = path.with_file_name(name);
            let shown = path.display().to_string();
            durable::write_named(&path, &sign::seal(callee, &[&key]).to_bytes())
                .with_context(|| text!(session.catalogue, "cannot-write", path = &shown))?;
            beside.push(shown);
        }
        match session.form() {
            Form::Json => {
                out.json(&json!({ "file": path, "hash": hash, "key_id": key.public().id(), "callees": beside }))?;
            }
            Form::Text => {
                let nodes = document.nodes.len();
                writeln!(out, "{}", text!(session.catalogue, "compiled", path = shown, nodes = nodes, hash = hash))?;
                for callee in beside {
                    writeln!(out, "{}", text!(session.catalogue, "compiled-callee", path = callee))?;
                }
            }
        }
        Ok(Exit::Completed)
    }
}

/// Refuses to write over what is no IR document, as the diagram itself.
fn refuse_to_replace(path: &Path, session: &Session) -> anyhow::Result<()> {
    if !path.is_file() || durable::is_open_already(path) {
        return Ok(());
    }
    let there = FlowFile::read(path, session)?;
    if there.bytes.is_empty() || there.is_ir() {
        return Ok(());
    }
    Err(Explained::usage(text!(session.catalogue, "compile-not-over", path = path.display().to_string()))
        .hint(text!(session.catalogue, "compile-not-over-hint"))
        .into())
}
