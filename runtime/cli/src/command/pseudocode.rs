//! `bloom pseudocode`: a diagram as text, in Ukrainian or English.

use std::path::PathBuf;

use anyhow::Context as _;
use bloom_compiler::pseudocode;
use bloom_ir::document::Locale;
use clap::{Args, ValueEnum};

use crate::catalogue::text;
use crate::durable;
use crate::failure::{Exit, Explained};
use crate::flow::{self, CompileArgs, Findings, FlowFile};
use crate::host::ToolArgs;
use crate::output::{self, Out};
use crate::prose::ProseArgs;
use crate::session::Session;

#[derive(Args, Debug)]
pub(crate) struct Pseudocode {
    #[arg(value_name = "DIAGRAM")]
    file: PathBuf,
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    locale: Option<Language>,
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    prose: ProseArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

/// The language of the keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Uk,
    En,
}

impl Language {
    /// The language that was asked for, else that of the command line.
    pub(crate) fn locale(asked: Option<Self>, session: &Session) -> Locale {
        match asked {
            Some(Self::Uk) => Locale::Uk,
            Some(Self::En) => Locale::En,
            None => session.catalogue.locale(),
        }
    }
}

impl Pseudocode {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(&self.file, session)?;
        let host = self.tools.host(session)?;
        let options = CompileArgs { prose: self.prose, ..CompileArgs::default() }.options(&host, session)?;
        let text = printed(&file, &options, Language::locale(self.locale, session), session)?;
        match self.output {
            None => out.exact(text.as_bytes())?,
            Some(path) => {
                let shown = path.display().to_string();
                durable::write_named(&path, text.as_bytes())
                    .with_context(|| text!(session.catalogue, "cannot-write", path = shown))?;
            }
        }
        Ok(Exit::Completed)
    }
}

/// The pseudocode of a diagram; what stands in the way is told on the standard error.
pub(crate) fn printed(
    file: &FlowFile,
    options: &bloom_compiler::Options,
    locale: Locale,
    session: &Session,
) -> anyhow::Result<String> {
    let printed = pseudocode(&file.source(), options, locale);
    let findings = Findings::alone(printed.diagnostics);
    // Nobody is left to tell where it cannot be written.
    let _ = flow::tell(&mut output::stderr(), file, &findings, session);
    let errors = findings.errors();
    printed.text.ok_or_else(|| {
        Explained::failed(text!(session.catalogue, "compile-failed", name = &file.name, count = errors)).into()
    })
}
