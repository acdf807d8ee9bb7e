//! Our own diagrams and programs: what they become, and what is said of broken ones.
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

use support::{compile_file, fixtures, listing, name, rendered};

#[test]
fn sound_diagrams_and_programs_compile() {
    let files = [fixtures("diagrams", "drakon"), fixtures("pseudocode", "md"), fixtures("archivist", "drakon")];
    for path in files.concat() {
        let compilation = compile_file(&path);
        let text = rendered(&compilation);
        let document = compilation.document.unwrap_or_else(|| panic!("{}:\n{text}", path.display()));
        let text = format!("{}{}", listing(&document), text.trim_end());
        insta::assert_snapshot!(name(&path), text);
    }
}

#[test]
fn broken_diagrams_and_programs_are_explained() {
    for path in [fixtures("diagrams/invalid", "drakon"), fixtures("pseudocode/invalid", "md")].concat() {
        let compilation = compile_file(&path);
        assert!(compilation.has_errors() && compilation.document.is_none(), "{}", path.display());
        insta::assert_snapshot!(format!("invalid-{}", name(&path)), rendered(&compilation));
    }
}
