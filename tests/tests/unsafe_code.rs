//! `docs/unsafe.md` lists all `unsafe` of the project.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What follows the keyword where it is one, and not a word of a text.
const FOLLOWS: [&str; 6] = [" {", " fn ", " impl ", " impl<", " extern ", " trait "];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// How often the keyword stands in code.
fn places(source: &str) -> usize {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let of_line = |line: &str| {
        line.match_indices("unsafe")
            .filter(|(at, word)| {
                let (before, after) = (&line[..*at], &line[at + word.len()..]);
                let begins = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
                let is_attribute = before.ends_with("#[") && after.starts_with('(');
                is_attribute || begins && FOLLOWS.iter().any(|next| after.starts_with(next))
            })
            .count()
    };
    code.map(of_line).sum()
}

/// All files of Rust below a folder, but what is built there.
fn look(folder: &Path, found: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            look(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") && path.is_file() {
            let count = places(&fs::read_to_string(&path).unwrap());
            if count > 0 {
                found.insert(path.strip_prefix(root()).unwrap().display().to_string(), count);
            }
        }
    }
}

/// The rows of the page: those with a number, and the files that are generated.
fn listed() -> (BTreeMap<String, usize>, Vec<String>) {
    let page = fs::read_to_string(root().join("docs/unsafe.md")).unwrap();
    let (counted, generated) = page.split_once("## Generated").unwrap();
    let rows = |part: &str| -> Vec<(String, String)> {
        let row = |line: &str| {
            let (file, rest) = line.strip_prefix("| [")?.split_once("](../")?;
            Some((file.to_owned(), rest.split('|').nth(1)?.trim().to_owned()))
        };
        part.lines().filter_map(row).collect()
    };
    let counted = rows(counted).into_iter().map(|(file, places)| (file, places.parse().unwrap())).collect();
    (counted, rows(generated).into_iter().map(|(file, _)| file).collect())
}

#[test]
fn unsafe_stands_where_the_page_says() {
    let mut found = BTreeMap::new();
    look(&root(), &mut found);
    let (counted, generated) = listed();
    assert!(generated.iter().all(|file| root().join(file).is_file()), "{generated:?}");
    found.retain(|file, _| !generated.contains(file));
    assert_eq!(found, counted, "docs/unsafe.md lists each file with how often `unsafe` stands there, and why");
}

#[test]
fn the_keyword_is_told_from_the_word() {
    // Not written out, because this file is looked at, too.
    let of = |text: &str| places(&text.replace('%', "unsafe"));
    assert_eq!(of("% { f() }\n  pub % fn g() { % { h() } }\n% impl A for B {}\n#[%(no_mangle)]\n"), 5);
    assert_eq!(of("// % { f() }\n\"style-src '%-inline'\" // it is %\nis_% {}\n%_code\n"), 0);
}
