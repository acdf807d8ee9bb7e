//! The texts of diagnostics, in Fluent catalogues: for each language one of documents (codes `I…`) and one of diagrams
//! (codes `D…`). Ids are codes; the attribute `.hint` says what to do.

use std::sync::LazyLock;

use crate::catalogue::{Catalogues, FluentArgs};
use crate::diagnostic::Diagnostic;
use crate::document::Locale;

const ENGLISH: [&str; 2] = [include_str!("../messages/document.en.ftl"), include_str!("../messages/diagram.en.ftl")];
const UKRAINIAN: [&str; 2] = [include_str!("../messages/document.uk.ftl"), include_str!("../messages/diagram.uk.ftl")];

/// The code of two words that look the same.
const LOOK_ALIKE: &str = "D121";

static CATALOGUES: LazyLock<Catalogues> = LazyLock::new(|| Catalogues::read(&ENGLISH, &UKRAINIAN));

pub(crate) fn message(diagnostic: &Diagnostic, locale: Locale) -> String {
    format(diagnostic, diagnostic.code.0, locale).unwrap_or_else(|| diagnostic.code.to_string())
}

pub(crate) fn hint(diagnostic: &Diagnostic, locale: Locale) -> Option<String> {
    let script = diagnostic.args.get("script").map_or("none", String::as_str);
    // Whatever a word is, one that differs by a letter of another script is explained in the same way.
    let code = if script == "none" { diagnostic.code.0 } else { LOOK_ALIKE };
    format(diagnostic, &format!("{code}.hint"), locale)
}

fn format(diagnostic: &Diagnostic, id: &str, locale: Locale) -> Option<String> {
    let mut args = FluentArgs::new();
    for (name, value) in &diagnostic.args {
        args.set(*name, value.as_str());
    }
    CATALOGUES.of(locale).find(id, &args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::variables;

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_variables() {
        for (english, ukrainian) in ENGLISH.iter().zip(UKRAINIAN) {
            assert_eq!(variables(english).unwrap(), variables(ukrainian).unwrap());
        }
    }

    #[test]
    fn codes_of_documents_and_of_diagrams_are_kept_apart() {
        for catalogues in [ENGLISH, UKRAINIAN] {
            for (catalogue, initial) in catalogues.iter().zip(["I", "D"]) {
                for id in variables(catalogue).unwrap().keys() {
                    assert!(id.starts_with(initial), "{id} stands in the wrong catalogue");
                }
            }
        }
    }
}
