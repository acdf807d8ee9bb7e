//! The pages of the error codes, each in two languages.

use bloom_ir::document::Locale;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// What begins the second half of a page.
const UKRAINIAN: &str = "\n## Українською\n";

/// The page of a code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) code: &'static str,
    /// All of it, as Markdown.
    pub(crate) markdown: &'static str,
}

/// What a page says in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    /// What is wrong, in a sentence.
    pub(crate) title: &'static str,
    /// What follows it, as Markdown.
    pub(crate) body: &'static str,
}

impl Page {
    /// The page of a code, in capitals or not.
    pub(crate) fn of(code: &str) -> Option<Self> {
        let code = code.to_ascii_uppercase();
        let (code, markdown) = *PAGES.iter().find(|(known, _)| *known == code)?;
        Some(Self { code, markdown })
    }

    /// What it says in a language. The example stands in the English half and belongs to both.
    pub(crate) fn text(self, locale: Locale) -> Text {
        let (english, ukrainian) = self.markdown.split_once(UKRAINIAN).unwrap_or((self.markdown, self.markdown));
        let half = match locale {
            Locale::En => english,
            Locale::Uk => ukrainian,
        };
        let (title, body) = half.trim().split_once("\n\n").unwrap_or((half, ""));
        // `# D001: …` begins the English half only.
        Text {
            title: title.split_once(": ").filter(|(head, _)| head.starts_with('#')).map_or(title, |(_, title)| title),
            body,
        }
    }

    /// What is between the fences of its example.
    pub(crate) fn example(self) -> Option<&'static str> {
        let (_, fenced) = self.markdown.split_once("\n```")?;
        let (_, code) = fenced.split_once('\n')?;
        code.split_once("\n```").map(|(code, _)| code)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn every_page_says_what_is_wrong_in_both_languages_and_gives_an_example() {
        assert!(PAGES.len() > 100);
        for (code, _) in PAGES {
            let page = Page::of(code).unwrap();
            let (english, ukrainian) = (page.text(Locale::En), page.text(Locale::Uk));
            assert!(!english.title.contains('#') && !ukrainian.title.contains('#'), "{code}: {ukrainian:?}");
            assert!(english.body.starts_with("**Why.**") && ukrainian.body.starts_with("**Чому.**"), "{code}");
            assert!(page.example().is_some_and(|example| !example.trim().is_empty()), "{code}");
        }
    }

    /// `BLESS=1 cargo test -p bloom page` writes it anew.
    #[test]
    fn the_list_of_codes_is_that_of_the_pages() {
        let mut list = String::from(
            "# Error codes\n\n`D…` are problems of diagrams, pseudocode and what is written in them; `I…` are those of IR documents.\n\
             `bloom explain CODE` prints a page. Codes are stable: one that is no longer used is not given to anything else.\n\n\
             | code | what is wrong | що не так |\n|---|---|---|\n",
        );
        for (code, _) in PAGES {
            let page = Page::of(code).unwrap();
            let cell = |locale| page.text(locale).title.replace('|', "\\|");
            writeln!(list, "| [{code}]({code}.md) | {} | {} |", cell(Locale::En), cell(Locale::Uk)).unwrap();
        }
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/error-codes/README.md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &list).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(written, list, "write it anew: BLESS=1 cargo test -p bloom page");
    }

    #[test]
    fn every_code_has_its_page() {
        for code in bloom_compiler::CODES.iter().chain(bloom_ir::validate::codes::ALL) {
            assert!(Page::of(code.0).is_some(), "{code}");
        }
    }
}
