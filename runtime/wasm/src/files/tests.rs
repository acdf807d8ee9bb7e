use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::*;
use crate::deadline::CancelOnDrop;

fn root(folder: &Path) -> Root {
    Root { name: "notes".into(), folder: folder.to_owned(), within: None }
}

fn list(root: &Root, prefix: &str, limits: &Limits) -> Result<Vec<String>, FileError> {
    let cancel = CancelOnDrop::default();
    let entries = root.list(prefix, limits, &Deadline::after(60_000, &cancel))?;
    Ok(entries.into_iter().map(|entry| entry.path).collect())
}

fn code(root: &Root, prefix: &str) -> &'static str {
    list(root, prefix, &Limits::default()).unwrap_err().code()
}

#[test]
fn files_come_in_the_byte_order_of_their_paths() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["b.md", "a/z.md", "a.md", "a-1.md", "a/a/a.md", "я/ї.md", "Ї.md", "a0.md"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let listed = list(&root(folder.path()), "", &Limits::default()).unwrap();
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(listed, sorted);
    assert_eq!(listed.len(), 8);
    assert_eq!(list(&root(folder.path()), "a", &Limits::default()).unwrap(), ["a/a/a.md", "a/z.md"]);
}

#[test]
fn hidden_files_and_folders_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    fs::write(folder.path().join(".git/config"), "").unwrap();
    symlink("nowhere", folder.path().join(".#lock")).unwrap();
    fs::write(folder.path().join("a.md"), "").unwrap();
    assert_eq!(list(&root(folder.path()), "", &Limits::default()).unwrap(), ["a.md"]);
}

#[test]
fn a_listing_stops_at_what_it_would_have_to_leave_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    symlink(".", folder.path().join("cycle")).unwrap();
    assert_eq!(code(&root, ""), "link_refused");
    assert_eq!(code(&root, "cycle"), "link_refused");
    fs::remove_file(folder.path().join("cycle")).unwrap();
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff.md")), "").unwrap();
    assert_eq!(code(&root, ""), "invalid_name");
}

#[test]
fn a_listing_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..11 {
        fs::write(folder.path().join(n.to_string()), "").unwrap();
    }
    let limits = Limits { listed_files: 10, ..Limits::default() };
    assert_eq!(list(&root(folder.path()), "", &limits).unwrap_err().code(), "too_many_files");
}

#[test]
fn folders_nested_too_deeply_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join(vec!["d"; DEEPEST + 2].join("/"))).unwrap();
    assert_eq!(code(&root(folder.path()), ""), "not_a_file");
}

#[test]
fn a_missing_folder_is_an_error_and_a_missing_memory_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&root(folder.path()), "nothing"), "not_found");
    assert_eq!(code(&root(folder.path()), "../.."), "path_refused");
    let memory = |folder: &Path| Root { name: "memory".into(), folder: folder.to_owned(), within: Some("poet".into()) };
    for folder in [folder.path(), &folder.path().join("gone")] {
        assert!(list(&memory(folder), "", &Limits::default()).unwrap().is_empty());
        assert_eq!(code(&memory(folder), "runs"), "not_found");
    }
}

#[test]
fn an_agents_folder_that_is_a_link_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("rich")).unwrap();
    symlink("rich", folder.path().join("poet")).unwrap();
    let memory = Root { name: "memory".into(), folder: folder.path().to_owned(), within: Some("poet".into()) };
    assert_eq!(code(&memory, ""), "root_unreadable");
}

#[test]
fn a_listing_stops_when_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.md"), "").unwrap();
    let deadline = Deadline::after(60_000, &CancelOnDrop::default());
    let stopped = root(folder.path()).list("", &Limits::default(), &deadline).unwrap_err();
    assert!(matches!(stopped, FileError::Stopped(Fault::Cancelled)));
}

#[test]
fn sizes_and_times_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("a.md")).unwrap();
    file.set_len(1234).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_771_056_154_321)).unwrap();
    let cancel = CancelOnDrop::default();
    let entries = root(folder.path()).list("", &Limits::default(), &Deadline::after(60_000, &cancel)).unwrap();
    assert_eq!((entries[0].size, entries[0].modified), (1234, 1_771_056_154_321));
}
