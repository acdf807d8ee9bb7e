//! Which language to speak.

use std::ffi::OsString;

use bloom_ir::document::Locale;

/// From `--lang`, else from the first of `LC_ALL`, `LC_MESSAGES`, `LANG` that is set (POSIX), else English.
///
/// The arguments are looked at before they are parsed, because help and usage errors are in that language too.
pub(crate) fn choose(arguments: &[OsString], variable: impl Fn(&str) -> Option<String>) -> Locale {
    asked(arguments)
        .or_else(|| ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| variable(name).filter(|v| !v.is_empty())))
        .map_or(Locale::En, |name| named(&name))
}

fn asked(arguments: &[OsString]) -> Option<String> {
    let mut arguments =
        arguments.iter().map_while(|argument| argument.to_str()).take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--lang") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        // `bloom tool new --lang rust` is about another kind of language.
        if let Some(value) = value.filter(|value| Locale::tagged(value).is_some()) {
            return Some(value.to_owned());
        }
    }
    None
}

fn named(name: &str) -> Locale {
    name.split(['_', '.', '@', '-']).next().and_then(Locale::tagged).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(arguments: &[&str], variables: &[(&str, &str)]) -> Locale {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        choose(&arguments, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_option_wins_over_the_environment() {
        assert_eq!(chosen(&["bloom", "--lang", "uk"], &[("LANG", "en_GB.UTF-8")]), Locale::Uk);
        assert_eq!(chosen(&["bloom", "runs", "--lang=en"], &[("LC_ALL", "uk_UA.UTF-8")]), Locale::En);
        assert_eq!(chosen(&["bloom", "run", "--", "--lang", "uk"], &[]), Locale::En);
    }

    #[test]
    fn another_kind_of_language_is_passed_over() {
        let new = ["bloom", "tool", "new", "a", "--lang", "rust"];
        assert_eq!(chosen(&new, &[("LANG", "uk_UA.UTF-8")]), Locale::Uk);
        assert_eq!(chosen(&[&["bloom", "--lang", "uk"], &new[1..]].concat(), &[]), Locale::Uk);
    }

    #[test]
    fn the_environment_is_read_in_posix_order() {
        assert_eq!(chosen(&[], &[("LC_ALL", "uk_UA.UTF-8"), ("LANG", "en_US")]), Locale::Uk);
        assert_eq!(chosen(&[], &[("LC_ALL", ""), ("LC_MESSAGES", "C"), ("LANG", "uk_UA")]), Locale::En);
        assert_eq!(chosen(&[], &[("LANG", "uk_UA.UTF-8")]), Locale::Uk);
        assert_eq!(chosen(&[], &[]), Locale::En);
    }
}
