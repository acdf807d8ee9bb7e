//! The conversations that the CLI keeps where nodes ask for that: one for each execution context, for a day.
//!
//! Each has a folder, in which the CLI works whenever the conversation goes on, since it looks for conversations by folder, and
//! beside it a note of what the CLI calls the conversation. Questions of one conversation are asked one after the other. When
//! its day is over, both go, with what the CLI has written down of it among its own files.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bloom_ir::Digest;
use bloom_runtime::clock::Clock;
use bloom_runtime::record::ContextId;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::process::Output;

/// So long a conversation goes on after its first question, in milliseconds: else it would grow for ever.
const LIFE_MS: i64 = 24 * 60 * 60 * 1000;

/// While there are conversations, it is looked at least so often whether one is over: the clock may be set,
const LONGEST_REST: Duration = Duration::from_hours(1);
/// and not more often.
const SHORTEST_REST: Duration = Duration::from_mins(1);

/// What the CLI says when it has no conversation of that name any more.
const LOST: &str = "No conversation found";

/// The conversations of one worker.
#[derive(Clone)]
pub(super) struct Conversations(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    /// Where the CLI keeps what is its own.
    settings: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    /// Who has which one.
    held: Mutex<BTreeMap<String, Weak<AsyncMutex<()>>>>,
    /// Whether somebody waits for the end of the first one.
    is_tended: AtomicBool,
}

impl fmt::Debug for Conversations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Conversations").field(&self.0.folder).finish()
    }
}

/// What is remembered of a conversation.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    context: ContextId,
    /// Unix milliseconds.
    began_at: i64,
    /// What the CLI calls it, or called it before it began anew; the last one goes on.
    sessions: Vec<String>,
}

/// A conversation that nobody else has for now.
pub(super) struct Conversation {
    folder: PathBuf,
    _held: OwnedMutexGuard<()>,
}

impl Conversations {
    /// Those that lie in a folder, which need not be there. What was left there and is over goes. `settings` is where the CLI
    /// keeps what is its own. Needs a tokio runtime.
    pub(super) fn of(folder: PathBuf, settings: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let shared =
            Arc::new(Shared { folder, settings, clock, held: Mutex::default(), is_tended: AtomicBool::default() });
        if shared.sweep().is_some() {
            shared.tend();
        }
        Self(shared)
    }

    /// The conversation of a context, once whoever has it is done.
    pub(super) async fn open(&self, context: &ContextId) -> io::Result<Conversation> {
        let name: String = Digest::of(context.as_str().as_bytes()).hex().chars().take(32).collect();
        let folder = self.0.folder.join(&name);
        let held = self.0.lock(&name).lock_owned().await;
        let now = self.0.clock.now();
        if Note::read(&folder).is_none_or(|note| note.end() <= now) {
            self.0.forget(&folder)?;
            let mut private = std::fs::DirBuilder::new();
            private.recursive(true).mode(0o700).create(folder.join("work"))?;
            Note { context: context.clone(), began_at: now, sessions: Vec::new() }.write(&folder)?;
        }
        self.0.tend();
        Ok(Conversation { folder, _held: held })
    }

    #[cfg(test)]
    pub(super) fn sweep(&self) {
        self.0.sweep();
    }
}

impl Shared {
    fn lock(&self, name: &str) -> Arc<AsyncMutex<()>> {
        // Locks are whole whatever panicked.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = held.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        held.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }

    /// Removes those that are over and that nobody has; tells when the first of the others is, in Unix milliseconds.
    fn sweep(&self) -> Option<i64> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut first: Option<i64> = None;
        for entry in entries {
            let folder = entry.path();
            let Some(_held) = entry.file_name().to_str().and_then(|name| self.lock(name).try_lock_owned().ok()) else {
                first = Some(i64::MIN);
                continue;
            };
            let end = Note::read(&folder).map_or(i64::MIN, |note| note.end());
            if end > self.clock.now() {
                first = Some(first.map_or(end, |first| first.min(end)));
            } else if let Err(error) = self.forget(&folder) {
                tracing::warn!(folder = %folder.display(), %error, "a conversation that is over cannot be removed for now");
                first = Some(i64::MIN);
            }
        }
        first
    }

    /// Has somebody wait for the end of the first conversation, as long as there are any.
    fn tend(self: &Arc<Self>) {
        if self.is_tended.swap(true, Ordering::SeqCst) {
            return;
        }
        let shared = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(strong) = shared.upgrade() {
                let Some(end) = strong.sweep() else {
                    strong.is_tended.store(false, Ordering::SeqCst);
                    // One may have begun just now, whose owner saw that somebody waits.
                    if strong.sweep().is_none() || strong.is_tended.swap(true, Ordering::SeqCst) {
                        return;
                    }
                    continue;
                };
                let rest = u64::try_from(end.saturating_sub(strong.clock.now())).unwrap_or_default();
                drop(strong);
                tokio::time::sleep(Duration::from_millis(rest).clamp(SHORTEST_REST, LONGEST_REST)).await;
            }
        });
    }

    /// Removes a conversation. The CLI keeps each as `projects/FOLDER/ID.jsonl` among what is its own.
    fn forget(&self, folder: &Path) -> io::Result<()> {
        if let (Some(note), Some(settings)) = (Note::read(folder), &self.settings) {
            let projects = std::fs::read_dir(settings.join("projects")).into_iter().flatten().flatten();
            for project in projects.map(|project| project.path()) {
                let mut is_ours = false;
                for id in note.sessions.iter().filter(|id| is_name(id)) {
                    is_ours |= unless_gone(std::fs::remove_file(project.join(format!("{id}.jsonl"))))?;
                    is_ours |= unless_gone(std::fs::remove_dir_all(project.join(id)))?;
                }
                if is_ours {
                    // Unless others lie there.
                    let _ = std::fs::remove_dir(project);
                }
            }
        }
        unless_gone(std::fs::remove_dir_all(folder)).map(drop)
    }
}

/// Whether something was removed, where it may not have been there.
fn unless_gone(removed: io::Result<()>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a text can be the name of a conversation: it becomes an argument, and a part of a path.
fn is_name(id: &str) -> bool {
    (1..=64).contains(&id.len()) && !id.starts_with('-') && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl Note {
    fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.join("note.json")).ok()?).ok()
    }

    /// A crash leaves the note as it was, or as it is to be.
    fn write(&self, folder: &Path) -> io::Result<()> {
        let new = folder.join("note.new");
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        std::fs::rename(new, folder.join("note.json"))
    }

    fn end(&self) -> i64 {
        self.began_at.saturating_add(LIFE_MS)
    }
}

impl Conversation {
    /// Where the CLI works: it stays empty.
    pub(super) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// What the CLI calls it.
    pub(super) fn session(&self) -> Option<String> {
        Note::read(&self.folder)?.sessions.pop()
    }

    /// The arguments by which it goes on; or begins, if nothing was asked yet.
    pub(super) fn go_on(&self) -> io::Result<[OsString; 2]> {
        match self.session() {
            Some(id) => Ok(["--resume".into(), id.into()]),
            None => self.begin(),
        }
    }

    /// The arguments by which it begins, perhaps anew. Its name is written down before, so that it is known whatever happens.
    pub(super) fn begin(&self) -> io::Result<[OsString; 2]> {
        let id = self.edit(|note| {
            let seed = format!("{}\n{}\n{}", self.folder.display(), note.began_at, note.sessions.len());
            let id = uuid(&Digest::of(seed.as_bytes()).hex());
            note.sessions.push(id.clone());
            id
        })?;
        Ok(["--session-id".into(), id.into()])
    }

    /// Takes note of what the CLI says that it calls the conversation.
    pub(super) fn is_called(&self, id: String) -> io::Result<()> {
        if is_name(&id) && self.session().as_ref() != Some(&id) {
            self.edit(|note| note.sessions.push(id))
        } else {
            Ok(())
        }
    }

    fn edit<T>(&self, edit: impl FnOnce(&mut Note) -> T) -> io::Result<T> {
        let mut note = Note::read(&self.folder).ok_or(io::ErrorKind::NotFound)?;
        let edited = edit(&mut note);
        note.write(&self.folder)?;
        Ok(edited)
    }
}

/// Whether the CLI says that it does not know the conversation.
pub(super) fn is_lost(output: &Output) -> bool {
    let says = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(LOST);
    !output.status.success() && (says(&output.stdout) || says(&output.stderr))
}

/// Hexadecimal digits as a UUID of version 4, the one that is drawn: they are those of a digest.
fn uuid(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_a_uuid() {
        assert_eq!(uuid(&"0123456789abcdef".repeat(4)), "01234567-89ab-4def-a123-456789abcdef");
    }

    #[test]
    fn names_cannot_leave_their_folder_or_become_options() {
        assert!(is_name("01234567-89ab-4def-a123-456789abcdef"));
        for id in ["", "--resume", "../x", "a/b", "a b", &"a".repeat(65)] {
            assert!(!is_name(id), "{id}");
        }
    }
}
