//! Ctrl-C leaves a run that can go on; a store that is in use says by whom.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::Lines;
use crate::support::{Place, ended, json, script, signed_greeting};

/// A run whose LLM never answers, as soon as it has asked.
fn waiting(place: &Place) -> (Child, Lines, String) {
    let signed = signed_greeting(place);
    asked(place, &["run", signed.to_str().unwrap(), "--input", "name=Ann"])
}

/// `bloom` with an LLM that never answers, as soon as that was asked, and the id of the run that it drives.
pub(crate) fn asked(place: &Place, arguments: &[&str]) -> (Child, Lines, String) {
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // It opens the pipe, which lets the test go on, and then waits for ever.
    let thinker = format!("#!/bin/sh\necho asked > '{}'\nexec tail -f /dev/null\n", pipe.display());
    let thinker = place.write("thinker", thinker);
    std::fs::set_permissions(&thinker, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bloom"))
        .env("BLOOM_DATA", place.path("data"))
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env_remove("LANG")
        .args(arguments)
        .args(["--progress", "json"])
        .arg(format!("--llm=command:{}", thinker.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = Lines::of(child.stderr.take().unwrap());
    let started: Value = serde_json::from_str(&told.next().unwrap()).unwrap();
    std::fs::read_to_string(pipe).unwrap();
    (child, told, started["run"].as_str().unwrap().to_owned())
}

pub(crate) fn interrupt(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn an_interrupted_run_says_how_to_go_on_and_does() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let place = Place::new();
        let (mut child, told, run) = waiting(&place);
        interrupt(&child, signal);
        let (ended, stderr) = (ended(&mut child), told.rest());
        assert_eq!(ended.code(), Some(status), "{stderr}");
        assert!(stderr.contains(&format!("bloom run --resume {run}\n")), "{stderr}");
        assert_eq!(json(place.bloom().args(["show", &run, "--json"]))["run"]["status"], "running");

        // What is said again counts; the rest is remembered.
        let reply = script(&place, r#""answer": { "text": "Hello!" }"#);
        let resumed = json(place.bloom().args(["run", "--resume", &run, &reply]));
        assert_eq!((&resumed["run"], &resumed["status"]), (&Value::from(run), &Value::from("completed")));
    }
}

#[test]
fn a_store_in_use_names_its_holder() {
    let place = Place::new();
    let (mut child, _told, _) = waiting(&place);
    let output = place.bloom().arg("runs").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let holder = child.id().to_string();
    interrupt(&child, Signal::TERM);
    ended(&mut child);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("is in use by") && stderr.contains(&holder), "{stderr}");
}
