//! The operator's settings: from `bloom.toml`, then the environment, then the command line; the later one stands.
//!
//! Each value knows where it came from. A key that nobody knows is an error, with the one that may be meant.

mod environment;
mod file;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::Value;

pub(crate) use self::environment::NOT_HONOURED;
pub(crate) use self::file::NAME as FILE;
pub(crate) use self::settings::{
    Agent, ArtifactPlace, Artifacts, Budget, LogFormat, MASK, Secret, Settings, Tool, ToolValue,
};
use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;

/// All settings with their origins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    /// The file that was read, if there is one.
    pub(crate) file: Option<PathBuf>,
    origins: BTreeMap<Vec<String>, Origin>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Option(&'static str),
}

/// A setting as `bloom config show` tells it.
pub(crate) struct Entry {
    pub(crate) key: String,
    /// With secrets masked.
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The file of the user, by the XDG Base Directory Specification.
pub(crate) fn of_user() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(base.join("bloom").join(FILE))
}

/// Where files and variables are looked for.
pub(crate) struct Places<'a> {
    /// The file that was named.
    pub(crate) named: Option<&'a Path>,
    /// Else the first of these that is there.
    pub(crate) searched: Vec<PathBuf>,
    pub(crate) variables: Vec<(String, String)>,
}

impl Config {
    /// Reads everything but the command line.
    pub(crate) fn load(places: &Places<'_>, catalogue: &Catalogue) -> anyhow::Result<Self> {
        let mut config = Self::default();
        if let Some(found) = file::find(places, catalogue)? {
            for leaf in file::leaves(&found, catalogue)? {
                let origin = Origin::File { path: found.path.clone(), line: leaf.line };
                config.set(&leaf.path, file::anchored(&leaf.path, leaf.value, &found.path), origin, catalogue)?;
            }
            config.file = Some(found.path);
        }
        environment::apply(&mut config, &places.variables, catalogue)?;
        Ok(config)
    }

    /// Sets a value, if it is one that its key takes.
    pub(crate) fn set<P: AsRef<str>>(
        &mut self,
        path: &[P],
        value: Value,
        origin: Origin,
        catalogue: &Catalogue,
    ) -> anyhow::Result<()> {
        match self.with(path, value) {
            Ok(settings) => {
                self.settings = settings;
                self.origins.insert(path.iter().map(|part| part.as_ref().to_owned()).collect(), origin);
                Ok(())
            }
            Err(error) => {
                let (key, at) = (shown(path), origin.shown(catalogue));
                Err(anyhow::Error::new(error).context(Explained::usage(text!(
                    catalogue,
                    "config-bad-value",
                    key = key,
                    origin = at
                ))))
            }
        }
    }

    /// Sets what an option says, if it was given.
    pub(crate) fn option<T: Into<Value>>(
        &mut self,
        path: &[&str],
        given: Option<T>,
        option: &'static str,
        catalogue: &Catalogue,
    ) -> anyhow::Result<()> {
        given.map_or(Ok(()), |value| self.set(path, value.into(), Origin::Option(option), catalogue))
    }

    /// Where a value came from.
    pub(crate) fn origin(&self, path: &[&str]) -> Origin {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        self.origins.get(&path).cloned().unwrap_or(Origin::Default)
    }

    /// All settings that there are, by key, with secrets masked.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.collect(&mut Vec::new(), &self.values(), &mut entries);
        entries
    }

    fn collect(&self, path: &mut Vec<String>, value: &Value, entries: &mut Vec<Entry>) {
        match (shape(path), value) {
            (Shape::Fields | Shape::Map, Value::Object(members)) => {
                for (name, value) in members {
                    path.push(name.clone());
                    self.collect(path, value, entries);
                    path.pop();
                }
            }
            _ => entries.push(Entry {
                key: shown(path),
                value: if is_secret(path) { masked(value) } else { value.clone() },
                origin: self.origins.get(path).cloned().unwrap_or(Origin::Default),
            }),
        }
    }

    fn with<P: AsRef<str>>(&self, path: &[P], value: Value) -> Result<Settings, serde_json::Error> {
        let mut values = self.values();
        put(&mut values, path, value);
        serde_json::from_value(values)
    }

    /// As they would be written, with secrets as they are.
    fn values(&self) -> Value {
        serde_json::to_value(&self.settings).unwrap_or_else(|_| unreachable!("settings are texts, numbers and lists"))
    }
}

/// Puts a value under a key, with those above it.
fn put<P: AsRef<str>>(place: &mut Value, path: &[P], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *place = value;
        return;
    };
    if place.is_null() {
        *place = Value::Object(serde_json::Map::new());
    }
    if let Some(members) = place.as_object_mut() {
        put(members.entry(name.as_ref()).or_insert(Value::Null), rest, value);
    }
}

impl Origin {
    /// For people.
    pub(crate) fn shown(&self, catalogue: &Catalogue) -> String {
        match self {
            Self::Default => text!(catalogue, "config-default"),
            Self::File { path, line } => format!("{}:{line}", path.display()),
            Self::Environment(name) => format!("${name}"),
            Self::Option(name) => (*name).to_owned(),
        }
    }

    /// For programs: `default`, `file:PATH:LINE`, `env:NAME`, `option:NAME`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Default => String::from("default"),
            Self::File { path, line } => format!("file:{}:{line}", path.display()),
            Self::Environment(name) => format!("env:{name}"),
            Self::Option(name) => format!("option:{name}"),
        }
    }
}

impl Secret {
    /// What it is, read from where it is. A file's last line break is not part of it.
    pub(crate) fn read(&self, key: &str, catalogue: &Catalogue) -> anyhow::Result<SecretString> {
        let empty = || Explained::usage(text!(catalogue, "config-secret-empty", key = key));
        let text = match self {
            Self::Inline(text) => text.clone(),
            Self::Env { env } => std::env::var(env).unwrap_or_default(),
            Self::File { file } => {
                let path = file.display().to_string();
                let read = std::fs::read_to_string(file);
                let text = read.with_context(|| Explained::usage(text!(catalogue, "cannot-read", path = path)))?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                line.strip_suffix('\r').unwrap_or(line).to_owned()
            }
        };
        if text.is_empty() { Err(empty().into()) } else { Ok(SecretString::from(text)) }
    }
}

/// What may stand under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Keys that are known.
    Fields,
    /// Names that the operator gives.
    Map,
    /// A value.
    Leaf,
    /// Nothing: the key is not known.
    Unknown,
}

fn shape<P: AsRef<str>>(path: &[P]) -> Shape {
    let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    match path.as_slice() {
        ["agents" | "budgets" | "tools"] | ["tools", _, "config"] | ["network", "hosts"] => Shape::Map,
        ["agents" | "budgets" | "tools", _] => Shape::Fields,
        ["tools", _, "http" | "digest" | "artifacts"] | ["tools", _, "config", _] | ["network", "hosts", _] => {
            Shape::Leaf
        }
        [section @ ("agents" | "budgets"), _, name] if known(&[section, ""]).iter().any(|known| known == name) => {
            Shape::Leaf
        }
        other => {
            let template = Config::default().values();
            let found = other.iter().try_fold(&template, |value, part| value.get(part));
            match found {
                None => Shape::Unknown,
                Some(Value::Object(_)) => Shape::Fields,
                Some(_) => Shape::Leaf,
            }
        }
    }
}

/// The keys that may stand under one.
fn known<P: AsRef<str>>(path: &[P]) -> Vec<String> {
    let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    let template = match path.as_slice() {
        ["agents", _] => serde_json::to_value(Agent::default()).unwrap_or_default(),
        ["budgets", _] => serde_json::to_value(Budget::default()).unwrap_or_default(),
        ["tools", _] => serde_json::to_value(Tool::default()).unwrap_or_default(),
        other => {
            let template = Config::default().values();
            other.iter().try_fold(&template, |value, part| value.get(part)).cloned().unwrap_or_default()
        }
    };
    template.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The key that may be meant.
fn nearest(name: &str, known: &[String]) -> Option<String> {
    let distance = |known: &&String| strsim::damerau_levenshtein(name, known);
    known.iter().min_by_key(distance).filter(|known| distance(known) <= 2 + known.len() / 8).cloned()
}

fn is_secret(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        path.as_slice(),
        ["server" | "client", "api_key"]
            | ["server", "session_secret"]
            | ["worker", "key"]
            | ["artifacts", "secret_key"]
            | ["membridge", "admin_key" | "agent_key"]
            | ["tools", _, "config", _]
    )
}

/// Where it is may be seen.
fn masked(value: &Value) -> Value {
    if value.is_string() { Value::from(MASK) } else { value.clone() }
}

/// A key as it is written in a file.
fn shown<P: AsRef<str>>(path: &[P]) -> String {
    path.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests;
