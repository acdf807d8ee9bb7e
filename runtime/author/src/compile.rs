//! Runs the language's own build, and makes a component of what comes out.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use crate::component::{ComponentError, Options, component};
use crate::project::Project;
use crate::toolchain::{Missing, find, missing, search_path};

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The component's file.
    pub component: PathBuf,
    /// Its size in bytes.
    pub size: usize,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The language's tools are not all there.
    #[error("{} is not installed", .0.iter().map(|missing| missing.what).collect::<Vec<_>>().join(", "))]
    Missing(Vec<Missing>),
    /// The program is not there, and nobody knows how it is installed.
    #[error("there is no program {0:?}")]
    NoProgram(String),
    /// The program cannot be started.
    #[error("{program}: {error}")]
    NotStarted {
        /// Which.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// The build says that it failed; why, it said itself.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The build says that it went well, and there is nothing.
    #[error("`{command}` did not write {}", output.display())]
    NoOutput {
        /// What was run.
        command: String,
        /// What it should have written.
        output: PathBuf,
    },
    /// What came out is no tool.
    #[error("{}: {error}", output.display())]
    Component {
        /// What came out.
        output: PathBuf,
        /// Why it is none.
        error: ComponentError,
    },
    /// The component cannot be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Builds a project. What the build prints goes to the standard error.
pub fn build(project: &Project) -> Result<Built, BuildError> {
    run(project)?;
    let settings = &project.settings.build;
    let output = project.output();
    let Ok(bytes) = std::fs::read(&output) else {
        return Err(BuildError::NoOutput { command: settings.command.join(" "), output });
    };
    let options = Options { stub_wasi: settings.stub_wasi };
    let component = match component(&bytes, options) {
        Ok(component) => component,
        Err(error) => return Err(BuildError::Component { output, error }),
    };
    let path = project.component();
    match std::fs::write(&path, &component) {
        Ok(()) => Ok(Built { component: path, size: component.len() }),
        Err(error) => Err(BuildError::Write { path, error }),
    }
}

fn run(project: &Project) -> Result<(), BuildError> {
    if let Some(language) = project.settings.language {
        let missing = missing(language, &project.folder);
        if !missing.is_empty() {
            return Err(BuildError::Missing(missing));
        }
    }
    let command = &project.settings.build.command;
    let path = search_path(&project.folder);
    let (program, arguments) = command.split_first().map_or(("", command.as_slice()), |(first, rest)| (first, rest));
    // Looked up here: a child's PATH is not where its own program is looked for on every system.
    let found = if program.contains('/') { Some(project.folder.join(program)) } else { find(program, &path) };
    let found = found.ok_or_else(|| BuildError::NoProgram(program.to_owned()))?;
    let mut child = Command::new(found);
    child.args(arguments).current_dir(&project.folder).env("PATH", &path).stdin(Stdio::null()).stdout(io::stderr());
    // A virtual environment that happens to be active is not the project's.
    if project.folder.join(".venv").is_dir() {
        child.env("VIRTUAL_ENV", project.folder.join(".venv"));
    }
    if let Some(parent) = project.output().parent() {
        // Compilers that write a file do not make its folder; where it cannot be made, they say so.
        let _ = std::fs::create_dir_all(parent);
    }
    let status = child.status().map_err(|error| BuildError::NotStarted { program: program.to_owned(), error })?;
    if status.success() { Ok(()) } else { Err(BuildError::Failed { command: command.join(" "), status }) }
}
