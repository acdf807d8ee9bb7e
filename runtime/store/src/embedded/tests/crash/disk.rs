//! A disk with a write cache: what is not synced may be lost with the power, in any part and any order. It can run full, and fail.

use std::collections::BTreeSet;
use std::io;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use redb::StorageBackend;

use super::{Fact, RedbStore, StoreError};
use crate::embedded::wal::{Shelf, Wal};

/// What is written at once, or not at all.
const SECTOR: usize = 512;
/// What a file system gives room by.
const BLOCK: u64 = 4096;

/// The same numbers for the same seed: `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(super) fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { Some(&of[self.below(of.len())]) }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Length(usize),
    Write(usize, Arc<[u8]>),
}

impl Change {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
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

    /// The parts of which each may come to the disk alone.
    fn sectors(&self) -> Vec<Self> {
        let Self::Write(offset, data) = self else { return vec![self.clone()] };
        let (mut parts, mut from) = (Vec::new(), 0);
        while from < data.len() {
            let to = data.len().min(from + SECTOR - (offset + from) % SECTOR);
            parts.push(Self::Write(offset + from, data[from..to].into()));
            from = to;
        }
        parts
    }
}

/// What its files hold: the store's, then its log's.
pub(super) type Files = [Vec<u8>; 2];

/// A change of one of them.
pub(super) type Changed = (usize, Change);

/// What may be on the disk when the power is gone: all that was synced, and something of what was not.
pub(super) fn lose(synced: &Files, pending: &[Changed], random: &mut Random) -> Files {
    let mut files = synced.clone();
    let sectors = |(file, change): &Changed| change.sectors().into_iter().map(|part| (*file, part)).collect::<Vec<_>>();
    let parts = |changes: &[Changed]| changes.iter().flat_map(sectors).collect::<Vec<_>>();
    let arrived: Vec<Changed> = match random.below(6) {
        0 => vec![],
        1 => pending.to_vec(),
        // Some of the writes.
        2 => pending.iter().filter(|_| random.coin()).cloned().collect(),
        // Torn: some of their sectors.
        3 => parts(pending).into_iter().filter(|_| random.coin()).collect(),
        // As far as the disk came, in the order of the writes.
        4 => {
            let mut parts = parts(pending);
            parts.truncate(random.below(parts.len() + 1));
            parts
        }
        // And in its own order.
        _ => {
            let mut parts = parts(pending);
            for last in (1..parts.len()).rev() {
                parts.swap(last, random.below(last + 1));
            }
            parts.truncate(random.below(parts.len() + 1));
            parts
        }
    };
    for (file, change) in arrived {
        change.apply(&mut files[file]);
    }
    files
}

/// What happened, in order.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Change(Changed),
    /// Of one of the files.
    Sync(usize),
    /// The store's content, after a commit that was on disk as far as the store knows.
    Committed(u64),
    /// The caller was told.
    Acknowledged(Box<Fact>),
}

/// What a disk does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Read,
    Write,
    Length,
    Sync,
    /// There is no room but for what has it.
    Full,
    /// Nothing can be changed.
    ReadOnly,
}

#[derive(Debug, Default)]
struct State {
    synced: Files,
    pending: Vec<Changed>,
    seen: Files,
    given: BTreeSet<(usize, u64)>,
    start: Files,
    tape: Vec<Entry>,
    is_lying: bool,
    holds: bool,
    is_held: bool,
    /// The fault, after so many operations that it would concern; whether it stays.
    fault: Option<(Fault, usize, bool)>,
    failed: usize,
}

/// The store's file on such a disk, or its log: clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    state: Arc<Mutex<State>>,
    changed: Arc<Condvar>,
    file: usize,
}

/// A log is full with so much: so there are many checkpoints, and several commits are shown that the engine does not have.
const LOG: u64 = 64 << 10;

impl Disk {
    pub(super) fn with(files: Files) -> Self {
        let state = State { synced: files.clone(), seen: files, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), ..Self::default() }
    }

    /// Opens the store that is on it.
    pub(super) fn open(&self) -> Result<RedbStore, StoreError> {
        RedbStore::over(self.clone(), self.wal())
    }

    /// The store's log.
    pub(super) fn wal(&self) -> Wal {
        Wal::new(Self { file: 1, ..self.clone() }, LOG)
    }

    /// Says that all is synced, and syncs nothing.
    pub(super) fn lie(&self) {
        self.lock().is_lying = true;
    }

    pub(super) fn note(&self, entry: Entry) {
        self.lock().tape.push(entry);
    }

    /// From here on it is noted what happens.
    pub(super) fn record(&self) {
        let mut state = self.lock();
        state.start = state.synced.clone();
        state.tape = state.pending.iter().cloned().map(Entry::Change).collect();
    }

    /// What happened since.
    pub(super) fn tape(&self) -> Tape {
        let mut state = self.lock();
        Tape { start: mem::take(&mut state.start), entries: mem::take(&mut state.tape) }
    }

    /// The next sync waits until it is released.
    pub(super) fn hold(&self) {
        self.lock().holds = true;
    }

    /// Waits until the sync waits.
    pub(super) fn wait_until_held(&self) {
        let (state, waited) = self
            .changed
            .wait_timeout_while(self.lock(), std::time::Duration::from_mins(1), |state| !state.is_held)
            .unwrap();
        assert!(!waited.timed_out(), "nobody syncs");
        drop(state);
    }

    pub(super) fn release(&self) {
        self.lock().holds = false;
        self.changed.notify_all();
    }

    /// From now on, after so many operations that it would concern: once, or until it is mended.
    pub(super) fn fail(&self, fault: Fault, after: usize, stays: bool) {
        let mut state = self.lock();
        state.fault = Some((fault, after, stays));
        state.failed = 0;
    }

    pub(super) fn mend(&self) {
        self.lock().fault = None;
    }

    /// How many operations failed.
    pub(super) fn failed(&self) -> usize {
        self.lock().failed
    }

    /// The file is opened anew, and the system has forgotten what a sync could not bring to the disk.
    pub(super) fn forget(&self, random: &mut Random) {
        let mut state = self.lock();
        let kept = lose(&state.synced, &state.pending, random);
        state.pending.clear();
        (state.synced, state.seen) = (kept.clone(), kept);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn perform(&self, change: Change) {
        let mut state = self.lock();
        change.apply(&mut state.seen[self.file]);
        state.tape.push(Entry::Change((self.file, change.clone())));
        state.pending.push((self.file, change));
    }
}

impl State {
    /// Whether this operation fails.
    fn meets(&mut self, concerned: &[Fault]) -> io::Result<()> {
        let Some((fault, after, stays)) = self.fault else { return Ok(()) };
        if !concerned.contains(&fault) {
            return Ok(());
        }
        if let Some(after) = after.checked_sub(1) {
            self.fault = Some((fault, after, stays));
            return Ok(());
        }
        self.failed += 1;
        if !stays {
            self.fault = None;
        }
        Err(io::Error::from_raw_os_error(match fault {
            Fault::Full => 28,
            Fault::ReadOnly => 30,
            Fault::Read | Fault::Write | Fault::Length | Fault::Sync => 5,
        }))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().seen[self.file].len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let mut state = self.lock();
        state.meets(&[Fault::Read])?;
        let bytes = state.seen[self.file].get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.lock().meets(&[Fault::Length, Fault::ReadOnly])?;
        self.perform(Change::Length(usize::try_from(length).unwrap()));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.meets(&[Fault::Write, Fault::ReadOnly])?;
        for block in offset / BLOCK..=(offset + data.len() as u64 - 1) / BLOCK {
            let block = (self.file, block);
            if !state.given.contains(&block) {
                state.meets(&[Fault::Full])?;
                state.given.insert(block);
            }
        }
        drop(state);
        self.perform(Change::Write(usize::try_from(offset).unwrap(), data.into()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.meets(&[Fault::Sync, Fault::ReadOnly])?;
        if state.holds {
            state.is_held = true;
            self.changed.notify_all();
            state = self.changed.wait_while(state, |state| state.holds).unwrap();
            state.is_held = false;
        }
        if !state.is_lying {
            state.tape.push(Entry::Sync(self.file));
            state.synced[self.file] = state.seen[self.file].clone();
            state.pending.retain(|(file, _)| *file != self.file);
        }
        Ok(())
    }
}

impl Shelf for Disk {
    fn find(&self) -> Result<Option<Box<dyn StorageBackend>>, StoreError> {
        Ok(Some(Box::new(self.clone())))
    }

    fn make(&self) -> Result<Box<dyn StorageBackend>, StoreError> {
        Ok(Box::new(self.clone()))
    }

    fn clear(&self) {
        // A disk that takes nothing leaves it where it is.
        let _ = self.set_len(0);
    }
}

/// A disk's past.
#[derive(Debug)]
pub(super) struct Tape {
    /// What was on it.
    pub(super) start: Files,
    pub(super) entries: Vec<Entry>,
}

/// What a cut leaves, and what must be there then.
pub(super) struct Cut<'a> {
    pub(super) synced: &'a Files,
    pub(super) pending: &'a [Changed],
    /// What the store held after the last commit before the cut, and after the one that was under way.
    pub(super) allowed: [Option<u64>; 2],
    pub(super) facts: &'a [Fact],
}

impl Tape {
    /// Calls with what the power would leave at each of these places, which ascend.
    pub(super) fn cut<E>(
        &self,
        first: u64,
        places: impl IntoIterator<Item = usize>,
        mut at: impl FnMut(usize, &Cut<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut synced, mut pending, mut facts) = (self.start.clone(), Vec::new(), Vec::new());
        let (mut committed, mut done) = (first, 0);
        for place in places {
            for entry in &self.entries[done..place] {
                match entry {
                    Entry::Change(change) => pending.push(change.clone()),
                    Entry::Sync(file) => pending
                        .extract_if(.., |(of, _): &mut Changed| of == file)
                        .for_each(|(_, change)| change.apply(&mut synced[*file])),
                    Entry::Committed(content) => committed = *content,
                    Entry::Acknowledged(fact) => facts.push(fact.as_ref().clone()),
                }
            }
            done = place;
            let next = self.entries[place..].iter().find_map(|entry| match entry {
                Entry::Committed(content) => Some(*content),
                _ => None,
            });
            let allowed = [Some(committed), next];
            at(place, &Cut { synced: &synced, pending: &pending, allowed, facts: &facts })?;
        }
        Ok(())
    }

    /// Just before each sync: there the most can be lost.
    pub(super) fn syncs(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().enumerate().filter(|(_, entry)| matches!(entry, Entry::Sync(_))).map(|(place, _)| place)
    }
}
