//! The texts of the pages, in Fluent catalogues: one for each language, with the same messages and variables.

use std::sync::LazyLock;

use bloom_ir::catalogue::{Catalogue, FluentArgs, FluentValue};
use bloom_ir::document::Locale;

const ENGLISH: &str = include_str!("../../messages/en.ftl");
const UKRAINIAN: &str = include_str!("../../messages/uk.ftl");

/// The texts of one language.
#[derive(Debug)]
pub(super) struct Texts(Catalogue);

static ALL: LazyLock<[Texts; 2]> = LazyLock::new(|| {
    [(Locale::En, ENGLISH), (Locale::Uk, UKRAINIAN)].map(|(locale, text)| Texts(Catalogue::read(locale, &[text])))
});

impl Texts {
    /// Those of a language.
    pub(super) fn of(locale: Locale) -> &'static Self {
        let [english, ukrainian] = &*ALL;
        match locale {
            Locale::En => english,
            Locale::Uk => ukrainian,
        }
    }

    /// Which language.
    pub(super) fn locale(&self) -> Locale {
        self.0.locale()
    }

    /// A text without variables, if there is one.
    pub(super) fn find(&self, id: &str) -> Option<String> {
        self.0.find(id, &FluentArgs::new())
    }

    /// A text without variables.
    pub(super) fn get(&self, id: &str) -> String {
        self.format(id, &FluentArgs::new())
    }

    /// A text with its variables; its id where it is missing. Use it through [`text!`].
    pub(super) fn format(&self, id: &str, args: &FluentArgs<'_>) -> String {
        self.0.find(id, args).unwrap_or_else(|| id.to_owned())
    }
}

/// What a text may name: numbers, which choose plurals, and other texts.
pub(super) struct Variable(pub(super) FluentValue<'static>);

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
    &str => |value| value.to_owned();
    &String => |value| value.clone();
    String => |value| value;
    usize => |value| value;
    u64 => |value| value;
    &u64 => |value| *value;
    u32 => |value| value;
    i64 => |value| value;
}

/// The text of a message with its variables: `text!(shell.texts, "run-by", name = by)`.
macro_rules! text {
    ($texts:expr, $id:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        #[allow(unused_mut, reason = "a message without variables")]
        let mut args = bloom_ir::catalogue::FluentArgs::new();
        $(args.set(stringify!($name), $crate::ui::texts::Variable::from($value).0);)*
        $texts.format($id, &args)
    }};
}
pub(super) use text;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use bloom_ir::catalogue::variables;

    use super::*;

    /// For each message the variables that it names.
    fn texts(catalogue: &str) -> BTreeMap<String, BTreeSet<String>> {
        let texts = variables(catalogue).unwrap();
        let attribute = texts.keys().find(|id| id.contains('.'));
        assert_eq!(attribute, None, "an attribute, which nobody asks for");
        texts
    }

    fn files(folder: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(path.to_str().unwrap(), found);
            } else {
                found.push(path);
            }
        }
    }

    /// What names texts: the sources of the pages, up to their tests, and the templates.
    fn sources() -> Vec<(PathBuf, String)> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        for folder in ["src/ui", "templates"] {
            files(here.join(folder).to_str().unwrap(), &mut found);
        }
        found.sort();
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        let is_said = |line: &&str| !line.trim_start().starts_with("//");
        let own = |text: String| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            code.lines().filter(is_said).collect::<Vec<_>>().join("\n")
        };
        found.iter().map(|path| (path.clone(), own(read(path)))).collect()
    }

    /// The literals that follow these words, each of which is an argument, and must be one.
    fn first_literals<'s>(source: &'s str, word: &str) -> Vec<&'s str> {
        let after = source.split(word).skip(1);
        after.filter_map(|rest| rest.strip_prefix('"')?.split_once('"')).map(|(literal, _)| literal).collect()
    }

    /// The calls of `text!`: the id, and what the call says, from behind its opening parenthesis.
    fn calls(source: &str) -> Vec<(&str, &str)> {
        let calls = source.split("text!(").skip(1).filter(|call| !call.starts_with('$'));
        calls.filter_map(|call| Some((call.split('"').nth(1)?, call))).collect()
    }

    fn is_id(text: &str) -> bool {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_variables() {
        let (english, ukrainian) = (texts(ENGLISH), texts(UKRAINIAN));
        let ids = |texts: &BTreeMap<String, _>| texts.keys().cloned().collect::<BTreeSet<String>>();
        assert_eq!(ids(&english).symmetric_difference(&ids(&ukrainian)).collect::<Vec<_>>(), Vec::<&String>::new());
        for (id, variables) in &english {
            assert_eq!(variables, &ukrainian[id], "{id}");
        }
    }

    #[test]
    fn every_text_that_a_page_names_is_there_and_no_other() {
        let known: BTreeSet<String> = texts(ENGLISH).into_keys().collect();
        let (mut named, mut literals) = (BTreeSet::new(), BTreeSet::new());
        // What the ids of several texts begin with, in pages that tell one of them; others are made in other ways.
        let (mut kinds, mut others): (BTreeSet<String>, BTreeSet<String>) = Default::default();
        for (path, source) in sources() {
            let at = path.display().to_string();
            let plain = [".t(", "texts.get("].map(|word| first_literals(&source, word)).concat();
            let told = calls(&source).into_iter().map(|(id, _)| id);
            named.extend(plain.into_iter().chain(told).map(|id| (id.to_owned(), at.clone())));
            // Where an id stands alone, as in a table of them, it counts as used.
            literals.extend(source.split('"').filter(|text| is_id(text)).map(str::to_owned));
            for word in [".named(", "parts::state(shell, ", "parts::state(self.shell, "] {
                kinds.extend(first_literals(&source, word).into_iter().map(|kind| format!("{kind}-")));
            }
            if path.extension().is_some_and(|kind| kind == "rs") {
                let made = first_literals(&source, "format!(").into_iter().filter_map(|made| made.split_once('{'));
                others.extend(made.map(|(kind, _)| kind.to_owned()).filter(|kind| is_id(kind) && kind.ends_with('-')));
            }
        }
        let missing: Vec<_> = named.iter().filter(|(id, _)| !known.contains(id)).collect();
        assert!(missing.is_empty(), "named, not in the catalogues: {missing:?}");
        let is_used =
            |id: &&String| literals.contains(*id) || kinds.iter().chain(&others).any(|kind| id.starts_with(kind));
        let unused: Vec<_> = known.iter().filter(|id| !is_used(id)).collect();
        assert!(unused.is_empty(), "in the catalogues, never named: {unused:?}");
        let empty: Vec<_> = kinds.iter().filter(|kind| !known.iter().any(|id| id.starts_with(*kind))).collect();
        assert!(empty.is_empty(), "no text begins so: {empty:?}");
    }

    /// The variables that a call of `text!` sets.
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

    #[test]
    fn no_text_is_told_with_a_placeholder_left_in_it() {
        let texts = texts(ENGLISH);
        let mut wrong = Vec::new();
        for (path, source) in sources() {
            for (id, call) in calls(&source) {
                if texts.get(id).is_some_and(|variables| *variables != set_by(call)) {
                    wrong.push(format!("{id}: {:?} in {}", set_by(call), path.display()));
                }
            }
            for id in [".t(", "texts.get("].map(|word| first_literals(&source, word)).concat() {
                if texts.get(id).is_some_and(|variables| !variables.is_empty()) {
                    wrong.push(format!("{id}: nothing is set in {}", path.display()));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(set_by(r#"c, "a (b", x = f(1, "y = 2"), z = [3, 4])"#), BTreeSet::from(["x".into(), "z".into()]));
    }

    #[test]
    fn texts_have_their_variables_and_no_marks_around_them() {
        let ukrainian = Texts::of(Locale::Uk);
        assert_eq!(text!(ukrainian, "runs-total", count = "7"), "усього 7");
        assert_eq!(ukrainian.find("no-such-text"), None);
    }
}
