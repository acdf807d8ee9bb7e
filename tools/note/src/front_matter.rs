//! The fields of front matter that tools know.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser};

/// What front matter says, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// `title`
    pub title: Option<String>,
    /// `updated`, as it stands there: see [`unix_milliseconds`](crate::unix_milliseconds).
    pub updated: Option<String>,
    /// `tags`: a list, or one line with commas; without `#`, each once.
    pub tags: Vec<String>,
}

impl FrontMatter {
    /// Reads YAML; none where it is no mapping. What follows a mistake is not read.
    pub(crate) fn parse(yaml: &str) -> Option<Self> {
        let mut fields = Self::default();
        let mut key: Option<Cow<'_, str>> = None;
        // The last value, taken when the parser has got past it: in `title: one: two` the value is not `one`.
        let mut last: Option<(Cow<'_, str>, Cow<'_, str>, bool)> = None;
        let mut is_mapping = false;
        // How deep the parser is below the fields.
        let mut depth = 0_usize;
        for event in Parser::new_from_str(yaml) {
            let Ok((event, _)) = event else { break };
            if let Some((key, value, in_list)) = last.take() {
                fields.set(&key, &value, in_list);
            }
            if !is_mapping {
                match event {
                    Event::MappingStart(..) => is_mapping = true,
                    Event::StreamStart | Event::DocumentStart(_) => {}
                    _ => return None,
                }
                continue;
            }
            match event {
                Event::Scalar(name, ..) if depth == 0 && key.is_none() => key = Some(name),
                Event::Scalar(value, ..) if depth == 0 => last = Some((key.take().unwrap_or_default(), value, false)),
                Event::Scalar(value, ..) if depth == 1 => last = Some((key.clone().unwrap_or_default(), value, true)),
                Event::Alias(_) if depth == 0 => key = after(key.as_ref()),
                Event::SequenceStart(..) => depth += 1,
                // What is in a mapping is no value of the field itself.
                Event::MappingStart(..) => depth += 2,
                Event::SequenceEnd | Event::MappingEnd => {
                    let levels = if matches!(event, Event::MappingEnd) { 2 } else { 1 };
                    let Some(outer) = depth.checked_sub(levels) else { break };
                    depth = outer;
                    if depth == 0 {
                        key = after(key.as_ref());
                    }
                }
                _ => {}
            }
        }
        is_mapping.then_some(fields)
    }

    fn set(&mut self, key: &str, value: &str, in_list: bool) {
        let value = value.trim();
        match key {
            "title" if !in_list => self.title = Some(value.to_owned()),
            "updated" if !in_list => self.updated = Some(value.to_owned()),
            "tags" if in_list => self.tag(value),
            "tags" => value.split(',').for_each(|tag| self.tag(tag)),
            _ => {}
        }
    }

    fn tag(&mut self, tag: &str) {
        let tag = tag.trim().trim_start_matches('#');
        if !tag.is_empty() && !matches!(tag, "null" | "~") && self.tags.iter().all(|known| known != tag) {
            self.tags.push(tag.to_owned());
        }
    }
}

/// The key that holds after something that is no scalar: a value ends its key, and a key of that kind is none that we know.
fn after<'a>(key: Option<&Cow<'a, str>>) -> Option<Cow<'a, str>> {
    if key.is_some() { None } else { Some("".into()) }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn tags(yaml: &str) -> Vec<String> {
        FrontMatter::parse(yaml).unwrap().tags
    }

    #[test]
    fn known_fields_are_read_and_others_skipped() {
        let yaml = "aliases: [x, {title: wrong}]\ntitle: \"Соната: перша\"\nupdated: 2026-02-14T08:02:34Z\n\
                    meta:\n  title: wrong\n  tags: [wrong]\ntags:\n  - бароко\n  - '#bach'\n  - бароко\n  - [deep]\n# comment\nlast: 1\n";
        let fields = FrontMatter::parse(yaml).unwrap();
        assert_eq!(fields.title.as_deref(), Some("Соната: перша"));
        assert_eq!(fields.updated.as_deref(), Some("2026-02-14T08:02:34Z"));
        assert_eq!(fields.tags, ["бароко", "bach"]);
    }

    #[test]
    fn tags_come_in_every_usual_form() {
        assert_eq!(tags("tags: [а, b]"), ["а", "b"]);
        assert_eq!(tags("tags: 'а, b , #c'"), ["а", "b", "c"]);
        assert_eq!(tags("tags: один"), ["один"]);
        assert!(tags("tags:").is_empty());
        assert!(tags("tags: []").is_empty());
    }

    #[test]
    fn what_precedes_a_mistake_is_read() {
        let fields = FrontMatter::parse("tags: [a]\ntitle: one: two\nupdated: 2026-01-01\n").unwrap();
        assert_eq!(fields, FrontMatter { tags: vec!["a".into()], ..FrontMatter::default() });
    }

    #[test]
    fn keys_that_are_no_text_do_not_shift_the_others() {
        let fields =
            FrontMatter::parse("? [x, y]\n: title\n? {a: b}\n: [tags]\n&k updated: 2026-01-01\n*k : title\ntitle: T\n");
        assert_eq!(fields.unwrap().title.as_deref(), Some("T"));
    }

    #[test]
    fn aliases_of_aliases_do_not_grow() {
        let mut yaml = "a0: &a0 [x, x]\n".to_owned();
        for level in 1..60 {
            writeln!(yaml, "a{level}: &a{level} [*a{0}, *a{0}]", level - 1).unwrap();
        }
        yaml += "tags: *a59\ntitle: T\n";
        assert_eq!(FrontMatter::parse(&yaml).unwrap().title.as_deref(), Some("T"));
    }

    #[test]
    fn what_is_no_mapping_is_no_front_matter() {
        for yaml in ["", "text", "- a", "# comment", ": :"] {
            let fields = FrontMatter::parse(yaml);
            assert!(fields.is_none_or(|fields| fields == FrontMatter::default()), "{yaml}");
        }
    }
}
