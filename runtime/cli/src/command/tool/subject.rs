//! What a person names as a tool: a project, a component's file, or an installed tool.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_author::component::{self, Form};
use bloom_author::project::Project;
use bloom_author::template::Language;

use super::trouble;
use crate::catalogue::text;
use crate::failure::Explained;
use crate::session::Session;

/// A component that lies in a file.
pub(crate) struct Subject {
    /// Its file.
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// The project that it is of.
    pub(crate) project: Option<Project>,
}

impl Subject {
    /// The component of a project's folder, or of a file.
    pub(crate) fn read(named: &Path, session: &Session) -> anyhow::Result<Self> {
        let catalogue = &session.catalogue;
        let (path, project) = if named.is_dir() {
            let project = Project::find(named).map_err(|error| trouble::of_project(error, catalogue))?;
            let path = project.component();
            if !path.exists() {
                let path = path.display().to_string();
                let explained = Explained::usage(text!(catalogue, "tool-not-built", path = path));
                return Err(explained.hint(text!(catalogue, "tool-not-built.hint")).into());
            }
            (path, Some(project))
        } else {
            let absolute = std::path::absolute(named).unwrap_or_else(|_| named.to_owned());
            // A file within a project is that project's, if it is its component.
            let project = absolute.parent().and_then(|folder| Project::find(folder).ok());
            (named.to_owned(), project.filter(|project| project.component() == absolute))
        };
        let shown = path.display().to_string();
        let size = std::fs::metadata(&path).map(|metadata| metadata.len());
        let size = size.with_context(|| Explained::failed(text!(catalogue, "cannot-read", path = &shown)))?;
        let language = project.as_ref().and_then(|project| project.settings.language);
        let too_large = component::ComponentError::TooLarge { size: usize::try_from(size).unwrap_or(usize::MAX) };
        if size > component::MAX_SIZE as u64 {
            return Err(trouble::of_component(&too_large, &shown, language, catalogue).into());
        }
        let bytes =
            std::fs::read(&path).with_context(|| Explained::failed(text!(catalogue, "cannot-read", path = &shown)))?;
        match component::form(&bytes) {
            Ok(Form::Component) => Ok(Self { path, bytes, project }),
            Ok(Form::Module) => {
                let explained = Explained::failed(text!(catalogue, "tool-core-module", path = &shown));
                Err(explained.hint(text!(catalogue, "tool-core-module.hint", path = &shown)).into())
            }
            Err(error) => Err(trouble::of_component(&error, &shown, language, catalogue).into()),
        }
    }

    /// Its file, for people.
    pub(crate) fn shown(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        self.path.strip_prefix(&here).unwrap_or(&self.path).display().to_string()
    }

    /// What it is written in, as far as its project says.
    pub(crate) fn language(&self) -> Option<Language> {
        self.project.as_ref().and_then(|project| project.settings.language)
    }
}

/// Whether a person means a file or a folder, rather than the name of an installed tool.
pub(crate) fn is_path(named: &str) -> bool {
    // NAME@VERSION has points, too.
    if named.contains('@') && !Path::new(named).exists() {
        return false;
    }
    named.contains(['/', '\\', '.']) || Path::new(named).is_dir() && Path::new(named).join("bloom-tool.toml").is_file()
}
