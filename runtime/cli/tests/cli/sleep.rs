//! A run that sleeps does so across a restart.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::Lines;
use crate::support::{Place, json};

/// Sleeps for longer than it takes to kill it, and gives how long it took by the times that were recorded.
const SLEEPING: &str = r#"{
  "ir": "0.1",
  "flow": { "id": "sleeping", "version": "0.0.0", "title": "Sleeping", "kind": "procedure", "locale": "en" },
  "inputs": {}, "outputs": {}, "policy": {}, "entry": "n1",
  "nodes": {
    "n1": { "type": "action", "op": "sleep", "for": "5000", "next": "n2" },
    "n2": { "type": "return", "status": "completed", "value": "run.now - run.started_at" }
  }
}"#;

#[test]
fn killed_while_it_sleeps_it_wakes_at_its_time() {
    let place = Place::new();
    let (unsigned, signed) = (place.write("sleeping.json", SLEEPING), place.path("sleeping.ir.json"));
    place.bloom().arg("compile").arg(unsigned).arg("-o").arg(&signed).assert().success();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bloom"))
        .env("BLOOM_DATA", place.path("data"))
        .arg("run")
        .arg(signed)
        .args(["--progress", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Lines::of(child.stderr.take().unwrap()).next().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let run = serde_json::from_str::<Value>(&started).unwrap()["run"].as_str().unwrap().to_owned();
    assert_eq!(json(place.bloom().args(["show", &run, "--json"]))["run"]["status"], "running");

    let resumed = json(place.bloom().args(["run", "--resume", &run]));
    assert_eq!(resumed["status"], "completed", "{resumed}");
    let took = resumed["result"].as_i64().unwrap();
    // How late it may be is tested under a clock that stands still; here a machine may be as slow as it is.
    assert!(took >= 5_000, "{took}");
    println!("woke {} ms after its time", took - 5_000);
    place.bloom().args(["replay", &run]).assert().success();
}
