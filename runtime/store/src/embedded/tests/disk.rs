//! Files and folders.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test]
async fn store_is_there_when_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("deep/data");
    let store = RedbStore::open(&data).unwrap();
    let mut scribe = submitted(&store, "r1").await;
    store.append(Append { audit: vec![note("noted", 1)], ..scribe.completion("done") }).await.unwrap();
    let run = store.run(scribe.run()).await.unwrap();
    drop(store);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join(RedbStore::FILE))), (0o700, 0o600));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "only the file itself is left");

    let store = RedbStore::open(&data).unwrap();
    assert_eq!(store.run(scribe.run()).await.unwrap(), run);
    assert_eq!(verify_audit(&store, None).await.unwrap().entries, 1);
}

#[tokio::test]
async fn newer_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    tamper(&store, |stage| stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&(SCHEMA + 1))));
    drop(store);
    let error = RedbStore::open(folder.path()).err().unwrap();
    assert!(matches!(error, StoreError::TooNew { supported: SCHEMA, .. }), "{error}");
}

#[tokio::test]
async fn damaged_end_of_a_log_is_found_when_opened() {
    let changed_head = |stage: &mut Stage<'_>| {
        let (key, row) = stage.last(Table::Audit).unwrap().unwrap();
        let mut entry: AuditEntry = row::decode(&row).unwrap();
        entry.note.at += 1;
        stage.put(Table::Audit, key, row::encode(&entry));
    };
    let head_without_number = |stage: &mut Stage<'_>| {
        let (key, row) = stage.last(Table::Audit).unwrap().unwrap();
        let entry: AuditEntry = row::decode(&row).unwrap();
        stage.put(Table::Audit, key, row::encode(&AuditEntry { seq: 0, ..entry }));
    };
    let lost_event = |stage: &mut Stage<'_>| stage.remove(Table::Events, entry_key(1));
    let damages: [&dyn Fn(&mut Stage<'_>); 3] = [&changed_head, &head_without_number, &lost_event];
    for damage in damages {
        let folder = tempfile::tempdir().unwrap();
        let store = RedbStore::open(folder.path()).unwrap();
        let mut scribe = submitted(&store, "r1").await;
        store.append(Append { audit: vec![note("noted", 1)], ..scribe.completion("done") }).await.unwrap();
        tamper(&store, damage);
        drop(store);
        let error = RedbStore::open(folder.path()).err().unwrap();
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    }
}

#[test]
fn what_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RedbStore::FILE);
    fs::write(&path, "нотатка".repeat(1000)).unwrap();
    assert!(RedbStore::open(folder.path()).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "нотатка".repeat(1000));
    let error = RedbStore::open(&path).err().unwrap();
    assert!(error.to_string().contains(RedbStore::FILE), "{error}");
}

#[test]
fn second_opening_in_this_process_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let _first = RedbStore::open(folder.path()).unwrap();
    let error = RedbStore::open(folder.path()).err().unwrap();
    assert!(matches!(&error, StoreError::Locked { holder, .. } if holder == "this process already"), "{error}");
}

#[test]
fn note_of_a_dead_owner_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RedbStore::FILE);
    let _lock = Database::create(&path).unwrap();
    let unknown = |text: &str| {
        fs::write(folder.path().join("bloom.redb.owner"), text).unwrap();
        RedbStore::open(folder.path()).err().unwrap().to_string()
    };
    for text in [r#"{"pid":2147483647,"command":"bloom","since":"2026-01-01T00:00:00Z"}"#, "{", ""] {
        assert!(unknown(text).ends_with("is in use by another process"), "{text}");
    }
}

#[test]
fn empty_file_is_no_new_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RedbStore::FILE);
    fs::write(&path, "").unwrap();
    let error = RedbStore::open(folder.path()).err().unwrap();
    assert!(matches!(&error, StoreError::Damaged(what) if what.contains("is empty")), "{error}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0, "it is left as it was");
}

#[test]
fn what_a_crash_left_of_a_new_file_is_made_anew() {
    for left in [&b""[..], b"half of a header"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bloom.redb.new"), left).unwrap();
        drop(RedbStore::open(folder.path()).unwrap());
        assert!(!folder.path().join("bloom.redb.new").exists());
        drop(RedbStore::open(folder.path()).unwrap());
    }
}

#[test]
fn who_makes_a_new_file_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let draft = fs::File::create(folder.path().join("bloom.redb.new")).unwrap();
    draft.lock().unwrap();
    let error = RedbStore::open(folder.path()).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(draft);
    RedbStore::open(folder.path()).unwrap();
}

/// A closed store with something in most of its tables, and its file's bytes.
async fn filled(folder: &Path) -> Vec<u8> {
    let store = RedbStore::open(folder).unwrap();
    for run in 0..30 {
        let mut scribe = submitted(&store, &format!("r{run}")).await;
        store.append(Append { audit: vec![note("noted", 1)], ..scribe.completion("done") }).await.unwrap();
        store.put_blob(vec![run; 3000]).await.unwrap();
    }
    drop(store);
    fs::read(folder.join(RedbStore::FILE)).unwrap()
}

/// Opens the store, reads and writes; the first error, if there is one.
async fn used(folder: &Path) -> Result<(), StoreError> {
    let store = RedbStore::open(folder)?;
    let runs = store.runs(&RunFilter { limit: 100, ..RunFilter::default() }).await?;
    for run in &runs {
        store.history(&run.id, 1, 100).await?;
        store.run(&run.id).await?;
        store.tasks(&run.id).await?;
    }
    store.audit(1..=1000).await?;
    store.audit_head().await?;
    store.flows().await?;
    store.active_leases().await?;
    for number in 0..5 {
        store.put_blob(vec![number; 5000]).await?;
    }
    Ok(())
}

/// redb trusts what it reads back, and panics; whoever uses the store gets an error.
#[tokio::test]
async fn damaged_file_is_told_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = filled(folder.path()).await;
    let path = folder.path().join(RedbStore::FILE);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let mut damaged = 0;
    for round in 0..60 {
        let mut bytes = whole.clone();
        let (pieces, length) = if round % 2 == 0 { (200, 64) } else { (1, 4000) };
        for _ in 0..pieces {
            let start = random(bytes.len() - length);
            bytes[start..start + length].fill_with(|| u8::try_from(random(256)).unwrap());
        }
        fs::write(&path, &bytes).unwrap();
        // The damage may also lie where nothing is, or be taken for another format or a missing table.
        if let Err(StoreError::Damaged(_)) = used(folder.path()).await {
            damaged += 1;
        }
    }
    assert!(damaged > 20, "{damaged} of 60 were found");
}

#[tokio::test]
async fn table_that_is_gone_is_found() {
    let folder = tempfile::tempdir().unwrap();
    drop(RedbStore::open(folder.path()).unwrap());
    let database = Database::open(folder.path().join(RedbStore::FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.delete_table(Table::Audit.definition()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = RedbStore::open(folder.path()).err().unwrap();
    assert!(matches!(&error, StoreError::Damaged(what) if what.contains("Audit is not there")), "{error}");
}
