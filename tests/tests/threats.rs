//! `docs/threat-model.md` names a test for each threat; here it is held that they exist. That pages link to files that are there is
//! held for all of them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn threats() -> String {
    fs::read_to_string(root().join("docs/threat-model.md")).unwrap()
}

/// The links of a text: what is shown, and where it leads.
fn links(text: &str) -> Vec<(&str, &str)> {
    let link = |(at, _): (usize, &str)| {
        let shown = text[..at].rsplit_once('[')?.1;
        let (target, _) = text[at + 2..].split_once(')')?;
        Some((shown, target))
    };
    text.match_indices("](").filter_map(link).collect()
}

/// The tests that a text names, each with its file: `` [`name`](../file.rs) ``; those of pages in a browser by their sentence.
fn tests(text: &str) -> Vec<(&str, &str)> {
    let test = |(shown, target): (&'_ str, &'_ str)| {
        let is_source = Path::new(target).extension().is_some_and(|kind| kind == "rs" || kind == "mjs");
        is_source && shown.len() > 2 && shown.starts_with('`') && shown.ends_with('`')
    };
    let links = links(text).into_iter().filter(|link| test(*link));
    links.map(|(shown, target)| (shown.trim_matches('`'), target)).collect()
}

/// Whether a source has a test of this name.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_of_name = |line: &&str| {
        line.split_once("fn ")
            .is_some_and(|(_, rest)| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')))
    };
    lines.iter().enumerate().filter(|(_, line)| is_of_name(line)).any(|(at, _)| {
        let mut above = lines[..at].iter().rev().take_while(|line| !line.is_empty() && !line.ends_with('}'));
        above.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    }) || lines.iter().any(|line| line.starts_with(&format!("test(\"{name}\", ")))
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let page = threats();
    let named = tests(&page);
    assert!(named.len() > 100, "{}", named.len());
    let missing = named.iter().filter(|(name, file)| {
        let source = fs::read_to_string(root().join("docs").join(file)).unwrap_or_default();
        !has_test(&source, name)
    });
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "these are named and not there: {missing:#?}");
}

#[test]
fn every_threat_has_a_test() {
    let page = threats();
    let mut rows = 0;
    let mut is_of_threats = false;
    for line in page.lines() {
        is_of_threats = line.starts_with("| threat |") || is_of_threats && line.starts_with('|');
        if is_of_threats && !line.starts_with("| threat |") && !line.starts_with("|---") {
            rows += 1;
            let shown_by = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
            assert!(!tests(shown_by).is_empty(), "no test shows this: {line}");
        }
    }
    assert!(rows > 50, "{rows}");
}

#[test]
fn a_test_is_told_from_what_is_none() {
    let source =
        "#[test]\nfn a() {}\n\nfn b() {}\n\n#[tokio::test(start_paused = true)]\n#[expect(x)]\nasync fn c() {\n}\n";
    let found = ["a", "b", "c", "ab", ""].map(|name| has_test(source, name));
    assert_eq!(found, [true, false, true, false, false]);
    assert!(
        has_test("test(\"it is so\", async () => {", "it is so") && !has_test("// test(\"it is so\", ", "it is so")
    );
    assert_eq!(tests("[`a`](../x.rs), [b](../y.rs) and [`c`](d.md)"), [("a", "../x.rs")]);
}

/// The heading of a page as its link has it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn links_of_pages_lead_somewhere() {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    pages.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    let mut broken = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        // What stands in a block of code is no link.
        let text: String = text.split("```").step_by(2).collect();
        for (_, target) in links(&text).into_iter().filter(|(_, target)| !target.contains("://")) {
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let is_there = file.exists()
                && (place.is_empty()
                    || fs::read_to_string(&file).is_ok_and(|text| {
                        text.lines()
                            .filter(|line| line.starts_with('#'))
                            .any(|line| anchor(line.trim_start_matches('#')) == place)
                    }));
            if !is_there {
                broken.push(format!("{}: {target}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
