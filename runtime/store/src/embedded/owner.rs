//! Who has the store open: a note beside the file, for the error that another process gets. The lock itself is redb's,
//! on the file; a note that was left behind by a process that was killed does no harm.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process;

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    pid: u32,
    command: String,
    since: String,
}

/// The note of this process, removed when dropped: before the lock is, so that it is never another's.
pub(super) struct Owner(PathBuf);

impl Owner {
    /// Leaves the note. To be called by who holds the lock.
    pub(super) fn sign(store: &Path) -> Self {
        let path = beside(store);
        // The program and its verb: what follows may be private.
        let command: Vec<_> = std::env::args_os().take(2).map(|word| word.to_string_lossy().into_owned()).collect();
        let note = Note {
            pid: process::id(),
            command: command.join(" "),
            since: jiff::Timestamp::now().strftime("%FT%TZ").to_string(),
        };
        let text = serde_json::to_vec(&note).unwrap_or_default();
        // Without the note only an error message of another process is poorer.
        let _ = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(&text));
        Self(path)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Who holds the lock, as far as can be told.
pub(super) fn holder(store: &Path) -> String {
    let note = fs::read(beside(store)).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
    match note {
        Some(note) if note.pid == process::id() => "this process already".to_owned(),
        Some(note) if is_alive(note.pid) => {
            format!("process {} (`{}`) since {}", note.pid, note.command, note.since)
        }
        // Left behind by one that was killed, while another that has not signed yet holds the lock.
        Some(_) | None => "another process".to_owned(),
    }
}

fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // Refused means that there is one to refuse.
    !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

fn beside(store: &Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(".owner");
    path.into()
}
