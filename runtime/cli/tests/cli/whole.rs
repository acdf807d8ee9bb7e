//! The store as a whole: copied, compacted, exported and imported, archived and restored.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::served::Served;
use crate::support::{Place, json, script, signed_greeting};

/// What a command tells, with its exit code.
fn told(command: &mut assert_cmd::Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

fn refused(place: &Place, arguments: &[&str], english: &str, ukrainian: &str) {
    for (language, expected) in [("en", english), ("uk", ukrainian)] {
        let (code, text) = told(place.bloom().args(["--lang", language, "db"]).args(arguments));
        assert!(matches!(code, Some(1 | 2)) && text.contains(expected), "{arguments:?}: {code:?}: {text}");
    }
}

/// Finished runs of the greeting, each with a proposal that was rejected, and a store with these.
fn filled(names: &[&str]) -> (Place, Vec<String>) {
    let place = Place::new();
    let signed = signed_greeting(&place);
    let mut ids = Vec::new();
    for name in names {
        let reply = script(&place, &format!(r#""answer": {{ "text": "Вітаю, {name}!" }}"#));
        let input = format!("name={name}");
        let run = json(place.bloom().arg("run").arg(&signed).args(["--input", &input, &reply]));
        assert_eq!(run["status"], "completed", "{run}");
        ids.push(run["run"].as_str().unwrap().to_owned());
        let proposal = run["proposals"][0]["id"].as_str().unwrap();
        place.bloom().args(["proposals", "reject", proposal]).assert().success();
    }
    (place, ids)
}

fn check(place: &Place) -> Value {
    let found = json(place.bloom().args(["db", "check", "--json"]));
    assert_eq!(found["fault_count"], 0, "{found}");
    found
}

/// Every run is there, and replays.
fn replays(place: &Place, ids: &[String]) {
    for id in ids {
        place.bloom().args(["replay", id]).assert().success();
    }
    place.bloom().args(["audit", "verify"]).assert().success();
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn check_tells_how_large_the_store_is() {
    let place = Place::new();
    place.bloom().arg("runs").assert().success();
    let (code, text) = told(place.bloom().args(["db", "check"]));
    assert!(code == Some(0) && text.contains("bytes.\n"), "{code:?}: {text}");
    assert_eq!(check(&place)["bytes_per_event"], Value::Null);
    let (place, _) = filled(&["Ann"]);
    let found = check(&place);
    let number = |key: &str| found[key].as_u64().unwrap();
    assert_eq!(number("file_bytes"), fs::metadata(place.path("data/bloom.redb")).unwrap().len());
    assert_eq!(number("bytes_per_event"), number("file_bytes") / number("events"));
    let (_, text) = told(place.bloom().args(["db", "check"]));
    assert!(text.contains("for each event"), "{text}");
}

#[test]
fn archived_runs_come_back_and_replay() {
    let (place, ids) = filled(&["Олена", "Ґалаґан"]);
    let before = check(&place);
    let file = place.path("архів, давні запуски.jsonl.gz");
    let archive = |age: &str, more: &[&str]| {
        json(place.bloom().args(["db", "archive", "--older-than", age, name(&file), "--json"]).args(more))
    };
    assert_eq!(archive("90d", &[])["runs"], 0);
    assert!(!file.exists(), "there was nothing to write");
    let planned = archive("0s", &["--dry-run"]);
    assert_eq!((&planned["runs"], &planned["file"]), (&2.into(), &Value::Null), "{planned}");
    assert_eq!(check(&place), before, "nothing has changed");

    let archived = archive("0s", &[]);
    assert_eq!((archived["runs"].as_u64(), archived["events"].as_u64()), (Some(2), before["events"].as_u64()));
    assert!(fs::read(&file).unwrap().starts_with(&[0x1f, 0x8b]), "it is compressed");
    assert_eq!(check(&place)["runs"], 0);
    assert_eq!(json(place.bloom().args(["runs", "--json"])), Value::Array(Vec::new()));
    let compacted = json(place.bloom().args(["db", "compact", "--json"]));
    assert!(compacted["bytes"].as_u64() <= compacted["bytes_before"].as_u64(), "{compacted}");
    let listed = told(place.bloom().args(["audit", "export"])).1;
    assert!(listed.contains("runs_archived") && ids.iter().all(|id| listed.contains(id)), "{listed}");

    for (restored, there) in [(2, 0), (0, 2)] {
        let back = json(place.bloom().args(["db", "restore", name(&file), "--json"]));
        assert_eq!((&back["restored"], &back["there"]), (&restored.into(), &there.into()), "{back}");
        assert_eq!(back["sha256"], archived["sha256"]);
    }
    let after = check(&place);
    assert_eq!((&after["runs"], &after["events"]), (&before["runs"], &before["events"]));
    replays(&place, &ids);
}

#[test]
fn run_with_an_open_proposal_stays() {
    let place = Place::new();
    let reply = script(&place, r#""answer": { "text": "Hello!" }"#);
    json(place.bloom().arg("run").arg(signed_greeting(&place)).args(["--input", "name=Ann", &reply]));
    for (language, expected) in [("en", "since their proposals are open: 1"), ("uk", "пропозиції ще відкриті: 1")]
    {
        let mut command = place.bloom();
        let (code, text) = told(command.args(["--lang", language, "db", "archive", "--older-than", "0s", "--dry-run"]));
        assert!(code == Some(0) && text.contains(expected), "{code:?}: {text}");
    }
}

#[test]
fn exported_store_is_imported_elsewhere_and_replays() {
    let (place, ids) = filled(&["Олена", "Ґалаґан"]);
    let file = place.path("експорт.jsonl");
    let written = json(place.bloom().args(["db", "export", name(&file), "--json"]));
    assert_eq!(written["runs"], 2, "{written}");
    let stream = place.bloom().args(["db", "export", "-"]).output().unwrap().stdout;
    // But for the time, it is the same.
    let lines = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().lines().count();
    assert_eq!(lines(&stream), lines(&fs::read(&file).unwrap()));

    for (folder, from) in [("нова тека", name(&file)), ("інша", "-")] {
        let elsewhere = place.path(folder);
        let mut command = place.bloom();
        command.env("BLOOM_DATA", &elsewhere).args(["db", "import", from, "--json"]);
        let told = json(command.write_stdin(stream.clone()));
        assert_eq!((&told["runs"], &told["events"]), (&written["runs"], &written["events"]), "{told}");
        for id in &ids {
            let same = |data: &Path| place.bloom().env("BLOOM_DATA", data).args(["history", id, "--json"]).output();
            assert_eq!(same(&elsewhere).unwrap().stdout, same(&place.path("data")).unwrap().stdout);
        }
        for arguments in [&["db", "check"][..], &["audit", "verify"]] {
            place.bloom().env("BLOOM_DATA", &elsewhere).args(arguments).assert().success();
        }
        // The keys stay where they are: who replays elsewhere trusts them there.
        fs::copy(place.path("data/trust.json"), elsewhere.join("trust.json")).unwrap();
        for id in &ids {
            place.bloom().env("BLOOM_DATA", &elsewhere).args(["replay", id]).assert().success();
        }
    }
}

#[test]
fn files_that_do_not_fit_are_refused_and_change_nothing() {
    let (place, _) = filled(&["Ann"]);
    let (export, archive) = (place.path("export.jsonl"), place.path("archive.gz"));
    place.bloom().args(["db", "export", name(&export)]).assert().success();
    place.bloom().args(["db", "archive", "--older-than", "0s", name(&archive)]).assert().success();
    let before = fs::read_to_string(&export).unwrap();
    let short = place.write("short.jsonl", &before[..before.len() - 30]);
    let newer = place.write("newer.jsonl", before.replacen(r#""kind":"run","v":1"#, r#""kind":"run","v":2"#, 1));
    let changed = place.write("changed.jsonl", before.replacen("Ann", "Anna", 1));
    let note = place.write("note.txt", "нотатка");
    let empty = Place::new();
    for (file, english, ukrainian) in [
        (&short, "was cut short", "обірвано"),
        (&newer, "written by a newer bloom", "записав новіший bloom"),
        (&changed, "is not as it was written", "не такий, яким його записано"),
        (&note, "neither an export nor an archive", "не експорт і не архів"),
        (&archive, "is an archive of runs", "архів запусків"),
        (&place.path("nowhere"), "cannot be read", "не вдалося прочитати"),
    ] {
        refused(&empty, &["import", name(file)], english, ukrainian);
    }
    assert_eq!(check(&empty)["rows"], 0, "nothing was imported");
    refused(&place, &["import", name(&export)], "is not empty", "не порожнє");
    refused(&place, &["restore", name(&export)], "is an export of a store", "експорт сховища");
    refused(&place, &["restore", name(&note)], "neither an export nor an archive", "не експорт і не архів");
    refused(&place, &["export", name(&note)], "nothing is overwritten", "не перезаписується");
    refused(&place, &["backup", name(&note)], "nothing is overwritten", "не перезаписується");
    refused(&place, &["archive", "--older-than", "90", name(&note)], "is no age", "це не вік");
    assert_eq!(fs::read_to_string(&note).unwrap(), "нотатка");

    let nowhere = Place::new();
    for verb in
        [&["backup", "copy"][..], &["compact"], &["export", "-"], &["archive", "--older-than", "1d", "--dry-run"]]
    {
        refused(&nowhere, verb, "there is no store", "сховища немає");
    }
    assert!(!nowhere.path("data/bloom.redb").exists(), "none was made");
}

#[test]
fn store_of_a_server_is_left_to_it() {
    let (place, _) = filled(&["Ann"]);
    let served = Served::start(&place, &["--workers", "0"]);
    let file = place.path("file");
    for verb in [
        &["backup", name(&file)][..],
        &["compact"],
        &["export", name(&file)],
        &["import", name(&place.path("greeting.ir.json"))],
        &["archive", "--older-than", "0s", name(&file)],
        &["restore", name(&place.path("greeting.ir.json"))],
    ] {
        refused(&place, verb, "is in use by process", "зайняте");
    }
    assert!(!file.exists());
    served.kill();
    place.bloom().args(["db", "backup", name(&file)]).assert().success();
    let copy = place.path("copy");
    fs::create_dir(&copy).unwrap();
    fs::rename(&file, copy.join("bloom.redb")).unwrap();
    place.bloom().env("BLOOM_DATA", &copy).args(["db", "check"]).assert().success();
}

fn importing(place: &Place) -> Child {
    let own = place.bloom();
    let mut command = Command::new(own.get_program());
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(["db", "import", "-"]).stdin(Stdio::piped()).spawn().unwrap()
}

/// An import that is killed leaves no half of a store, and is done again.
#[test]
fn import_that_is_killed_in_the_middle_leaves_an_empty_store() {
    let (from, ids) = filled(&["Олена"]);
    let export = from.bloom().args(["db", "export", "-"]).output().unwrap().stdout;
    let place = Place::new();
    let mut import = importing(&place);
    let mut input = import.stdin.take().unwrap();
    input.write_all(&export[..export.len() / 2]).and_then(|()| input.flush()).unwrap();
    let begun = Instant::now();
    while !place.path("data/bloom.redb.import").exists() {
        assert!(begun.elapsed() < Duration::from_mins(1), "the import does not begin");
        std::thread::yield_now();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    drop(input);
    assert_eq!(check(&place)["rows"], 0);
    place.bloom().args(["db", "import", "-"]).write_stdin(export).assert().success();
    assert!(!place.path("data/bloom.redb.import").exists());
    assert_eq!(check(&place)["runs"], 1);
    fs::copy(from.path("data/trust.json"), place.path("data/trust.json")).unwrap();
    replays(&place, &ids);
}
