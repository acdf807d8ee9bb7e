//! Texts for people, as [Fluent](https://projectfluent.org) has them: for each language a catalogue of the same messages with the
//! same variables.

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

pub use fluent_bundle::{FluentArgs, FluentValue};

use crate::document::Locale;

/// The texts of one language.
pub struct Catalogue {
    locale: Locale,
    bundle: FluentBundle<FluentResource>,
}

impl Catalogue {
    /// The messages that these files hold. What does not parse is left out: have a test look at it with [`variables`].
    pub fn read(locale: Locale, files: &[&str]) -> Self {
        // The language's plural rules. Each tag is well-formed; without one, the rules of the root language hold.
        let mut bundle = FluentBundle::new_concurrent(locale.tag().parse().into_iter().collect());
        bundle.set_use_isolating(false);
        for file in files {
            let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        Self { locale, bundle }
    }

    /// Which language.
    pub fn locale(&self) -> Locale {
        self.locale
    }

    /// The text of a message, or of its attribute by `id.attribute`, if there is one.
    pub fn find(&self, id: &str, args: &FluentArgs<'_>) -> Option<String> {
        let (id, attribute) = match id.split_once('.') {
            Some((id, attribute)) => (id, Some(attribute)),
            None => (id, None),
        };
        let message = self.bundle.get_message(id)?;
        let pattern = match attribute {
            None => message.value()?,
            Some(name) => message.get_attribute(name)?.value(),
        };
        Some(self.bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned())
    }
}

/// The texts of every language.
#[derive(Debug)]
pub struct Catalogues {
    english: Catalogue,
    ukrainian: Catalogue,
}

impl Catalogues {
    /// As [`Catalogue::read`] does it.
    pub fn read(english: &[&str], ukrainian: &[&str]) -> Self {
        Self { english: Catalogue::read(Locale::En, english), ukrainian: Catalogue::read(Locale::Uk, ukrainian) }
    }

    /// Those of a language.
    pub fn of(&self, locale: Locale) -> &Catalogue {
        match locale {
            Locale::En => &self.english,
            Locale::Uk => &self.ukrainian,
        }
    }
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Catalogue").field(&self.locale).finish()
    }
}

/// For each message of a file, and each attribute by `id.attribute`, the variables that it names: for the tests that hold
/// catalogues beside each other and beside the code.
///
/// # Errors
///
/// Of what does not parse, stands twice, says nothing, or holds more than texts, variables and choices.
pub fn variables(file: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let resource = fluent_syntax::parser::parse(file).map_err(|(_, errors)| format!("{errors:?}"))?;
    let mut texts = BTreeMap::new();
    for entry in resource.body {
        let Entry::Message(message) = entry else { continue };
        let id = message.id.name;
        if message.value.is_none() && message.attributes.is_empty() {
            return Err(format!("{id} says nothing"));
        }
        let value = message.value.iter().map(|value| (id.to_owned(), value));
        let attributes = message.attributes.iter().map(|each| (format!("{id}.{}", each.id.name), &each.value));
        for (name, pattern) in value.chain(attributes) {
            let mut named = BTreeSet::new();
            collect(pattern, &mut named).map_err(|other| format!("{name} holds {other}"))?;
            if texts.insert(name.clone(), named).is_some() {
                return Err(format!("{name} stands twice"));
            }
        }
    }
    Ok(texts)
}

fn collect(pattern: &Pattern<&str>, named: &mut BTreeSet<String>) -> Result<(), String> {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        let (inline, variants) = match expression {
            Expression::Inline(inline) => (inline, &[][..]),
            Expression::Select { selector, variants } => (selector, &variants[..]),
        };
        match inline {
            InlineExpression::VariableReference { id } => {
                named.insert(id.name.to_owned());
            }
            InlineExpression::StringLiteral { .. } => {}
            other => return Err(format!("{other:?}")),
        }
        for variant in variants {
            collect(&variant.value, named)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "found = { $count ->\n  [one] { $count } { $what }\n *[other] many\n}\n    .hint = { \"a\" }\n";

    #[test]
    fn messages_and_attributes_are_found_with_the_plurals_of_the_language() {
        let ukrainian = Catalogue::read(Locale::Uk, &[FILE, "other = Ще { $x }"]);
        let mut args = FluentArgs::new();
        args.set("count", 21);
        args.set("what", "рік");
        assert_eq!(ukrainian.find("found", &args).as_deref(), Some("21 рік"));
        assert_eq!(ukrainian.find("found.hint", &args).as_deref(), Some("a"));
        args.set("x", "два");
        assert_eq!(ukrainian.find("other", &args).as_deref(), Some("Ще два"));
        assert_eq!((ukrainian.find("found.none", &args), ukrainian.find("none", &args)), (None, None));
    }

    #[test]
    fn the_variables_of_a_file_are_those_that_it_names() {
        let named = variables(FILE).unwrap();
        let of = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(named, BTreeMap::from([("found".into(), of(&["count", "what"])), ("found.hint".into(), of(&[]))]));
        for wrong in ["a = b\na = c\n", "a = { b }\n", "a = { LEN($b) }\n", "= b\n"] {
            assert!(variables(wrong).is_err(), "{wrong}");
        }
    }
}
