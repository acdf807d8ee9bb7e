//! `bloom check`: what is wrong with a diagram, pseudocode or an IR document.

use std::io::Write as _;
use std::path::PathBuf;

use bloom_ir::diagnostic::CheckedFile;
use clap::{Args, ValueEnum};

use crate::catalogue::text;
use crate::failure::Exit;
use crate::flow::{self, CompileArgs, FlowFile};
use crate::host::ToolArgs;
use crate::limits::LimitArgs;
use crate::output::Out;
use crate::prose::ProseArgs;
use crate::sarif;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Check {
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with_all = ["json", "text"])]
    format: Option<Format>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    prose: ProseArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// As `schemas/check-0.1.schema.json` says.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

impl Check {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let host = self.tools.host(session)?;
        let options = CompileArgs { limits: self.limits, prose: self.prose, ..CompileArgs::default() };
        let options = options.options(&host, session)?;
        let format = self.format.unwrap_or(match session.form() {
            Form::Json => Format::Json,
            Form::Text => Format::Text,
        });
        let mut errors = 0;
        let mut all = Vec::new();
        for path in &self.files {
            let file = FlowFile::read(path, session)?;
            let findings = file.findings(&options, session)?;
            errors += findings.errors();
            if format == Format::Text {
                flow::tell(out, &file, &findings, session)?;
            } else {
                all.push((path.as_path(), findings.diagnostics));
            }
        }
        match format {
            Format::Json => {
                let checked: Vec<_> = all
                    .iter()
                    .map(|(path, diagnostics)| CheckedFile { file: path.to_string_lossy(), diagnostics })
                    .collect();
                out.json(&checked)?;
            }
            Format::Sarif => {
                let files: Vec<_> = all.iter().map(|(path, diagnostics)| (*path, diagnostics.as_slice())).collect();
                out.json(&sarif::log(&files, session.catalogue.locale()))?;
            }
            Format::Text if errors == 0 => {
                writeln!(out, "{}", text!(session.catalogue, "check-sound", count = self.files.len()))?;
            }
            Format::Text => writeln!(out, "{}", text!(session.catalogue, "check-errors", count = errors))?,
        }
        Ok(if errors == 0 { Exit::Completed } else { Exit::Failed })
    }
}
