//! The texts of the command line, in Fluent catalogues: one for each language, with the same messages and variables.

use bloom_ir::catalogue::{self, FluentArgs, FluentValue};
use bloom_ir::document::Locale;

use crate::output::plain;

const ENGLISH: &str = include_str!("../messages/en.ftl");
const UKRAINIAN: &str = include_str!("../messages/uk.ftl");

/// The texts of one language.
pub(crate) struct Catalogue(catalogue::Catalogue);

impl Catalogue {
    /// Those of a language.
    pub(crate) fn of(locale: Locale) -> Self {
        let text = match locale {
            Locale::En => ENGLISH,
            Locale::Uk => UKRAINIAN,
        };
        Self(catalogue::Catalogue::read(locale, &[text]))
    }

    /// Which language.
    pub(crate) fn locale(&self) -> Locale {
        self.0.locale()
    }

    /// The text of a message, or of its attribute by `id.attribute`, if there is one.
    pub(crate) fn find(&self, id: &str, args: &FluentArgs<'_>) -> Option<String> {
        self.0.find(id, args)
    }

    /// The text of a message. Use it through [`text!`].
    pub(crate) fn format(&self, id: &str, args: &FluentArgs<'_>) -> String {
        self.find(id, args).unwrap_or_else(|| id.to_owned())
    }
}

/// The text of a message with its variables: `text!(catalogue, "run-id", run = id)`.
macro_rules! text {
    ($catalogue:expr, $id:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        #[allow(unused_mut, reason = "a message without variables")]
        let mut args = bloom_ir::catalogue::FluentArgs::new();
        $(args.set(stringify!($name), $crate::catalogue::Variable::from($value).0);)*
        $catalogue.format($id, &args)
    }};
}
pub(crate) use text;

/// What a message may name: numbers, which choose plurals, and texts, which are made harmless.
pub(crate) struct Variable(pub(crate) FluentValue<'static>);

impl<T: std::fmt::Display> From<Shown<T>> for Variable {
    fn from(value: Shown<T>) -> Self {
        Self(plain(&value.0.to_string()).into_owned().into())
    }
}

/// Something that is displayed in a message.
pub(crate) struct Shown<T>(pub(crate) T);

macro_rules! variables {
    ($($kind:ty => |$value:ident| $made:expr;)*) => {$(
        impl From<$kind> for Variable {
            fn from($value: $kind) -> Self {
                Self($made.into())
            }
        }
    )*};
}

variables! {
    &str => |value| plain(value).into_owned();
    &String => |value| plain(value).into_owned();
    String => |value| plain(&value).into_owned();
    usize => |value| value;
    u64 => |value| value;
    u32 => |value| value;
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use bloom_ir::catalogue::variables;

    use super::*;

    /// The ids that the sources name in `text!`.
    fn used(folder: &Path, ids: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, ids);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for call in source.split("text!(").skip(1) {
                // The id is the first string literal of the call.
                if let Some(id) = call.split('"').nth(1) {
                    ids.insert(id.to_owned());
                }
            }
        }
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_variables() {
        let (english, ukrainian) = (variables(ENGLISH).unwrap(), variables(UKRAINIAN).unwrap());
        let keys = |texts: &BTreeMap<String, _>| texts.keys().cloned().collect::<BTreeSet<String>>();
        assert_eq!(keys(&english).symmetric_difference(&keys(&ukrainian)).collect::<Vec<_>>(), Vec::<&String>::new());
        for (id, variables) in &english {
            assert_eq!(variables, &ukrainian[id], "{id}");
        }
    }

    #[test]
    fn every_text_that_the_code_names_is_there_and_no_other() {
        let mut named = BTreeSet::new();
        used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut named);
        named.retain(|id| id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c)));
        let known: BTreeSet<String> = variables(ENGLISH).unwrap().into_keys().collect();
        assert_eq!(named.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "named, not in the catalogue");
        // Help is found by the names of commands and arguments; the test in `help` looks at it.
        let by_name = |id: &&String| ["cmd", "kind-", "status-"].iter().any(|start| id.starts_with(start));
        let unused: Vec<_> = known.difference(&named).filter(|id| !by_name(id)).collect();
        assert_eq!(unused, Vec::<&String>::new(), "in the catalogue, never named");
    }

    /// The variables that a call of `text!` sets, from the text after its opening parenthesis.
    fn set_by(call: &str) -> BTreeSet<String> {
        let (mut depth, mut quoted, mut part, mut parts) = (0, false, String::new(), Vec::new());
        for c in call.chars() {
            match c {
                '"' => quoted = !quoted,
                '(' | '[' | '{' if !quoted => depth += 1,
                ')' | ']' | '}' if !quoted && depth == 0 => break,
                ')' | ']' | '}' if !quoted => depth -= 1,
                ',' if !quoted && depth == 0 => parts.push(std::mem::take(&mut part)),
                _ => {}
            }
            if c != ',' || depth > 0 || quoted {
                part.push(c);
            }
        }
        parts.push(part);
        parts.iter().skip(2).filter_map(|part| Some(part.split_once(" = ")?.0.trim().to_owned())).collect()
    }

    fn check_calls(folder: &Path, texts: &BTreeMap<String, BTreeSet<String>>, wrong: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                check_calls(&path, texts, wrong);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for call in source.split("text!(").skip(1) {
                let Some(id) = call.split('"').nth(1) else { continue };
                if texts.get(id).is_some_and(|variables| *variables != set_by(call)) {
                    wrong.push(format!("{id}: {:?} in {}", set_by(call), path.display()));
                }
            }
        }
    }

    #[test]
    fn no_text_is_told_with_a_placeholder_left_in_it() {
        let mut wrong = Vec::new();
        check_calls(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &variables(ENGLISH).unwrap(), &mut wrong);
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(set_by(r#"c, "a (b", x = f(1, "y = 2"), z = [3, 4])"#), BTreeSet::from(["x".into(), "z".into()]));
    }

    #[test]
    fn plurals_follow_the_language() {
        let ukrainian = Catalogue::of(Locale::Uk);
        let text = |count: usize| text!(ukrainian, "count-proposals", count = count);
        assert_eq!(
            [text(1), text(3), text(9), text(21)],
            ["1 пропозиція", "3 пропозиції", "9 пропозицій", "21 пропозиція"]
        );
    }
}
