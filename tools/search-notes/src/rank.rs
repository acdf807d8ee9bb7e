//! Which notes are about what was asked: Okapi BM25, where a word in a title counts as several in the text.

use note::Note;

use crate::query::Query;
use crate::words::each_wanted_word;

/// How soon more of the same word says no more; how much the length of a note matters.
const K1: f64 = 1.2;
const B: f64 = 0.75;

const TITLE: f64 = 4.0;
const TAG: f64 = 3.0;
const SLUG: f64 = 2.0;
const FIRST_HEADING: f64 = 3.0;
const HEADING: f64 = 2.0;
const TEXT: f64 = 1.0;

/// What was seen of all notes.
#[derive(Debug)]
pub struct Collection {
    notes: usize,
    words: u64,
    /// In how many notes each word that is looked for is.
    containing: Vec<usize>,
    found: Vec<Found>,
}

/// A note with at least one of the words.
#[derive(Debug)]
struct Found {
    path: String,
    modified: i64,
    words: u32,
    /// Of each word that is looked for, how often it is there, weighted.
    frequencies: Vec<f64>,
}

/// A note that was found.
#[derive(Debug, PartialEq)]
pub struct Ranked {
    /// Below the root.
    pub path: String,
    /// Unix milliseconds.
    pub modified: i64,
    /// How well it fits; the more the better, with three digits.
    pub score: f64,
}

impl Collection {
    /// Of no notes, for a query with so many words.
    pub fn new(terms: usize) -> Self {
        Self { notes: 0, words: 0, containing: vec![0; terms], found: Vec::new() }
    }

    /// Looks at a note.
    pub fn add(&mut self, path: &str, slug: &str, modified: i64, note: &Note<'_>, query: &mut Query) {
        let mut frequencies = vec![0.0; query.len()];
        let first_letters = query.first_letters();
        let may_begin = |first: char| first_letters.contains(&first);
        let mut count = |text: &str, weight: f64| {
            let mut words = 0_u32;
            each_wanted_word(text, may_begin, |word, _| {
                words += 1;
                query.each_match(word, |term, exactness| frequencies[term] += weight * exactness);
            });
            words
        };
        count(slug, SLUG);
        if let Some(title) = &note.front_matter.title {
            count(title, TITLE);
        }
        for tag in &note.front_matter.tags {
            count(tag, TAG);
        }
        let words = sections(note.body).map(|(text, weight)| count(text, weight)).sum();
        self.notes += 1;
        self.words += u64::from(words);
        if frequencies.iter().all(|frequency| *frequency == 0.0) {
            return;
        }
        for (containing, frequency) in self.containing.iter_mut().zip(&frequencies) {
            *containing += usize::from(*frequency > 0.0);
        }
        self.found.push(Found { path: path.to_owned(), modified, words, frequencies });
    }

    /// The notes that were found, the best first; those that fit as well as each other in the order of their paths.
    #[expect(clippy::cast_precision_loss, reason = "there are not 2^52 notes")]
    pub fn ranked(self) -> Vec<Ranked> {
        let Self { notes, words, containing, found } = self;
        let usual = (words as f64 / notes.max(1) as f64).max(1.0);
        let rarity: Vec<f64> = containing
            .iter()
            .map(|containing| (1.0 + (notes as f64 - *containing as f64 + 0.5) / (*containing as f64 + 0.5)).ln())
            .collect();
        let mut ranked: Vec<Ranked> = found
            .into_iter()
            .map(|Found { path, modified, words, frequencies }| {
                let length = K1 * (1.0 - B + B * f64::from(words) / usual);
                let of = |(frequency, rarity): (&f64, &f64)| rarity * frequency * (K1 + 1.0) / (frequency + length);
                let score: f64 = frequencies.iter().zip(&rarity).map(of).sum();
                Ranked { path, modified, score: (score * 1000.0).round() / 1000.0 }
            })
            .collect();
        ranked.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.path.cmp(&other.path)));
        ranked
    }
}

/// The lines of a text, with what their words count; lines that count the same are together.
fn sections(body: &str) -> impl Iterator<Item = (&str, f64)> {
    let mut rest = body;
    let mut is_first = true;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let heading = is_heading(rest);
        let end = if heading {
            rest.find('\n').map_or(rest.len(), |at| at + 1)
        } else {
            rest.match_indices("\n#").map(|(at, _)| at + 1).find(|at| is_heading(&rest[*at..])).unwrap_or(rest.len())
        };
        let (section, after) = rest.split_at(end);
        rest = after;
        let weight = match (heading, is_first) {
            (true, true) => FIRST_HEADING,
            (true, false) => HEADING,
            (false, _) => TEXT,
        };
        is_first &= !heading;
        Some((section, weight))
    })
}

/// Whether a Markdown heading begins here.
fn is_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&level) && line[level..].starts_with([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(query: &str, notes: &[(&str, &str)]) -> Vec<String> {
        let mut query = Query::parse(query);
        let mut collection = Collection::new(query.len());
        for (path, text) in notes {
            collection.add(path, path.trim_end_matches(".md"), 0, &Note::parse(text), &mut query);
        }
        collection.ranked().into_iter().map(|note| note.path).collect()
    }

    #[test]
    fn titles_and_headings_count_more_than_text() {
        let notes = [
            ("a.md", "Про смичок тут одне слово."),
            ("b.md", "---\ntitle: Смичок\n---\nТекст про інше тут є."),
            ("c.md", "# Вступ\n## Смичок\nТекст про інше тут."),
            ("d.md", "Зовсім про інше, і довго."),
        ];
        assert_eq!(rank("смичок", &notes), ["b.md", "c.md", "a.md"]);
    }

    #[test]
    fn a_rare_word_counts_more_than_a_frequent_one() {
        let notes = [
            ("a.md", "звук звук звук тут"),
            ("b.md", "вібрато один раз тут"),
            ("c.md", "звук і тиша тут"),
            ("d.md", "знову звук тут є"),
        ];
        assert_eq!(rank("звук вібрато", &notes)[0], "b.md");
    }

    #[test]
    fn a_short_note_counts_more_than_a_long_one() {
        let long = format!("смичок {}", "слово ".repeat(500));
        assert_eq!(rank("смичок", &[("a.md", &long), ("b.md", "смичок і слово")]), ["b.md", "a.md"]);
    }

    #[test]
    fn notes_that_fit_alike_come_in_the_order_of_their_paths() {
        let notes = [("б.md", "смичок"), ("а.md", "смичок"), ("c.md", "смичок")];
        assert_eq!(rank("смичок", &notes), ["c.md", "а.md", "б.md"]);
    }

    #[test]
    fn sections_are_the_whole_text() {
        for body in ["# a\nb\n#no\n\n## c\n### d", "", "#", "text\n# ", "#a\n", "\n# x"] {
            assert_eq!(sections(body).map(|(text, _)| text).collect::<String>(), body);
        }
        let weights: Vec<f64> = sections("# a\ntext\n## b").map(|(_, weight)| weight).collect();
        assert_eq!(weights, [FIRST_HEADING, TEXT, HEADING]);
    }
}
