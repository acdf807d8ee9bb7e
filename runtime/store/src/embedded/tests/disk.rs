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
    assert_eq!(verify_audit(&store).await.unwrap().entries, 1);
}

#[tokio::test]
async fn newer_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    tamper(&store, |stage| stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&(SCHEMA + 1))));
    drop(store);
    let error = RedbStore::open(folder.path()).err().unwrap();
    assert!(matches!(error, StoreError::TooNew { found: 2, supported: 1, .. }), "{error}");
}

#[tokio::test]
async fn damaged_end_of_a_log_is_found_when_opened() {
    let changed_head = |stage: &mut Stage<'_, '_>| {
        let (key, row) = stage.last(Table::Audit).unwrap().unwrap();
        let mut entry: AuditEntry = row::decode(&row).unwrap();
        entry.note.at += 1;
        stage.put(Table::Audit, key, row::encode(&entry));
    };
    let lost_event = |stage: &mut Stage<'_, '_>| stage.remove(Table::Events, entry_key(1));
    let damages: [&dyn Fn(&mut Stage<'_, '_>); 2] = [&changed_head, &lost_event];
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
