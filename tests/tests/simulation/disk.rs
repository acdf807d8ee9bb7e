//! A disk that loses what was not synced when the power goes.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bloom_runtime::store::StoreError;
use bloom_store::{RedbStore, StorageBackend};

use crate::sim::{Life, Sim};

/// What a disk writes at once, or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
        }
    }

    fn sectors(self) -> Vec<Self> {
        let Self::Write(offset, data) = self else { return vec![self] };
        let (mut parts, mut from) = (Vec::new(), 0);
        while from < data.len() {
            let to = data.len().min(from + SECTOR - (offset + from) % SECTOR);
            parts.push(Self::Write(offset + from, data[from..to].to_vec()));
            from = to;
        }
        parts
    }
}

/// The store's file, and its log.
pub(crate) type Files = [Vec<u8>; 2];

#[derive(Debug, Default)]
struct Platter {
    /// What was synced.
    synced: Files,
    /// That, with what was written since.
    seen: Files,
    /// Of which file.
    pending: Vec<(usize, Change)>,
    /// The power goes after so many further changes and syncs.
    survives: Option<u64>,
    /// It says that it has synced, and has not.
    lies: bool,
}

/// A disk. It outlives the machine that has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    pub(crate) fn with(files: &Files, lies: bool) -> Self {
        let platter = Platter { synced: files.clone(), seen: files.clone(), lies, ..Platter::default() };
        Self(Arc::new(Mutex::new(platter)))
    }

    /// Opens the store that is on it, in a machine that lives so long.
    pub(crate) fn open(&self, life: &Life) -> Result<RedbStore, StoreError> {
        let plugged = |file| Plugged { disk: self.clone(), life: life.clone(), file };
        RedbStore::without_threads(plugged(0), plugged(1))
    }

    /// The power goes after so many changes and syncs.
    pub(crate) fn fail_after(&self, changes: u64) {
        self.lock().survives = Some(changes);
    }

    pub(crate) fn files(&self) -> Files {
        self.lock().seen.clone()
    }

    /// The power is gone: of what was not synced nothing is there, all, or some sectors in some order.
    pub(crate) fn cut(&self, sim: &Sim) {
        let mut platter = self.lock();
        platter.survives = None;
        let sectors = |(file, change): (usize, Change)| change.sectors().into_iter().map(move |part| (file, part));
        let mut parts: Vec<_> = std::mem::take(&mut platter.pending).into_iter().flat_map(sectors).collect();
        let (written, fate) = (parts.len(), if platter.lies { 0 } else { sim.below(4) });
        match fate {
            0 => parts.clear(),
            1 => {}
            2 => parts.retain(|_| sim.below(2) == 0),
            _ => {
                for last in (1..parts.len()).rev() {
                    parts.swap(last, sim.index(last + 1));
                }
                let arrived = sim.index(parts.len() + 1);
                parts.truncate(arrived);
            }
        }
        sim.note(format_args!("disk: the power is gone; {} of {written} sectors arrived", parts.len()));
        let mut files = std::mem::take(&mut platter.synced);
        for (file, part) in parts {
            part.apply(&mut files[file]);
        }
        platter.seen.clone_from(&files);
        platter.synced = files;
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap()
    }
}

/// A file of a disk in a machine, which reaches it while it lives.
#[derive(Clone, Debug)]
struct Plugged {
    disk: Disk,
    life: Life,
    file: usize,
}

impl Plugged {
    fn reach(&self) -> io::Result<MutexGuard<'_, Platter>> {
        if self.life.is_over() {
            return Err(io::Error::other("the machine is off"));
        }
        Ok(self.disk.lock())
    }

    /// The same for what changes something, which may be what the power does not survive.
    fn change(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let mut platter = self.reach()?;
        match &mut platter.survives {
            Some(0) => {
                self.life.end();
                return Err(io::Error::other("the power is gone"));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(platter)
    }
}

impl StorageBackend for Plugged {
    fn len(&self) -> io::Result<u64> {
        Ok(self.reach()?.seen[self.file].len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let platter = self.reach()?;
        let bytes = platter.seen[self.file].get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change()?.perform(self.file, Change::Length(usize::try_from(length).unwrap()));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change()?.perform(self.file, Change::Write(usize::try_from(offset).unwrap(), data.to_vec()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.change()?;
        if !platter.lies {
            let Platter { synced, pending, .. } = &mut *platter;
            let of_file = pending.extract_if(.., |(file, _)| *file == self.file);
            of_file.for_each(|(file, change)| change.apply(&mut synced[file]));
        }
        Ok(())
    }
}

impl Platter {
    fn perform(&mut self, file: usize, change: Change) {
        change.apply(&mut self.seen[file]);
        self.pending.push((file, change));
    }
}
