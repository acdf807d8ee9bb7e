//! `bloom check`: what is wrong with a diagram, pseudocode or an IR document.

use std::io::Write as _;
use std::path::PathBuf;

use bloom_ir::diagnostic::Severity;
use clap::Args;

use crate::catalogue::text;
use crate::failure::Exit;
use crate::flow::{self, CompileArgs, FlowFile};
use crate::host::ToolArgs;
use crate::limits::LimitArgs;
use crate::output::Out;
use crate::prose::ProseArgs;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Check {
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    prose: ProseArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

impl Check {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let host = self.tools.host(session)?;
        let options = CompileArgs { limits: self.limits, prose: self.prose, ..CompileArgs::default() };
        let options = options.options(&host, session)?;
        let mut errors = 0;
        let mut all = Vec::new();
        for path in &self.files {
            let file = FlowFile::read(path, session)?;
            let diagnostics = file.diagnostics(&options);
            errors += diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
            match session.form() {
                Form::Json => all.push(serde_json::json!({ "file": path, "diagnostics": diagnostics })),
                Form::Text => flow::tell(out, &file, &diagnostics, session)?,
            }
        }
        match session.form() {
            Form::Json => out.json(&all)?,
            Form::Text if errors == 0 => {
                writeln!(out, "{}", text!(session.catalogue, "check-sound", count = self.files.len()))?;
            }
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "check-errors", count = errors))?,
        }
        Ok(if errors == 0 { Exit::Completed } else { Exit::Failed })
    }
}
