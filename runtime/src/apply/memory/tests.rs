use serde_json::json;

use super::*;
use crate::record::{ProposalId, ProposalStatus, RunId};

fn proposal(id: &str, base: Option<u64>, content: serde_json::Value) -> Proposal {
    Proposal {
        id: ProposalId::new(id),
        run: RunId::new("r1"),
        emission: "n1#1".to_owned(),
        agent: "archivist".to_owned(),
        action: "memory-update".to_owned(),
        target: "memory".to_owned(),
        content: content.into(),
        fingerprint: bloom_ir::Digest::of(b""),
        duplicate_of: None,
        base_revision: base,
        status: ProposalStatus::Applying,
        created_at: 1,
        updated_at: 1,
        expires_at: 2,
        approval: None,
        apply_result: None,
    }
}

fn apply(folder: &Path, proposal: &Proposal) -> Result<i64, MemoryError> {
    write(folder, &Change::of(proposal, 50)?)
}

fn state(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(folder.join(FILE)).unwrap()).unwrap()
}

#[test]
fn changes_follow_one_another() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("archivist");
    let first = json!({ "set": { "processed_slugs": ["а", "b"], "last_run": 7 }, "append_note": "два" });
    assert_eq!(apply(&folder, &proposal("p1", Some(0), first)).unwrap(), 1);
    let note = json!({ "at": 50, "run": "r1", "text": "два" });
    assert_eq!(
        state(&folder),
        json!({ "version": 1, "proposal": "p1", "processed_slugs": ["а", "b"], "last_run": 7, "notes": [note] })
    );
    // A list replaces the list before it; what is not set stays.
    let second = json!({ "set": { "processed_slugs": ["c"] } });
    assert_eq!(apply(&folder, &proposal("p2", Some(1), second)).unwrap(), 2);
    assert_eq!(
        state(&folder),
        json!({ "version": 2, "proposal": "p2", "processed_slugs": ["c"], "last_run": 7, "notes": [note] })
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_file_of_the_operator_keeps_its_other_members() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE), r#"{ "processed_slugs": ["a"], "mood": "good" }"#).unwrap();
    apply(folder.path(), &proposal("p1", Some(0), json!({ "set": { "last_run": 9 } }))).unwrap();
    let state = state(folder.path());
    assert_eq!(
        (&state["mood"], &state["processed_slugs"], &state["last_run"]),
        (&json!("good"), &json!(["a"]), &json!(9))
    );
}

#[test]
fn a_change_against_another_revision_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    apply(folder.path(), &proposal("p1", Some(0), json!({ "append_note": "x" }))).unwrap();
    let before = state(folder.path());
    let error = apply(folder.path(), &proposal("p2", Some(0), json!({ "append_note": "y" }))).unwrap_err();
    assert!(matches!(error, MemoryError::Conflict { base: 0, actual: 1 }), "{error}");
    assert_eq!(error.reason(), "conflict");
    assert_eq!(state(folder.path()), before);
}

#[test]
fn a_change_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let change = proposal("p1", Some(0), json!({ "append_note": "x" }));
    assert_eq!(apply(folder.path(), &change).unwrap(), 1);
    assert_eq!(apply(folder.path(), &change).unwrap(), 1);
    assert_eq!(state(folder.path())["notes"].as_array().unwrap().len(), 1);
}

#[test]
fn what_a_crash_left_of_a_change_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NEW_FILE), "{ half").unwrap();
    assert_eq!(apply(folder.path(), &proposal("p1", Some(0), json!({ "append_note": "x" }))).unwrap(), 1);
}

#[test]
fn a_planted_link_is_not_written_through() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("memory/archivist");
    fs::create_dir_all(&folder).unwrap();
    let outside = root.path().join("precious");
    fs::write(&outside, "keep").unwrap();
    std::os::unix::fs::symlink(&outside, folder.join(NEW_FILE)).unwrap();
    assert_eq!(apply(&folder, &proposal("p1", Some(0), json!({ "append_note": "x" }))).unwrap(), 1);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "keep");
    let file = fs::symlink_metadata(folder.join(FILE)).unwrap();
    assert!(file.is_file());
    assert_eq!(file.permissions().mode() & 0o777, 0o600, "a memory is its owner's");
}

#[test]
fn what_is_no_file_or_too_large_is_damaged() {
    let root = tempfile::tempdir().unwrap();
    let change = proposal("p1", None, json!({ "append_note": "x" }));
    let folder = root.path().join("one/above/agent");
    assert_eq!(apply(&folder, &change).unwrap(), 1, "missing folders are made");
    let large = File::options().write(true).open(folder.join(FILE)).unwrap();
    large.set_len(MAX_BYTES + 1).unwrap();
    assert_eq!(apply(&folder, &change).unwrap_err().reason(), "damaged");
    fs::remove_file(folder.join(FILE)).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, folder.join(FILE), rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert_eq!(apply(&folder, &change).unwrap_err().reason(), "damaged", "it is not waited for");
}

#[test]
fn a_damaged_memory_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "{", "[]", r#"{ "version": -1 }"#, r#"{ "version": "one" }"#] {
        fs::write(folder.path().join(FILE), text).unwrap();
        let error = apply(folder.path(), &proposal("p1", None, json!({ "append_note": "x" }))).unwrap_err();
        assert_eq!(error.reason(), "damaged", "{text}");
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), text);
    }
    fs::remove_file(folder.path().join(FILE)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join(FILE)).unwrap();
    let error = apply(folder.path(), &proposal("p1", None, json!({ "append_note": "x" }))).unwrap_err();
    assert_eq!(error.reason(), "damaged");
}

#[test]
fn a_change_that_is_not_understood_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for content in [
        json!("text"),
        json!({ "delete": true }),
        json!({ "set": { "version": 9 } }),
        json!({ "set": { "processed_slugs": "a" } }),
        json!({ "set": { "last_run": "yesterday" } }),
        json!({ "append_note": 1 }),
    ] {
        assert_eq!(apply(folder.path(), &proposal("p1", None, content)).unwrap_err().reason(), "invalid");
    }
    for agent in ["", "..", "a/b", "a\\b", ".hidden", &"a".repeat(256)] {
        let change = Proposal { agent: agent.to_owned(), ..proposal("p1", None, json!({})) };
        assert_eq!(apply(folder.path(), &change).unwrap_err().reason(), "invalid", "{agent}");
    }
    assert!(!folder.path().join(FILE).exists());
}

#[test]
fn a_preview_is_what_would_be_written_and_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("archivist");
    let change = |base| Change::of(&proposal("p1", base, json!({ "set": { "last_run": 7 } })), 50).unwrap();
    let (before, _) = preview(&folder, &change(Some(0))).unwrap();
    assert!(before.is_empty() && !folder.exists());
    apply(&folder, &proposal("p0", Some(0), json!({ "set": { "last_run": 5 } }))).unwrap();
    let told = |folder: &Path| {
        let mut state = state(folder);
        state.as_object_mut().unwrap().remove("proposal");
        state
    };
    let stood = told(&folder);
    // Also against another version, as a conflict is shown, too.
    let (before, after) = preview(&folder, &change(Some(0))).unwrap();
    assert_eq!((Value::Map(before.into()).to_json(), told(&folder)), (stood.clone(), stood));
    write(&folder, &change(Some(1))).unwrap();
    assert_eq!(Value::Map(after.into()).to_json(), told(&folder));
}
