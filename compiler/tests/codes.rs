//! Every code has its message, its hint and its page, and there is no page without its code.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    reason = "tests"
)]

mod support;

use std::collections::BTreeSet;

use bloom_compiler::CODES;
use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;
use bloom_ir::document::Locale;

#[test]
fn every_code_has_a_message_and_a_hint_in_both_languages() {
    for code in CODES {
        let mut diagnostic = Diagnostic::error(*code, Place::File);
        // Every variable that any message has.
        for name in [
            "column", "detail", "kind", "letter", "reason", "script", "dialect", "expected", "field", "found", "icon",
            "id", "limit", "line", "loop", "name", "nearest", "number", "other", "target", "tool", "what", "x", "y",
        ] {
            diagnostic = diagnostic.with(name, "value");
        }
        for locale in [Locale::En, Locale::Uk] {
            let message = diagnostic.message(locale);
            let hint = diagnostic.hint(locale).unwrap_or_else(|| panic!("{code} has no hint in {locale:?}"));
            assert_ne!(message, code.0, "{code} has no message in {locale:?}");
            assert!(!message.contains("{$") && !hint.contains("{$"), "{code} {locale:?}: {message} / {hint}");
        }
    }
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let folder = support::root().join("schemas/error-codes");
    let codes: BTreeSet<String> = CODES.iter().map(|code| format!("{code}.md")).collect();
    let pages: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('D'))
        .collect();
    assert_eq!(codes, pages);
    for page in pages {
        let text = std::fs::read_to_string(folder.join(&page)).unwrap();
        for part in ["**Why.**", "**What to do.**", "**Example.**", "## Українською", "**Чому.**", "**Що робити.**"]
        {
            assert!(text.contains(part), "{page} lacks {part}");
        }
    }
}
