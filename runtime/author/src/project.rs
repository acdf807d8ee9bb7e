//! `bloom-tool.toml`: what stands beside a tool's sources.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::template::Language;

/// The file's name.
pub const FILE: &str = "bloom-tool.toml";

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Where it is.
    pub folder: PathBuf,
    /// What its file says.
    pub settings: Settings,
}

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What it is written in, if it began as one of the templates: then what is missing can be named.
    pub language: Option<Language>,
    /// The file that `bloom tool build` writes.
    pub component: PathBuf,
    /// The folder with the samples.
    #[serde(default = "samples")]
    pub samples: PathBuf,
    /// How it is built.
    pub build: Build,
}

/// How a tool is built.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// A program and its arguments, run in the project's folder.
    pub command: Vec<String>,
    /// What the command writes: a core module or a component.
    pub output: PathBuf,
    /// Whether functions of WASI in the output are replaced by some that fail.
    #[serde(default)]
    pub stub_wasi: bool,
}

fn samples() -> PathBuf {
    PathBuf::from("samples")
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no file, here or above.
    #[error("there is no {FILE} in {}, nor in a folder above it", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It does not say what it should.
    #[error("{}: {message}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

impl Project {
    /// The project that a folder belongs to.
    pub fn find(folder: &Path) -> Result<Self, ProjectError> {
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let found = absolute.ancestors().find(|folder| folder.join(FILE).is_file());
        Self::open(found.ok_or_else(|| ProjectError::Missing(folder.to_owned()))?)
    }

    /// The project in a folder.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => return Err(ProjectError::Unreadable { path, error }),
        };
        let wrong = |message: String| ProjectError::Wrong { path: path.clone(), message };
        let settings: Settings =
            toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        if settings.build.command.is_empty() {
            return Err(wrong("`build.command` is empty".into()));
        }
        Ok(Self { folder: folder.to_owned(), settings })
    }

    /// Where the component is, or will be.
    pub fn component(&self) -> PathBuf {
        self.folder.join(&self.settings.component)
    }

    /// Where the language's own build puts its output.
    pub fn output(&self) -> PathBuf {
        self.folder.join(&self.settings.build.output)
    }

    /// Where the samples are.
    pub fn samples(&self) -> PathBuf {
        self.folder.join(&self.settings.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template;

    #[test]
    fn every_template_says_how_it_is_built() {
        for language in Language::ALL {
            let folder = tempfile::tempdir().unwrap();
            template::write(&folder.path().join("word-count"), "word-count", language).unwrap();
            let project = Project::find(&folder.path().join("word-count/samples")).unwrap();
            assert_eq!(project.settings.language, Some(language));
            assert_eq!(project.component(), folder.path().join("word-count/word-count.wasm"));
            assert!(project.samples().is_dir());
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let error = |text: &str| {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            Project::open(folder.path()).unwrap_err().to_string()
        };
        assert!(error("component = 1").contains("line 1"));
        assert!(error("component = \"a.wasm\"\n[build]\ncommand = []\noutput = \"b\"").contains("`build.command`"));
        assert!(error("component = \"a\"\ncolour = 1\n[build]\ncommand = [\"a\"]\noutput = \"b\"").contains("colour"));
        assert!(error("language = \"cobol\"\ncomponent = \"a\"").contains("cobol"));
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        assert!(Project::find(folder.path()).unwrap_err().to_string().contains(FILE));
    }
}
