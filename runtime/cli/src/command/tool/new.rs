//! `bloom tool new`: a project to start from.

use std::io::Write as _;
use std::path::PathBuf;

use bloom_author::template::{self, Language, TemplateError};
use bloom_author::toolchain;
use clap::Args;
use serde_json::json;

use super::trouble;
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct New {
    #[arg(value_name = "NAME")]
    name: String,
    /// Takes the place of the global option of that name, which is the language of texts.
    #[arg(long, value_name = "LANGUAGE", value_parser = ["rust", "c", "js", "javascript", "python", "assemblyscript"])]
    lang: String,
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl New {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let language: Language = self.lang.parse()?;
        let folder = self.folder.unwrap_or_else(|| PathBuf::from(&self.name));
        let shown = folder.display().to_string();
        let files = template::write(&folder, &self.name, language).map_err(|error| match error {
            TemplateError::Name(name) => Explained::usage(text!(catalogue, "tool-bad-name", name = name)).into(),
            TemplateError::Exists(path) => {
                let path = path.display().to_string();
                Explained::usage(text!(catalogue, "tool-exists", path = path)).into()
            }
            TemplateError::Write { path, error } => {
                let path = path.display().to_string();
                anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "cannot-write", path = path)))
            }
        })?;
        let missing = toolchain::missing(language, &folder);
        if session.form() == Form::Json {
            let missing: Vec<_> = missing.iter().map(trouble::missing_json).collect();
            out.json(&json!({ "folder": shown, "language": language.name(), "files": files, "missing": missing }))?;
            return Ok(Exit::Completed);
        }
        writeln!(out, "{}", text!(catalogue, "tool-made", folder = &shown, files = files.len()))?;
        writeln!(out, "\n  cd {shown}")?;
        for line in missing.iter().flat_map(trouble::install_lines) {
            writeln!(out, "  {line}")?;
        }
        writeln!(out, "  bloom tool build\n  bloom tool check")?;
        writeln!(out, "  bloom tool call . '{{\"path\": \"bach.md\"}}' --files notes=samples/notes")?;
        Ok(Exit::Completed)
    }
}
