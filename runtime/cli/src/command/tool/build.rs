//! `bloom tool build`: a component of a project, or of a core module.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_author::compile;
use bloom_author::component::{self, Options, component};
use bloom_author::project::Project;
use bloom_ir::Digest;
use clap::Args;
use serde_json::json;

use super::trouble;
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Build {
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    path: PathBuf,
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    #[arg(long)]
    stub_wasi: bool,
}

impl Build {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let built = if self.path.is_dir() {
            let project = Project::find(&self.path).map_err(|error| trouble::of_project(error, &session.catalogue))?;
            let built = of_project(&project, session)?;
            match &self.output {
                Some(output) => {
                    let bytes = std::fs::read(&built)?;
                    write(output, &bytes, session)?;
                    output.clone()
                }
                None => built,
            }
        } else {
            self.of_module(session)?
        };
        let bytes = std::fs::read(&built)?;
        let (shown, digest) = (shown(&built), Digest::of(&bytes));
        if session.form() == Form::Json {
            out.json(&json!({ "component": shown, "size": bytes.len(), "digest": digest }))?;
        } else {
            let digest = digest.to_string();
            let line = text!(session.catalogue, "tool-built", path = shown, size = bytes.len(), digest = digest);
            writeln!(out, "{line}")?;
        }
        Ok(Exit::Completed)
    }

    fn of_module(&self, session: &Session) -> anyhow::Result<PathBuf> {
        let catalogue = &session.catalogue;
        let shown = self.path.display().to_string();
        let unreadable = || Explained::failed(text!(catalogue, "cannot-read", path = &shown));
        let size = std::fs::metadata(&self.path).with_context(unreadable)?.len();
        let explained = |error| trouble::of_component(&error, &shown, None, catalogue);
        if size > component::MAX_SIZE as u64 {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            return Err(explained(component::ComponentError::TooLarge { size }).into());
        }
        let bytes = std::fs::read(&self.path).with_context(unreadable)?;
        let component = component(&bytes, Options { stub_wasi: self.stub_wasi }).map_err(explained)?;
        let output = self.output.clone().unwrap_or_else(|| self.path.with_extension("component.wasm"));
        write(&output, &component, session)?;
        Ok(output)
    }
}

/// Builds a project, and says where its component is.
pub(crate) fn of_project(project: &Project, session: &Session) -> anyhow::Result<PathBuf> {
    let built = compile::build(project);
    let built = built.map_err(|error| trouble::of_build(error, project.settings.language, &session.catalogue))?;
    Ok(built.component)
}

fn write(path: &Path, bytes: &[u8], session: &Session) -> anyhow::Result<()> {
    let failed = || Explained::failed(text!(session.catalogue, "cannot-write", path = path.display().to_string()));
    std::fs::write(path, bytes).with_context(failed)
}

/// A path as short as it can be from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
