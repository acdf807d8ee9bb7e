//! Calls that a project keeps, to be checked with: `samples/*.json`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A call, what is granted for it, and what should come of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The file's name without `.json`.
    pub name: String,
    /// The call's arguments.
    pub input: Value,
    /// What should come of it.
    pub expected: Expected,
    /// The folders that it may read, by root.
    pub files: BTreeMap<String, PathBuf>,
    /// Its settings by key, each as the operator's file has it: a text, or `{ "public": … }`.
    pub config: BTreeMap<String, Value>,
    /// Where it may send requests, each as the operator's file has it.
    pub http: Vec<Value>,
}

/// What should come of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Any output that its schema allows.
    Success,
    /// This output.
    Output(Value),
    /// A failure of this code.
    Failure(String),
}

/// Why there are no samples.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The folder or a file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file holds no sample.
    #[error("{}: {message}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    input: Value,
    #[serde(default, deserialize_with = "present")]
    output: Option<Value>,
    failure: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, PathBuf>,
    #[serde(default)]
    config: BTreeMap<String, Value>,
    #[serde(default)]
    http: Vec<Value>,
}

/// An output of `null` is an output.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// The samples of a folder, by name; none where there is no such folder.
pub fn read(folder: &Path) -> Result<Vec<Sample>, SampleError> {
    let unreadable = |path: &Path, error: io::Error| SampleError::Unreadable { path: path.to_owned(), error };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| unreadable(folder, error))?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| sample(folder, path)).collect()
}

fn sample(folder: &Path, path: &Path) -> Result<Sample, SampleError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Err(SampleError::Unreadable { path: path.to_owned(), error }),
    };
    let wrong = |message: String| SampleError::Wrong { path: path.to_owned(), message };
    let written: Written = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let expected = match (written.output, written.failure) {
        (None, None) => Expected::Success,
        (Some(output), None) => Expected::Output(output),
        (None, Some(code)) => Expected::Failure(code),
        (Some(_), Some(_)) => return Err(wrong("`output` and `failure` cannot both come of a call".into())),
    };
    Ok(Sample {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        input: written.input,
        expected,
        files: written.files.into_iter().map(|(root, below)| (root, folder.join(below))).collect(),
        config: written.config,
        http: written.http,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn samples_come_by_name_with_folders_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("b.json", r#"{ "input": {}, "failure": "empty" }"#);
        write(
            "a.json",
            r#"{ "input": { "x": 1 }, "output": null, "files": { "notes": "n" }, "config": { "k": "v" } }"#,
        );
        write("c.json", r#"{ "input": {} }"#);
        write("readme.md", "");
        let samples = read(folder.path()).unwrap();
        assert_eq!(samples.iter().map(|sample| sample.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(samples[0].expected, Expected::Output(Value::Null));
        assert_eq!((&samples[0].input, &samples[0].files["notes"]), (&json!({ "x": 1 }), &folder.path().join("n")));
        assert_eq!(samples[1].expected, Expected::Failure("empty".into()));
        assert_eq!(samples[2].expected, Expected::Success);
        assert_eq!(read(&folder.path().join("none")).unwrap(), []);
    }

    #[test]
    fn a_file_that_is_no_sample_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{}", r#"{ "input": {}, "outptu": 1 }"#, r#"{ "input": {}, "output": 1, "failure": "x" }"#] {
            std::fs::write(folder.path().join("odd.json"), text).unwrap();
            assert!(read(folder.path()).unwrap_err().to_string().contains("odd.json"), "{text}");
        }
    }
}
