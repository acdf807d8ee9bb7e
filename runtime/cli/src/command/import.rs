//! `bloom import`: diagrams of DRAKON Editor to native diagrams.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_compiler::drn::{self, Imported};
use bloom_ir::diagnostic::Severity;
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::durable;
use crate::failure::{Exit, Explained};
use crate::flow::{self, Findings, FlowFile};
use crate::output::Out;
use crate::session::{Form, Session};
use crate::sheets;

#[derive(Args, Debug)]
pub(crate) struct Import {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    #[arg(long)]
    force: bool,
}

impl Import {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(&self.file, session)?;
        let sheets = sheets::read(&file, session)?;
        let mut names = BTreeSet::new();
        let mut written = Vec::new();
        let mut failed = 0_usize;
        for sheet in &sheets {
            let Imported { diagram, diagnostics } = drn::import(sheet);
            let findings = Findings::alone(diagnostics);
            let path = self.output.join(free_name(&sheet.name, &mut names));
            let name = format!("{}: {}", file.name, sheet.name);
            let shown = FlowFile { path: self.file.clone(), name, bytes: Vec::new() };
            if session.form() == Form::Text {
                flow::tell(out, &shown, &findings, session)?;
            }
            let errors = findings.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
            failed = failed.saturating_add(usize::from(diagram.is_none()));
            if let Some(diagram) = &diagram {
                self.write(&path, diagram, session)?;
                if session.form() == Form::Text {
                    writeln!(out, "{}", text!(session.catalogue, "imported", path = path.display().to_string()))?;
                }
            } else if session.form() == Form::Text {
                writeln!(out, "{}", text!(session.catalogue, "import-failed", name = &sheet.name, count = errors))?;
            }
            let path = diagram.is_some().then_some(path);
            written.push(json!({ "name": sheet.name, "file": path, "diagnostics": findings.diagnostics }));
        }
        if session.form() == Form::Json {
            out.json(&written)?;
        }
        Ok(if failed == 0 { Exit::Completed } else { Exit::Failed })
    }

    fn write(&self, path: &Path, diagram: &serde_json::Value, session: &Session) -> anyhow::Result<()> {
        let shown = path.display().to_string();
        if !self.force && path.exists() {
            return Err(Explained::usage(text!(session.catalogue, "import-not-over", path = shown))
                .hint(text!(session.catalogue, "import-not-over-hint"))
                .into());
        }
        let cannot_write = || text!(session.catalogue, "cannot-write", path = &shown);
        fs::create_dir_all(&self.output).with_context(cannot_write)?;
        let mut text = serde_json::to_string_pretty(diagram)?;
        text.push('\n');
        durable::write_named(path, text.as_bytes()).with_context(cannot_write)
    }
}

/// A name for the file of a diagram: its own, without what file systems do not take, and not one that was given.
fn free_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() || " -_()".contains(letter) { letter } else { '_' };
    let stem: String = name.trim().chars().map(plain).take(80).collect();
    let stem = if stem.is_empty() { "diagram".to_owned() } else { stem };
    let mut free = format!("{stem}.drakon");
    let mut number = 2_u32;
    // File systems may take capitals for small letters.
    while !taken.insert(free.to_lowercase()) {
        free = format!("{stem} {number}.drakon");
        number = number.saturating_add(1);
    }
    free
}
