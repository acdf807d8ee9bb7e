//! How values are told to people: times, durations, money, counts, states.

use std::fmt::{Display, Write as _};

use bloom_interpreter::usd;
use bloom_ir::Value;

use super::texts::{Texts, text};
use crate::view;

/// A time of the store. The text is UTC; where there is a script, it is told in the viewer's own zone.
#[derive(Clone, Copy, Debug, askama::Template)]
#[template(
    source = r#"<time datetime="{{ self.iso() }}" title="{{ self.utc() }}">{{ self.utc() }}</time>"#,
    ext = "html"
)]
pub(super) struct Time(pub(super) i64);

impl askama::filters::HtmlSafe for Time {}

impl Time {
    fn iso(self) -> String {
        view::time(self.0)
    }

    /// To the second, and where it is.
    fn utc(self) -> String {
        let time = jiff::Timestamp::from_millisecond(self.0);
        time.map_or_else(|_| self.0.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
    }
}

/// A span of milliseconds, in the largest units that tell it well: `7 ms`, `1.25 s`, `3 min 20 s`; in Ukrainian `1,25 с`.
pub(super) fn duration(texts: &Texts, ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        0..1_000 => text!(texts, "span-ms", ms = ms),
        1_000..60_000 => text!(texts, "span-s", s = ms / 1_000, hundredths = format!("{:02}", ms % 1_000 / 10)),
        60_000..3_600_000 => text!(texts, "span-min", min = ms / 60_000, s = ms % 60_000 / 1_000),
        3_600_000..86_400_000 => text!(texts, "span-h", h = ms / 3_600_000, min = ms % 3_600_000 / 60_000),
        _ => text!(texts, "span-d", d = ms / 86_400_000, h = ms % 86_400_000 / 3_600_000),
    }
}

/// The same to the second, of what goes by while one looks.
pub(super) fn passing(texts: &Texts, ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..60_000 => text!(texts, "span-passing", s = ms / 1_000),
        ms => duration(texts, ms),
    }
}

/// Bytes, in the unit that tells them well: `64 MiB`, `1.5 KiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut unit = (1, "B");
    for larger in [(1 << 10, "KiB"), (1 << 20, "MiB"), (1 << 30, "GiB")] {
        if bytes >= larger.0 {
            unit = larger;
        }
    }
    let (size, name) = unit;
    match bytes % size * 10 / size {
        0 => format!("{} {name}", bytes / size),
        tenths => format!("{}.{tenths} {name}", bytes / size),
    }
}

/// Millionths of a US dollar.
pub(super) fn money(micro_usd: u64) -> String {
    format!("${}", usd(micro_usd))
}

/// The members of a map in a line, the first letters of each: what tells one run from another.
pub(super) fn brief(value: &Value) -> String {
    const MEMBER: usize = 48;
    const ALL: usize = 120;
    let Some(members) = value.as_map() else { return String::new() };
    let mut told = String::new();
    for (name, value) in members {
        let text = value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned);
        let separator = if told.is_empty() { "" } else { " · " };
        // Writing to a text does not fail.
        let _ = write!(told, "{separator}{name}: {}", cut(&text, MEMBER));
        if told.len() > 2 * ALL {
            break;
        }
    }
    cut(&told, ALL)
}

/// At most so many letters, on one line.
fn cut(text: &str, most: usize) -> String {
    let mut letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut told: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() {
        told.push('…');
    }
    told
}

/// A number with its digits in threes. Templates give references to references.
pub(super) fn number(number: impl Display) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push('\u{202f}');
        }
        written.push(digit);
    }
    written
}

/// A value as JSON that people read.
pub(super) fn json(value: &Value) -> String {
    serde_json::to_string_pretty(&value.to_json()).unwrap_or_default()
}

/// A text as a sentence of its own: with a capital letter, and a point where none ends it.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.trim().chars();
    let mut written: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    written.push_str(letters.as_str());
    if !written.is_empty() && !written.ends_with(['.', '!', '?', '…']) {
        written.push('.');
    }
    written
}

/// The first characters of an id, which tell it from others at a glance.
pub(super) fn short(id: &str) -> String {
    let plain = id.strip_prefix("sha256:").unwrap_or(id);
    match plain.char_indices().nth(12) {
        Some((at, _)) => format!("{}…", &plain[..at]),
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;

    #[test]
    fn spans_of_time_are_told_in_units_that_fit_and_in_the_words_of_the_language() {
        let spans = [-5, 7, 999, 1_250, 59_999, 200_000, 3_660_000, 90_000_000];
        let told = spans.map(|ms| duration(Texts::of(Locale::Uk), ms));
        assert_eq!(told, ["0 мс", "7 мс", "999 мс", "1,25 с", "59,99 с", "3 хв 20 с", "1 год 1 хв", "1 д 1 год"]);
        let told = spans.map(|ms| duration(Texts::of(Locale::En), ms));
        assert_eq!(told, ["0 ms", "7 ms", "999 ms", "1.25 s", "59.99 s", "3 min 20 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn money_is_told_to_the_last_millionth_where_there_is_one() {
        assert_eq!([0, 1_230_000, 1, 12_345_678].map(money), ["$0.00", "$1.23", "$0.000001", "$12.345678"]);
    }

    #[test]
    fn time_that_goes_by_is_told_to_the_second() {
        let told = [-5, 999, 59_999, 200_000].map(|ms| passing(Texts::of(Locale::En), ms));
        assert_eq!(told, ["0 s", "0 s", "59 s", "3 min 20 s"]);
    }

    #[test]
    fn bytes_are_told_in_units_that_fit() {
        assert_eq!([0, 1_023, 1_536, 64 << 20, 3 << 30].map(bytes), ["0 B", "1023 B", "1.5 KiB", "64 MiB", "3 GiB"]);
    }

    #[test]
    fn a_map_is_told_in_a_line() {
        let map = |json: serde_json::Value| brief(&Value::from(json));
        assert_eq!(map(serde_json::json!({ "a": "один\nдва", "b": [1] })), "a: один два · b: [1]");
        assert_eq!(map(serde_json::json!({ "a": "ї".repeat(60) })), format!("a: {}…", "ї".repeat(48)));
        let many: serde_json::Map<_, _> = (0..900).map(|at| (format!("m{at}"), at.into())).collect();
        assert_eq!(map(many.into()).chars().count(), 121);
        assert_eq!(map(serde_json::json!({})), "");
    }

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!([7, 1_000, 1_234_567].map(number), ["7", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }

    #[test]
    fn a_text_becomes_a_sentence() {
        assert_eq!(
            ["it took too long", " забракло часу.", ""].map(sentence),
            ["It took too long.", "Забракло часу.", ""]
        );
    }

    #[test]
    fn an_id_is_cut_between_letters() {
        assert_eq!(short("sha256:0123456789abcdef"), "0123456789ab…");
        assert_eq!(short("ідентифікатор-запуску"), "ідентифікато…");
        assert_eq!(short("r-1"), "r-1");
    }
}
