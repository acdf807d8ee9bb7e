//! `bloom.toml`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Places, Shape, known, nearest, shape, shown};
use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;

/// The name of the file in the places where it is looked for.
pub(crate) const NAME: &str = "bloom.toml";

/// A file that was read.
pub(super) struct Found {
    /// From the root on.
    pub(super) path: PathBuf,
    text: String,
}

/// A value in a file.
pub(super) struct Leaf {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    pub(super) line: usize,
}

/// The file that was named, which must be there; else the first that is there.
pub(super) fn find(places: &Places<'_>, catalogue: &Catalogue) -> anyhow::Result<Option<Found>> {
    if let Some(named) = places.named {
        return read(named, catalogue).map(Some);
    }
    let Some(path) = places.searched.iter().find(|path| path.is_file()) else { return Ok(None) };
    // It grants tools what they may do: who else may write it may grant that, too.
    if is_anybodys(path) {
        let path = path.display().to_string();
        return Err(Explained::refused(text!(catalogue, "config-writable", path = path))
            .hint(text!(catalogue, "config-writable-hint"))
            .into());
    }
    read(path, catalogue).map(Some)
}

fn read(path: &Path, catalogue: &Catalogue) -> anyhow::Result<Found> {
    let shown = path.display().to_string();
    let cannot_read = || Explained::usage(text!(catalogue, "cannot-read", path = shown));
    let text = std::fs::read_to_string(path).with_context(cannot_read)?;
    Ok(Found { path: crate::setting::absolute(path), text })
}

#[cfg(unix)]
fn is_anybodys(path: &Path) -> bool {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let Ok(there) = path.metadata() else { return false };
    let own = rustix::process::geteuid().as_raw();
    there.permissions().mode() & 0o002 != 0 || (there.uid() != own && there.uid() != 0)
}

#[cfg(not(unix))]
fn is_anybodys(_: &Path) -> bool {
    false
}

/// All values, each under a key that is known.
pub(super) fn leaves(file: &Found, catalogue: &Catalogue) -> anyhow::Result<Vec<Leaf>> {
    let table = DeTable::parse(&file.text).map_err(|error| {
        let line = line(&file.text, error.span().map_or(0, |span| span.start));
        let place = format!("{}:{line}", file.path.display());
        let reason = error.message().to_owned();
        Explained::usage(text!(catalogue, "config-not-toml", place = place, reason = reason))
    })?;
    let mut leaves = Vec::new();
    walk(file, table.get_ref(), &mut Vec::new(), &mut leaves, catalogue)?;
    Ok(leaves)
}

fn walk(
    file: &Found,
    table: &DeTable<'_>,
    path: &mut Vec<String>,
    leaves: &mut Vec<Leaf>,
    catalogue: &Catalogue,
) -> anyhow::Result<()> {
    for (key, value) in table {
        let name = key.get_ref().to_string();
        let line = line(&file.text, key.span().start);
        path.push(name.clone());
        match (shape(path), value.get_ref()) {
            (Shape::Unknown, _) => {
                let place = format!("{}:{line}", file.path.display());
                let (near, key) = (nearest(&name, &known(&path[..path.len() - 1])), shown(path));
                let error = Explained::usage(text!(catalogue, "config-unknown-key", place = place, key = key));
                return Err(match near {
                    Some(near) => error.hint(text!(catalogue, "usage-near", near = near)),
                    None => error,
                }
                .into());
            }
            (Shape::Fields | Shape::Map, DeValue::Table(inner)) => walk(file, inner, path, leaves, catalogue)?,
            // What is no table where one is due is told by its reader.
            (_, value) => {
                let value = json(value).ok_or_else(|| {
                    let origin = format!("{}:{line}", file.path.display());
                    Explained::usage(text!(catalogue, "config-bad-value", key = shown(path), origin = origin))
                })?;
                leaves.push(Leaf { path: path.clone(), value, line });
            }
        }
        path.pop();
    }
    Ok(())
}

/// `None` where a number is too large for any setting, or is none (`nan`): as null it would be passed over.
fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Float(number) => serde_json::Number::from_f64(number.as_str().parse().ok()?)?.into(),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => {
            items.iter().map(|item: &Spanned<DeValue<'_>>| json(item.get_ref())).collect::<Option<_>>()?
        }
        DeValue::Table(members) => {
            let members =
                members.iter().map(|(name, value)| Some((name.get_ref().to_string(), json(value.get_ref())?)));
            Value::Object(members.collect::<Option<_>>()?)
        }
    })
}

/// The value with paths in it meant from the file's folder on.
pub(super) fn anchored(path: &[String], value: Value, file: &Path) -> Value {
    let Some(folder) = file.parent() else { return value };
    let under = |path: &str| Value::from(folder.join(path).display().to_string());
    match (path, value) {
        ([section, name], Value::String(given)) if section == "run" && name == "llm" => {
            Value::from(crate::llm::under(folder, &given))
        }
        ([_, name], Value::String(given)) if name == "ca" => under(&given),
        ([section, _], Value::String(given)) if section == "run" => under(&given),
        ([section, name], Value::String(given))
            if section == "server" && (name == "web" || name.starts_with("tls_")) =>
        {
            under(&given)
        }
        (_, Value::Object(mut members)) => {
            if let Some(file) = members.get_mut("file")
                && let Some(path) = file.as_str()
            {
                *file = under(path);
            }
            Value::Object(members)
        }
        (_, value) => value,
    }
}

/// From 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
