//! The commands of `docs/debugging.md` do what the page says.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::Place;

/// The blocks of a language, in order.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    page.split(begin.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_command_of_the_page_works() {
    let page = include_str!("../../../../docs/debugging.md");
    let place = Place::new();
    let flow = blocks(page, "bloom")[0];
    place.write("flow.md", flow);
    place.write("changed.md", flow.replace("limit > 2", "limit > 5"));
    place.write("answers.json", r#"{"default": {"answer": {"text": "Hello!"}}}"#);
    symlink(env!("CARGO_BIN_EXE_bloom"), place.path("bloom")).unwrap();
    let paths = format!("{}:{}", place.path("").display(), std::env::var("PATH").unwrap());
    let mut count = 0;
    for command in blocks(page, "sh").into_iter().flat_map(str::lines).filter(|line| !line.is_empty()) {
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(place.path(""))
            .env("PATH", &paths)
            .env("BLOOM_DATA", place.path("data"))
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // The changed flow goes another way, and says so.
        let expected = i32::from(command.contains("--ir changed.md --id flow"));
        assert_eq!(output.status.code(), Some(expected), "{command}\n{told}");
        if expected == 1 {
            assert!(told.contains("goes another way") && told.contains("1 of 1 run would differ."), "{told}");
        }
        if command.starts_with("printf") {
            assert!(told.ends_with("3\n"), "the limit is printed: {told}");
        }
        count += 1;
    }
    assert!(count >= 12, "{count} commands");
    assert!(Path::new(&place.path("run.jsonl")).exists());
}
