//! The log: what it costs, and what it may not do to a file that it does not belong to.

use std::path::PathBuf;

use super::*;

/// What happened since a disk was recorded, with the changes of the log alone.
fn of_the_log(tape: &Tape) -> Vec<&'static str> {
    let kind = |entry: &Entry| match entry {
        Entry::Change((1, _)) => Some("write"),
        Entry::Sync(1) => Some("sync"),
        Entry::Change(_) | Entry::Sync(_) => Some("file"),
        Entry::Committed(_) | Entry::Acknowledged(_) => None,
    };
    tape.entries.iter().filter_map(kind).collect()
}

#[tokio::test]
async fn commit_is_one_write_and_one_sync() {
    let disk = Disk::default();
    let store = disk.open().unwrap();
    // The first after opening brings the file up to date, and the second makes room in the log.
    for number in 0..2_u8 {
        store.put_blob(vec![number]).await.unwrap();
    }
    disk.record();
    for number in 2..5_u8 {
        store.put_blob(vec![number]).await.unwrap();
    }
    assert_eq!(of_the_log(&disk.tape()), ["write", "sync"].repeat(3));
}

#[tokio::test]
async fn nothing_is_shown_before_it_is_on_disk() {
    let disk = Disk::default();
    let store = disk.open().unwrap();
    for number in 0..2 {
        store.put_blob(vec![number]).await.unwrap();
    }
    let digest = Digest::of(b"new");
    disk.hold();
    let (written, ()) = futures::join!(store.put_blob(b"new".to_vec()), async {
        disk.wait_until_held();
        assert_eq!(store.blob(digest).await.unwrap(), None);
        disk.release();
    });
    written.unwrap();
    assert_eq!(store.blob(digest).await.unwrap().as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn record_that_is_as_large_as_the_log_goes_to_the_file() {
    let disk = Disk::default();
    let store = disk.open().unwrap();
    store.put_blob(vec![0]).await.unwrap();
    disk.record();
    store.put_blob(vec![1; 1 << 20]).await.unwrap();
    assert!(of_the_log(&disk.tape()).iter().all(|what| *what == "file"));
}

/// A folder, and its files as a killed process leaves them.
struct Left {
    folder: tempfile::TempDir,
}

impl Left {
    fn by(data: &Path) -> Self {
        let left = Self { folder: tempfile::tempdir().unwrap() };
        for name in [RedbStore::FILE, "bloom.redb.wal"] {
            fs::copy(data.join(name), left.path(name)).unwrap();
        }
        left
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Result<RedbStore, StoreError> {
        RedbStore::open(self.folder.path())
    }
}

async fn has(store: &RedbStore, numbers: std::ops::Range<u8>) -> Vec<u8> {
    let mut found = Vec::new();
    for number in numbers {
        if store.blob(Digest::of(&[number])).await.unwrap().is_some() {
            found.push(number);
        }
    }
    found
}

#[tokio::test]
async fn what_only_the_log_has_is_there_however_the_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    for number in 0..5 {
        store.put_blob(vec![number]).await.unwrap();
    }
    let all: Vec<u8> = (0..5).collect();
    let opened = Left::by(folder.path());
    assert_eq!(has(&opened.open().unwrap(), 0..9).await, all);
    assert!(!opened.path("bloom.redb.wal").exists(), "it was closed in order");
    assert_eq!(has(&opened.open().unwrap(), 0..9).await, all);

    let copied = Left::by(folder.path());
    let to = copied.path("copy");
    RedbStore::backup(copied.folder.path(), &to).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(to, elsewhere.path().join(RedbStore::FILE)).unwrap();
    assert_eq!(has(&RedbStore::open(elsewhere.path()).unwrap(), 0..9).await, all);

    let compacted = Left::by(folder.path());
    RedbStore::compact(compacted.folder.path()).unwrap();
    assert_eq!(has(&compacted.open().unwrap(), 0..9).await, all);

    let older = Left::by(folder.path());
    let store = older.open().unwrap();
    tamper(&store, |stage| stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&(SCHEMA - 1))));
    let migrated = Left::by(older.folder.path());
    assert_eq!(has(&migrated.open().unwrap(), 0..9).await, all);
    assert!(migrated.path(&format!("bloom.redb.v{}", SCHEMA - 1)).exists(), "it was brought up to date");
}

#[tokio::test]
async fn lost_log_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    store.put_blob(vec![0]).await.unwrap();
    let left = Left::by(folder.path());
    fs::remove_file(left.path("bloom.redb.wal")).unwrap();
    let error = left.open().err().unwrap();
    assert!(matches!(&error, StoreError::Damaged(what) if what.contains(".wal")), "{error}");
}

#[tokio::test]
async fn log_of_another_time_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    store.put_blob(vec![0]).await.unwrap();
    drop(store);
    let old = fs::read(folder.path().join(RedbStore::FILE)).unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    for number in 1..5 {
        store.put_blob(vec![number]).await.unwrap();
    }
    let left = Left::by(folder.path());
    fs::write(left.path(RedbStore::FILE), old).unwrap();
    let store = left.open().unwrap();
    assert_eq!(has(&store, 0..9).await, [0]);
    for number in 5..9 {
        store.put_blob(vec![number]).await.unwrap();
    }
    let later = Left::by(left.folder.path());
    assert_eq!(has(&later.open().unwrap(), 0..9).await, [0, 5, 6, 7, 8]);
}
