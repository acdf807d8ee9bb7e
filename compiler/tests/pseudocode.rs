//! Diagrams as pseudocode: what is printed is the same program, in either language.
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

use bloom_compiler::{Options, Prose, SourceFile, compile, pseudocode};
use bloom_ir::document::Locale;
use proptest::prelude::*;
use support::random::{Texts, diagram};
use support::{corpus, fixtures, name, options, rendered};

/// What is wrong with the pseudocode of a diagram that compiles; the pseudocode where there is any.
fn round_trip(file: &str, bytes: &[u8], options: &Options, locale: Locale) -> Result<Option<String>, String> {
    let source = SourceFile::new(file, bytes);
    let Some(drawn) = compile(&source, options).document else { return Ok(None) };
    let printed = pseudocode(&source, options, locale);
    let Some(text) = printed.text else { return Err(format!("not printed: {:?}", printed.diagnostics)) };
    let written = compile(&SourceFile::new(file, text.as_bytes()), options);
    let Some(document) = &written.document else { return Err(format!("{}\n{text}", rendered(&written))) };
    if document.hashed().program == drawn.hashed().program {
        return Ok(Some(text));
    }
    Err(format!("drawn:\n{}\nwritten:\n{}\n{text}", support::listing(&drawn), support::listing(document)))
}

#[test]
fn fixtures_are_the_same_programs_in_both_languages() {
    for path in [fixtures("diagrams", "drakon"), fixtures("archivist", "drakon")].concat() {
        for (locale, language) in [(Locale::Uk, "uk"), (Locale::En, "en")] {
            let bytes = std::fs::read(&path).unwrap();
            let options = Options { prose: Prose::Llm, ..options() };
            match round_trip(&name(&path), &bytes, &options, locale) {
                Ok(text) => insta::assert_snapshot!(
                    format!("{}.{language}", name(&path)),
                    text.unwrap_or_else(|| panic!("{} does not compile", path.display()))
                ),
                Err(problem) => panic!("{} ({language}): {problem}", path.display()),
            }
        }
    }
}

#[test]
fn real_diagrams_are_the_same_programs() {
    let Some(diagrams) = corpus::diagrams() else { return };
    let (mut all, mut same) = (0, 0);
    let mut different = Vec::new();
    for record in diagrams {
        let (id, diagram) = (record["id"].as_str().unwrap(), record["diagram"].as_str().unwrap());
        let locale = if all % 2 == 0 { Locale::Uk } else { Locale::En };
        let options = Options { prose: Prose::Llm, opaque: true, ..Options::default() };
        match round_trip("corpus.drakon", diagram.as_bytes(), &options, locale) {
            Ok(None) => {}
            Ok(Some(_)) => same += 1,
            Err(problem) => different.push((id.to_owned(), problem)),
        }
        all += 1;
    }
    println!("diagrams: {all}, the same as pseudocode: {same}, different: {}", different.len());
    if let Some((id, problem)) = different.iter().min_by_key(|(_, problem)| problem.len()) {
        let ids: Vec<&String> = different.iter().map(|(id, _)| id).take(20).collect();
        panic!("{ids:?}\n{id}: {problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_diagrams_are_the_same_programs(
        (diagram, texts) in prop_oneof![Just(Texts::Prose), Just(Texts::Statements)]
            .prop_flat_map(|texts| (diagram(60, texts), Just(texts))),
        uk in any::<bool>(), prose in prop_oneof![Just(Prose::Llm), Just(Prose::Human)],
    ) {
        let locale = if uk { Locale::Uk } else { Locale::En };
        let options = Options { prose, opaque: texts == Texts::Prose, ..options() };
        if let Err(problem) = round_trip("random.drakon", diagram.to_string().as_bytes(), &options, locale) {
            panic!("{problem}");
        }
    }
}

#[test]
fn every_example_of_the_manual_compiles() {
    let manual = std::fs::read_to_string(support::root().join("docs/pseudocode.md")).unwrap();
    let examples: Vec<&str> = manual.split("```bloom\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 8);
    for example in examples {
        let options = Options { prose: Prose::Llm, ..options() };
        let compilation = compile(&SourceFile::new("example.md", example.as_bytes()), &options);
        assert!(compilation.document.is_some(), "{}\n{example}", rendered(&compilation));
    }
}
