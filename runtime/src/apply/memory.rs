//! The memory of an agent: the file `state.json` in its folder.
//!
//! ```json
//! { "version": 4, "processed_slugs": ["a", "b"], "last_run": 1767225600000,
//!   "notes": [{ "at": 1767225600000, "run": "…", "text": "…" }], "proposal": "…" }
//! ```
//!
//! `version` grows by one with each change; a file without one, or no file, has version 0. `proposal` is the change that
//! made this version, which is how a change is recognised that was made just before a crash. Other members are kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bloom_ir::Value;
use bloom_ir::value::Map;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::record::Proposal;

const FILE: &str = "state.json";
const NEW_FILE: &str = ".state.json.new";
/// A larger memory is not read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A change of a memory, as `write-memory` shapes it: `{set: {processed_slugs?, last_run?}, append_note?}`.
#[derive(Debug)]
pub(super) struct Change {
    proposal: String,
    run: String,
    at: i64,
    base: Option<u64>,
    set: Map,
    remark: Option<String>,
}

/// Why a memory cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It was changed since the proposal was made.
    #[error("the memory has version {actual}; the proposal was made against version {base}")]
    Conflict {
        /// What the proposal was made against.
        base: u64,
        /// What is there.
        actual: u64,
    },
    /// The agent's id is no name of a folder.
    #[error("`{0}` is no name of a folder")]
    Agent(String),
    /// The change is not of a form that is known.
    #[error("the change is not understood: {0}")]
    Change(String),
    /// The file holds something else than a memory. It is left as it is.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file system failed.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl MemoryError {
    /// A stable word for it: `conflict`, `invalid`, `damaged`, `io`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::Agent(_) | Self::Change(_) => "invalid",
            Self::Damaged { .. } => "damaged",
            Self::Io { .. } => "io",
        }
    }
}

/// Whether an agent, which is a flow's id, may be the name of its folder: as one it must not lead anywhere else.
pub fn may_name_folder(agent: &str) -> bool {
    !agent.is_empty() && agent.len() <= 255 && !agent.starts_with('.') && !agent.contains(['/', '\\', '\0'])
}

impl Change {
    pub(super) fn of(proposal: &Proposal, at: i64) -> Result<Self, MemoryError> {
        let agent = &proposal.agent;
        if !may_name_folder(agent) {
            return Err(MemoryError::Agent(agent.clone()));
        }
        let not_understood = |problem: &str| MemoryError::Change(problem.to_owned());
        let content = proposal.content.as_map().ok_or_else(|| not_understood("it is no object"))?;
        if let Some(unknown) = content.keys().find(|key| !matches!(&***key, "set" | "append_note")) {
            return Err(not_understood(&format!("`{unknown}` is unknown")));
        }
        let set = match content.get("set") {
            None => Map::new(),
            Some(set) => set.as_map().ok_or_else(|| not_understood("`set` is no object"))?.clone(),
        };
        for (key, value) in &set {
            let fits = match &**key {
                "processed_slugs" => {
                    value.as_list().is_some_and(|slugs| slugs.iter().all(|slug| slug.as_str().is_some()))
                }
                "last_run" => matches!(value, Value::Int(_) | Value::Null),
                _ => return Err(not_understood(&format!("`{key}` cannot be set"))),
            };
            if !fits {
                return Err(not_understood(&format!("`{key}` has the wrong type")));
            }
        }
        let remark = match content.get("append_note") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.to_string()),
            Some(_) => return Err(not_understood("`append_note` is no text")),
        };
        Ok(Self {
            proposal: proposal.id.to_string(),
            run: proposal.run.to_string(),
            at,
            base: proposal.base_revision,
            set,
            remark,
        })
    }

    fn of_state(&self, mut state: Map, version: i64) -> Map {
        state.insert("version".into(), Value::Int(version));
        state.insert("proposal".into(), Value::from(self.proposal.as_str()));
        state.entry("processed_slugs".into()).or_insert_with(|| std::iter::empty::<Value>().collect());
        state.entry("last_run".into()).or_default();
        state.extend(self.set.clone());
        let remarks = state.get("notes").and_then(Value::as_list).unwrap_or_default();
        let added = self.remark.as_ref().map(|text| {
            [("at", Value::Int(self.at)), ("run", self.run.as_str().into()), ("text", text.as_str().into())]
                .into_iter()
                .collect::<Value>()
        });
        let remarks = remarks.iter().cloned().chain(added).collect();
        state.insert("notes".into(), remarks);
        state
    }
}

/// Makes the change, durably and whole or not at all, and gives the memory's version after it. A change that was made
/// already is not made again.
pub(super) fn write(folder: &Path, change: &Change) -> Result<i64, MemoryError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| MemoryError::Io { path, source }
    };
    create_folder(folder).map_err(failed(folder))?;
    let path = folder.join(FILE);
    let state = read(&path)?;
    let version = version(&path, &state)?;
    if state.get("proposal").and_then(Value::as_str) == Some(&change.proposal) {
        // The crash may have come before the folder was synced.
        sync_folder(folder).map_err(failed(folder))?;
        return Ok(version);
    }
    let actual = u64::try_from(version).unwrap_or_default();
    if let Some(base) = change.base.filter(|base| *base != actual) {
        return Err(MemoryError::Conflict { base, actual });
    }
    let next = version.saturating_add(1);
    let state = Value::Map(change.of_state(state, next).into());
    let new = folder.join(NEW_FILE);
    write_new(&new, &state).map_err(failed(&new))?;
    fs::rename(&new, &path).map_err(failed(&path))?;
    sync_folder(folder).map_err(failed(folder))?;
    Ok(next)
}

/// The memory as it is, and as the change would make it, whatever version it was made against; written nowhere.
pub(super) fn preview(folder: &Path, change: &Change) -> Result<(Map, Map), MemoryError> {
    let path = folder.join(FILE);
    let state = read(&path)?;
    let version = version(&path, &state)?;
    let mut next = change.of_state(state.clone(), version.saturating_add(1));
    let mut state = state;
    // Which change made it tells nobody what is changed.
    for each in [&mut state, &mut next] {
        each.remove("proposal");
    }
    Ok((state, next))
}

/// A new file for its owner only. What a crash left there, or somebody planted, as a link to another file, is removed and
/// never written through.
fn write_new(path: &Path, state: &Value) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    serde_json::to_writer_pretty(&mut file, state)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Creates a folder and those above it that are missing, durably.
fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = match folder.parent() {
        None => return fs::create_dir(folder),
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
    };
    create_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !folder.is_dir() => Err(error),
        _ => sync_folder(above),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn read(path: &Path) -> Result<Map, MemoryError> {
    let damaged = |problem: String| MemoryError::Damaged { path: path.to_owned(), problem };
    let io = |source| MemoryError::Io { path: path.to_owned(), source };
    let not_plain = || damaged("it is no plain file".to_owned());
    // A link could lead out of the memory, and a pipe would be waited for. What is looked at is what is read.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(Map::new()),
        Err(Errno::LOOP) => return Err(not_plain()),
        Err(errno) => return Err(io(errno.into())),
    };
    if !file.metadata().map_err(io)?.is_file() {
        return Err(not_plain());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(damaged(format!("it has more than {MAX_BYTES} bytes")));
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Map(state)) => Ok((*state).clone()),
        Ok(other) => Err(damaged(format!("it holds a {}", other.type_name()))),
        Err(error) => Err(damaged(error.to_string())),
    }
}

fn version(path: &Path, state: &Map) -> Result<i64, MemoryError> {
    match state.get("version") {
        None => Ok(0),
        Some(Value::Int(version)) if *version >= 0 => Ok(*version),
        Some(_) => Err(MemoryError::Damaged { path: path.to_owned(), problem: "`version` is no version".to_owned() }),
    }
}

#[cfg(test)]
mod tests;
