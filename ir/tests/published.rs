//! What `schemas/` publishes is what the crate means.
#![expect(clippy::disallowed_methods, reason = "the published files are what is tested")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use bloom_ir::diagnostic::{CheckedFile, Diagnostic, Place};
use bloom_ir::document::Locale;
use bloom_ir::format;
use bloom_ir::validate::codes;

fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas")
}

/// `BLESS=1 cargo test -p bloom-ir --test published` writes the files anew.
#[test]
fn the_published_schemas_are_those_of_the_types() {
    for (name, schema) in [
        ("ir-0.1.schema.json", format::document_schema()),
        ("tool-manifest-0.1.schema.json", format::manifest_schema()),
        ("check-0.1.schema.json", format::check_schema()),
    ] {
        let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = schemas().join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == generated,
            "schemas/{name} is not what the types say; write it anew: BLESS=1 cargo test -p bloom-ir --test published"
        );
    }
}

#[test]
fn the_published_schema_takes_a_document_and_refuses_a_misspelt_member() {
    let schema = jsonschema::options().offline().build(&format::document_schema()).unwrap();
    let mut document: serde_json::Value =
        serde_json::from_str(include_str!("../../fixtures/ir/everything.ir.json")).unwrap();
    assert_eq!(schema.iter_errors(&document).map(|it| it.to_string()).collect::<Vec<_>>(), [""; 0]);
    document["nodes"]["n2"]["nxt"] = "n3".into();
    assert!(!schema.is_valid(&document));
}

#[test]
fn what_check_writes_is_what_its_schema_says() {
    let schema = jsonschema::options().offline().build(&format::check_schema()).unwrap();
    let places = [
        Place::File,
        Place::item("7", "x ← y", Some(6..7)),
        Place::line(3, "x ← y", None),
        Place::Node { node: None, pointer: "/nodes".to_owned(), item: Some("7".to_owned()) },
    ];
    let diagnostics: Vec<Diagnostic> =
        places.into_iter().map(|place| Diagnostic::warning(codes::ALL[0], place).with("found", "1")).collect();
    let written = serde_json::json!([CheckedFile { file: "a.drakon".into(), diagnostics: &diagnostics }]);
    assert_eq!(schema.iter_errors(&written).map(|it| it.to_string()).collect::<Vec<_>>(), [""; 0]);
    let mut other = written.clone();
    other[0]["diagnostics"][0]["severity"] = "fatal".into();
    assert!(!schema.is_valid(&other));
}

#[test]
fn every_code_has_its_messages_and_its_page_and_every_page_its_code() {
    let pages: BTreeSet<String> = fs::read_dir(schemas().join("error-codes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('I'))
        .collect();
    let expected: BTreeSet<String> = codes::ALL.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(pages, expected);
    assert_eq!(expected.len(), codes::ALL.len(), "a code stands for one thing");
    for code in codes::ALL {
        for locale in [Locale::En, Locale::Uk] {
            let message = Diagnostic::error(*code, Place::File).message(locale);
            assert_ne!(message, code.0, "{code} has no message");
        }
        let page = fs::read_to_string(schemas().join(format!("error-codes/{code}.md"))).unwrap();
        assert!(page.starts_with(&format!("# {code}")), "{code}");
        for heading in ["**Why.**", "**What to do.**", "**Example.**", "## Українською", "**Чому.**", "**Що робити.**"]
        {
            assert!(page.contains(&format!("\n{heading}")), "{code} has no `{heading}`");
        }
    }
    // Messages without a code would be read by nobody.
    for (line, text) in include_str!("../messages/document.en.ftl").lines().enumerate() {
        if let Some((id, _)) = text.split_once(" = ").filter(|(id, _)| id.starts_with('I')) {
            assert!(codes::ALL.iter().any(|code| code.0 == id), "line {}: {id}", line + 1);
        }
    }
}
