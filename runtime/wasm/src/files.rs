//! Reading below a folder, and never outside it.
//!
//! Each part of a path is opened on its own, relative to the folder before it and without following a link (`O_NOFOLLOW`),
//! so there is no moment between a check and a use in which somebody could swap a folder for a link. All symbolic links
//! are refused, also those that stay inside: a cycle is then nothing special.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::Limits;
use crate::bindings::bloom::tool::files::Entry;
use crate::bindings::bloom::tool::types::Failure;
use crate::deadline::Deadline;
use crate::fault::Fault;

/// In folders: deeper is a mistake, and each level holds a file descriptor open.
const DEEPEST: usize = 64;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder that a call may read.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// Its name for tools, as `notes`.
    pub(crate) name: String,
    /// Where it is. The operator may name a link.
    pub(crate) folder: PathBuf,
    /// The folder in it that the call sees, instead of the whole; it may be missing, and is then empty.
    pub(crate) within: Option<String>,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("`{path}` is not a relative path of plain names{hint}")]
    PathRefused { path: String, hint: &'static str },
    #[error("`{root}/{path}` is a symbolic link, and tools do not follow links")]
    LinkRefused { root: String, path: String },
    #[error("there is no `{root}/{path}`")]
    NotFound { root: String, path: String },
    #[error("`{root}/{path}` is {what}")]
    NotAFile { root: String, path: String, what: &'static str },
    #[error("`{root}/{path}` has {size} bytes, more than the {limit} that a tool may read")]
    FileTooLarge { root: String, path: String, size: u64, limit: u64 },
    #[error("`{root}/{prefix}` has more than {limit} files and folders")]
    TooManyFiles { root: String, prefix: String, limit: usize },
    #[error("`{root}/{path}` has a name that is not UTF-8")]
    InvalidName { root: String, path: String },
    #[error("the folder that the operator named for `{root}` cannot be read: {errno}")]
    RootUnreadable { root: String, errno: Errno },
    #[error("`{root}/{path}` cannot be read: {errno}")]
    Unreadable { root: String, path: String, errno: Errno },
    #[error(transparent)]
    Stopped(#[from] Fault),
}

impl FileError {
    fn code(&self) -> &'static str {
        match self {
            Self::PathRefused { .. } => "path_refused",
            Self::LinkRefused { .. } => "link_refused",
            Self::NotFound { .. } => "not_found",
            Self::NotAFile { .. } => "not_a_file",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::TooManyFiles { .. } => "too_many_files",
            Self::InvalidName { .. } => "invalid_name",
            Self::RootUnreadable { .. } => "root_unreadable",
            Self::Unreadable { .. } => "unreadable",
            Self::Stopped(_) => "stopped",
        }
    }

    /// For the tool; what stops the call goes to the host instead.
    pub(crate) fn into_failure(self) -> Result<Failure, Fault> {
        match self {
            Self::Stopped(fault) => Err(fault),
            error => Ok(Failure { code: error.code().into(), message: error.to_string(), retryable: false }),
        }
    }
}

impl Root {
    /// All files below a folder, in the byte order of their paths.
    pub(crate) fn list(&self, prefix: &str, limits: &Limits, deadline: &Deadline) -> Result<Vec<Entry>, FileError> {
        let folders = parts(prefix)?;
        let Some(mut folder) = self.open()? else {
            return if folders.is_empty() { Ok(Vec::new()) } else { Err(self.not_found(prefix)) };
        };
        let mut path = String::new();
        for name in &folders {
            join(&mut path, name);
            folder = self.step(folder.as_fd(), name, &path)?;
        }
        let mut walk = Walk { root: self, prefix, limits, deadline, seen: 0, entries: Vec::new() };
        walk.folder(folder.as_fd(), &mut path, folders.len())?;
        Ok(walk.entries)
    }

    /// A whole file.
    pub(crate) fn read(&self, path: &str, limits: &Limits, deadline: &Deadline) -> Result<Vec<u8>, FileError> {
        let names = parts(path)?;
        let Some((name, folders)) = names.split_last() else {
            return Err(FileError::PathRefused { path: path.into(), hint: "" });
        };
        let Some(mut folder) = self.open()? else { return Err(self.not_found(path)) };
        let mut seen = String::new();
        for name in folders {
            join(&mut seen, name);
            folder = self.step(folder.as_fd(), name, &seen)?;
        }
        deadline.check()?;
        self.read_file(folder.as_fd(), name, path, limits.file_bytes)
    }

    fn read_file(&self, folder: BorrowedFd<'_>, name: &str, path: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        let too_large = |size| FileError::FileTooLarge { root: self.name.clone(), path: path.to_owned(), size, limit };
        // Looked at before it is opened, because opening a device can do something; and after, because it may be another.
        let stat = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| self.error(path, errno))?;
        self.must_be_file(&stat, path)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = fs::openat(folder, name, flags, Mode::empty()).map_err(|errno| self.error(path, errno))?;
        let stat = fs::fstat(&file).map_err(|errno| self.error(path, errno))?;
        self.must_be_file(&stat, path)?;
        if size(&stat) > limit {
            return Err(too_large(size(&stat)));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size(&stat)).unwrap_or_default());
        let read = File::from(file).take(limit.saturating_add(1)).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.error(path, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        if read as u64 > limit {
            return Err(too_large(read as u64));
        }
        Ok(bytes)
    }

    fn must_be_file(&self, stat: &Stat, path: &str) -> Result<(), FileError> {
        let (root, path) = (self.name.clone(), path.to_owned());
        Err(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => return Ok(()),
            FileType::Symlink => FileError::LinkRefused { root, path },
            FileType::Directory => FileError::NotAFile { root, path, what: "a folder" },
            _ => FileError::NotAFile { root, path, what: "neither a file nor a folder" },
        })
    }

    /// The folder itself; none where it may be missing and is.
    fn open(&self) -> Result<Option<OwnedFd>, FileError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match (fs::open(&self.folder as &Path, flags, Mode::empty()), &self.within) {
            (Ok(folder), None) => return Ok(Some(folder)),
            (Ok(folder), Some(_)) => folder,
            (Err(Errno::NOENT), Some(_)) => return Ok(None),
            (Err(errno), _) => return Err(FileError::RootUnreadable { root: self.name.clone(), errno }),
        };
        let within = self.within.as_deref().unwrap_or_default();
        match fs::openat(&folder, within, FOLDER, Mode::empty()) {
            Ok(own) => Ok(Some(own)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(FileError::RootUnreadable { root: self.name.clone(), errno }),
        }
    }

    fn step(&self, folder: BorrowedFd<'_>, name: &str, path: &str) -> Result<OwnedFd, FileError> {
        fs::openat(folder, name, FOLDER, Mode::empty()).map_err(|errno| {
            // The kernel's answer for a link differs between systems, so ask what it is.
            match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                    FileError::LinkRefused { root: self.name.clone(), path: path.to_owned() }
                }
                _ => self.error(path, errno),
            }
        })
    }

    fn error(&self, path: &str, errno: Errno) -> FileError {
        let (root, path) = (self.name.clone(), path.to_owned());
        match errno {
            Errno::NOENT => FileError::NotFound { root, path },
            Errno::LOOP => FileError::LinkRefused { root, path },
            Errno::NOTDIR => FileError::NotAFile { root, path, what: "no folder" },
            errno => FileError::Unreadable { root, path, errno },
        }
    }

    fn not_found(&self, path: &str) -> FileError {
        FileError::NotFound { root: self.name.clone(), path: path.to_owned() }
    }
}

struct Walk<'a> {
    root: &'a Root,
    prefix: &'a str,
    limits: &'a Limits,
    deadline: &'a Deadline,
    seen: usize,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: BorrowedFd<'_>, path: &mut String, depth: usize) -> Result<(), FileError> {
        if depth > DEEPEST {
            let (root, path) = (self.root.name.clone(), path.clone());
            return Err(FileError::NotAFile { root, path, what: "nested too deeply" });
        }
        let length = path.len();
        for (name, stat) in self.names(folder, path)? {
            join(path, &name);
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                let below = self.root.step(folder, &name, path)?;
                self.folder(below.as_fd(), path, depth + 1)?;
            } else {
                self.root.must_be_file(&stat, path)?;
                self.entries.push(Entry { path: path.clone(), size: size(&stat), modified: modified(&stat) });
            }
            path.truncate(length);
        }
        Ok(())
    }

    /// What is in a folder, in the byte order of the paths that come of it: a folder's name sorts as if it ended in `/`.
    fn names(&mut self, folder: BorrowedFd<'_>, path: &str) -> Result<Vec<(String, Stat)>, FileError> {
        let mut names = Vec::new();
        for item in Dir::read_from(folder).map_err(|errno| self.root.error(path, errno))? {
            self.deadline.check()?;
            let item = item.map_err(|errno| self.root.error(path, errno))?;
            if item.file_name().to_bytes().starts_with(b".") {
                continue;
            }
            let Ok(name) = item.file_name().to_str() else {
                let mut path = path.to_owned();
                join(&mut path, &item.file_name().to_string_lossy());
                return Err(FileError::InvalidName { root: self.root.name.clone(), path });
            };
            self.seen += 1;
            if self.seen > self.limits.listed_files {
                let (root, prefix) = (self.root.name.clone(), self.prefix.to_owned());
                return Err(FileError::TooManyFiles { root, prefix, limit: self.limits.listed_files });
            }
            match fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => names.push((name.to_owned(), stat)),
                // Deleted meanwhile.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(self.root.error(name, errno)),
            }
        }
        names.sort_by_cached_key(|(name, stat)| {
            let folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            [name.as_bytes(), if folder { b"/" } else { b"" }].concat()
        });
        Ok(names)
    }
}

/// The names of a path; none of `""`.
fn parts(path: &str) -> Result<Vec<&str>, FileError> {
    let refused = |hint| {
        let shown: String = path.chars().take(200).collect();
        Err(FileError::PathRefused { path: shown, hint })
    };
    if path.is_empty() {
        return Ok(Vec::new());
    }
    if path.len() > 4096 {
        return refused(": it is longer than 4096 bytes");
    }
    if path.contains('\0') {
        return refused(": it has a NUL character");
    }
    let names: Vec<&str> = path.split('/').collect();
    if names.iter().any(|name| name.is_empty()) {
        return refused(": a part of it is empty");
    }
    if names.iter().any(|name| name.starts_with('.')) {
        return refused(": a part of it starts with a dot");
    }
    if names.len() > DEEPEST {
        return refused(": it is nested too deeply");
    }
    Ok(names)
}

fn join(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(name);
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// In Unix milliseconds.
fn modified(stat: &Stat) -> i64 {
    let milliseconds = i64::try_from(stat.st_mtime_nsec / 1_000_000).unwrap_or_default();
    stat.st_mtime.saturating_mul(1000).saturating_add(milliseconds)
}

#[cfg(test)]
mod tests;
