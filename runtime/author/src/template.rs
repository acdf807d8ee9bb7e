//! Projects to start from.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use crate::embedded;

/// A language that there is a template for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// With the SDK `bloom-tool`: a function over serde types.
    Rust,
    /// Without a C library.
    C,
    /// On `QuickJS`.
    #[serde(alias = "js")]
    JavaScript,
    /// With a whole Python in the component.
    Python,
    /// A core module, with the contract's ABI by hand.
    AssemblyScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rust, Self::C, Self::JavaScript, Self::Python, Self::AssemblyScript];

    /// Its name on the command line, and the folder of its template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::AssemblyScript => "assemblyscript",
        }
    }

    /// Whether its components are made by a tool of its own, which needs the contract in the project.
    fn reads_wit(self) -> bool {
        matches!(self, Self::JavaScript | Self::Python)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// There is no template of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no template {0:?}")]
pub struct UnknownLanguage(pub String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(name: &str) -> Result<Self, UnknownLanguage> {
        let known = Self::ALL.into_iter().find(|language| language.name() == name);
        known.or((name == "js").then_some(Self::JavaScript)).ok_or_else(|| UnknownLanguage(name.to_owned()))
    }
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Manifests demand it, and packages of most languages, too.
    #[error("{0:?} is no name for a tool: it is in kebab-case, as `word-count`, of at most 64 characters")]
    Name(String),
    /// There is something, which is not overwritten.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// The files of a project, by path below its folder.
pub fn files(name: &str, language: Language) -> Result<Vec<(String, String)>, TemplateError> {
    if !is_name(name) {
        return Err(TemplateError::Name(name.to_owned()));
    }
    let mut files = Vec::new();
    for (path, text) in embedded::FILES {
        let Some((folder, path)) = path.split_once('/') else { continue };
        let shared = folder == "common" && !(language == Language::Rust && path == "manifest.json");
        if folder == language.name() || shared {
            files.push((path.to_owned(), filled(text, name)));
        }
    }
    if language == Language::Rust {
        // Without its tests, which are this project's own.
        let sdk = embedded::RUST_SDK.iter().filter(|(path, _)| !path.starts_with("tests/"));
        files.extend(sdk.map(|(path, text)| (format!("bloom-tool/{path}"), (*text).to_owned())));
        files.push(("Cargo.lock".to_owned(), embedded::RUST_LOCK.to_owned()));
    }
    if language.reads_wit() {
        files.extend(contract("wit/deps/bloom-tool"));
    }
    files.sort();
    Ok(files)
}

/// The files of the contract's WIT package, below a folder.
pub fn contract(folder: &str) -> impl Iterator<Item = (String, String)> {
    embedded::CONTRACT.iter().map(move |(path, text)| (format!("{folder}/{path}"), (*text).to_owned()))
}

/// Writes a project into a folder that is not there yet.
pub fn write(folder: &Path, name: &str, language: Language) -> Result<Vec<String>, TemplateError> {
    let files = files(name, language)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => TemplateError::Exists(path),
            _ => TemplateError::Write { path, error },
        }
    };
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    fs::create_dir(folder).map_err(failed(folder))?;
    let mut written = Vec::new();
    for (path, text) in files {
        let to = folder.join(&path);
        let parent = to.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(failed(parent))?;
        let file = File::create_new(&to).and_then(|mut file| file.write_all(text.as_bytes()));
        file.map_err(failed(&to))?;
        written.push(path);
    }
    Ok(written)
}

fn filled(text: &str, name: &str) -> String {
    text.replace("{{name}}", name).replace("{{snake}}", &name.replace('-', "_"))
}

fn is_name(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= 64 && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(language: Language) -> Vec<String> {
        files("word-count", language).unwrap().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn every_template_is_a_whole_project() {
        for language in Language::ALL {
            let paths = paths(language);
            for needed in [".gitignore", "README.md", "bloom-tool.toml", "samples/bach.json", "samples/notes/bach.md"] {
                assert!(paths.iter().any(|path| path == needed), "{language}: {needed} of {paths:?}");
            }
            assert!(paths.iter().any(|path| path.contains("test") || path == "src/lib.rs"), "{language}");
            assert_eq!(paths.iter().any(|path| path == "manifest.json"), language != Language::Rust, "{language}");
        }
        assert!(paths(Language::Rust).contains(&"bloom-tool/macros/src/lib.rs".to_owned()));
        assert!(paths(Language::Python).contains(&"wit/deps/bloom-tool/adapter.wit".to_owned()));
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for language in Language::ALL {
            for (path, text) in files("word-count", language).unwrap() {
                assert!(!text.contains("{{name}}") && !text.contains("{{snake}}"), "{language}: {path}");
            }
        }
    }

    #[test]
    fn a_project_is_written_once_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("below/word-count");
        let written = write(&project, "word-count", Language::C).unwrap();
        assert!(written.iter().all(|path| project.join(path).is_file()) && written.len() > 10);
        assert!(matches!(write(&project, "word-count", Language::C), Err(TemplateError::Exists(_))));
        fs::write(folder.path().join("file"), "mine").unwrap();
        assert!(matches!(write(&folder.path().join("file"), "a", Language::C), Err(TemplateError::Exists(_))));
        assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "mine");
    }

    #[test]
    fn a_name_that_no_manifest_may_have_is_refused() {
        for name in ["", "Word", "word_count", "-a", "a-", "a--b", "../a", "a/b", "1a", "лічба", &"a".repeat(65)] {
            assert!(matches!(files(name, Language::C), Err(TemplateError::Name(_))), "{name}");
        }
    }

    #[test]
    fn languages_are_found_by_name() {
        for language in Language::ALL {
            assert_eq!(language.name().parse(), Ok(language));
        }
        assert_eq!("js".parse(), Ok(Language::JavaScript));
        assert_eq!("cobol".parse::<Language>(), Err(UnknownLanguage("cobol".into())));
    }
}
