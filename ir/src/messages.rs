//! The texts of diagnostics, in Fluent catalogues: for each language one of documents (codes `I…`) and one of diagrams
//! (codes `D…`). Ids are codes; the attribute `.hint` says what to do.

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};

use crate::diagnostic::Diagnostic;
use crate::document::Locale;

const ENGLISH: [&str; 2] = [include_str!("../messages/document.en.ftl"), include_str!("../messages/diagram.en.ftl")];
const UKRAINIAN: [&str; 2] = [include_str!("../messages/document.uk.ftl"), include_str!("../messages/diagram.uk.ftl")];

/// The code of two words that look the same.
const LOOK_ALIKE: &str = "D121";

thread_local! {
    static BUNDLES: [FluentBundle<FluentResource>; 2] = [bundle(&ENGLISH), bundle(&UKRAINIAN)];
}

fn bundle(catalogues: &[&str]) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::default();
    bundle.set_use_isolating(false);
    for catalogue in catalogues {
        // A message that does not parse is left out of the resource, and the test below finds it.
        let resource = FluentResource::try_new((*catalogue).to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

pub(crate) fn message(diagnostic: &Diagnostic, locale: Locale) -> String {
    format(diagnostic, diagnostic.code.0, locale, None).unwrap_or_else(|| diagnostic.code.to_string())
}

pub(crate) fn hint(diagnostic: &Diagnostic, locale: Locale) -> Option<String> {
    let script = diagnostic.args.get("script").map_or("none", String::as_str);
    // Whatever a word is, one that differs by a letter of another script is explained in the same way.
    let code = if script == "none" { diagnostic.code.0 } else { LOOK_ALIKE };
    format(diagnostic, code, locale, Some("hint"))
}

fn format(diagnostic: &Diagnostic, id: &str, locale: Locale, attribute: Option<&str>) -> Option<String> {
    let mut args = FluentArgs::new();
    for (name, value) in &diagnostic.args {
        args.set(*name, value.as_str());
    }
    BUNDLES.with(|[english, ukrainian]| {
        let bundle = match locale {
            Locale::En => english,
            Locale::Uk => ukrainian,
        };
        let message = bundle.get_message(id)?;
        let pattern = match attribute {
            None => message.value()?,
            Some(name) => message.get_attribute(name)?.value(),
        };
        Some(bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

    use super::*;

    /// For each message and attribute, by `id` or `id.attribute`, the variables that it names.
    fn texts(catalogue: &str) -> BTreeMap<String, BTreeSet<String>> {
        let resource = fluent_syntax::parser::parse(catalogue).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
        let mut texts = BTreeMap::new();
        for entry in resource.body {
            let Entry::Message(message) = entry else { continue };
            let id = message.id.name;
            let value = message.value.unwrap_or_else(|| panic!("{id} has no text"));
            assert!(texts.insert(id.to_owned(), variables(&value)).is_none(), "{id} stands twice");
            for attribute in &message.attributes {
                texts.insert(format!("{id}.{}", attribute.id.name), variables(&attribute.value));
            }
        }
        texts
    }

    fn variables(pattern: &Pattern<&str>) -> BTreeSet<String> {
        let placeables = pattern.elements.iter().filter_map(|element| match element {
            PatternElement::Placeable { expression } => Some(expression),
            PatternElement::TextElement { .. } => None,
        });
        let mut variables = BTreeSet::new();
        for expression in placeables {
            match expression {
                Expression::Inline(inline) => variables.extend(variable(inline)),
                Expression::Select { selector, variants } => {
                    variables.extend(variable(selector));
                    variables.extend(variants.iter().flat_map(|variant| self::variables(&variant.value)));
                }
            }
        }
        variables
    }

    /// A message holds texts, variables and choices only: no functions, no references to other messages.
    fn variable(inline: &InlineExpression<&str>) -> Option<String> {
        match inline {
            InlineExpression::VariableReference { id } => Some(id.name.to_owned()),
            InlineExpression::StringLiteral { .. } => None,
            other => panic!("neither text nor variable: {other:?}"),
        }
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_variables() {
        for (english, ukrainian) in ENGLISH.iter().zip(UKRAINIAN) {
            assert_eq!(texts(english), texts(ukrainian));
        }
    }

    #[test]
    fn codes_of_documents_and_of_diagrams_are_kept_apart() {
        for catalogues in [ENGLISH, UKRAINIAN] {
            for (catalogue, initial) in catalogues.iter().zip(["I", "D"]) {
                for id in texts(catalogue).keys() {
                    assert!(id.starts_with(initial), "{id} stands in the wrong catalogue");
                }
            }
        }
    }
}
