//! A disk that takes no more: what is told, that nothing is lost, and that it goes on when there is room.

use std::process::Command;

use serde_json::json;

use crate::support::Place;

/// What a command tells, with its exit code.
fn told(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

fn bloom(place: &Place, program: &str, language: &str) -> Command {
    let own = place.bloom();
    let mut command = Command::new(program);
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("LANG", language);
    command
}

fn check(place: &Place) -> (Option<i32>, String) {
    told(bloom(place, env!("CARGO_BIN_EXE_bloom"), "C").args(["db", "check"]))
}

/// Its files may have a few kilobytes, which it meets as it does a full disk.
#[test]
fn command_on_a_full_disk_says_so_and_leaves_nothing_half_made() {
    for (language, full) in [("C", "the disk is full"), ("uk_UA.UTF-8", "диск заповнено")] {
        let place = Place::new();
        let mut bounded = bloom(&place, "sh", language);
        bounded.args(["-c", "ulimit -f 8; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_bloom"), "runs"]);
        let (code, text) = told(&mut bounded);
        assert!(code == Some(1) && text.contains(full), "{code:?}: {text}");
        place.bloom().arg("runs").assert().success();
        let (code, text) = check(&place);
        assert!(code == Some(0) && text.contains("Nothing contradicts itself"), "{code:?}: {text}");
    }
}

#[test]
fn store_that_was_cut_short_is_told() {
    let place = Place::new();
    place.bloom().arg("runs").assert().success();
    let store = std::fs::OpenOptions::new().write(true).open(place.path("data/bloom.redb")).unwrap();
    store.set_len(8192).unwrap();
    drop(store);
    let (code, text) = check(&place);
    assert!(code == Some(1) && text.contains("the store is damaged"), "{code:?}: {text}");
}

#[cfg(target_os = "linux")]
#[test]
fn server_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    use crate::served::Served;
    use crate::support::signed_greeting;

    let place = Place::new();
    // The key that signs is trusted before the server reads whom it trusts.
    signed_greeting(&place);
    let server = Served::start(&place, &["--workers", "1"]);
    let limit = |bytes| {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(&server.running.process)), Resource::Fsize, limit).unwrap();
    };
    server.publish(&place);
    let run = || server.post("/api/v1/flows/greeting/runs?wait=60", br#"{ "inputs": { "name": "Ann" } }"#);
    let (status, first) = run();
    assert_eq!((status, &first["status"]), (200, &json!("completed")), "{first}");

    limit(Some(4096));
    for _ in 0..3 {
        let (status, told) = run();
        assert_eq!(status, 503, "{told}");
        assert!(told.to_string().contains("UNAVAILABLE"), "{told}");
    }
    assert_eq!(server.send("GET", "/readyz", "", b"").0, 503);
    assert_eq!(server.send("GET", "/healthz", "", b"").0, 200, "it lives");

    limit(None);
    let begun = Instant::now();
    while server.send("GET", "/readyz", "", b"").0 != 200 {
        assert!(begun.elapsed() < Duration::from_mins(1), "there is room, and it does not go on");
    }
    let (status, second) = run();
    assert_eq!((status, &second["status"]), (200, &json!("completed")), "{second}");
    let id = first["run_id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/api/v1/runs/{id}"))["status"], "completed");
    server.kill();
    let (code, text) = check(&place);
    assert!(code == Some(0) && text.contains("Nothing contradicts itself"), "{code:?}: {text}");
}
