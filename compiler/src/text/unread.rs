//! What a text that could not be read may have set: whoever uses it is not told that nothing does.

use super::limits::{Event, Scanner};
use super::literal::name;

/// Every word of a text, where each may be set: the head of a loop, parameters.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut scanner = Scanner::new(text);
    while let Some((at, event)) = scanner.next() {
        if event == Event::Other('a') {
            words.push(name(&text[at..scanner.position]));
        }
    }
    words
}

/// The words before the arrows of a text, and those at the heads of its loops.
pub(crate) fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut target: Option<&str> = None;
    let mut after_dot = false;
    let mut scanner = Scanner::new(text);
    while let Some((at, event)) = scanner.next() {
        let rest = &text[at..];
        match event {
            // Of `x.y.z ←`, `x` is set.
            Event::Other('a') => {
                if !std::mem::take(&mut after_dot) {
                    target = Some(&text[at..scanner.position]);
                }
            }
            Event::Other('.') => after_dot = true,
            Event::Other(' ' | '\t' | '\u{a0}') => {}
            other => {
                let arrow = match other {
                    Event::Other('←') => true,
                    Event::Other('=') => !rest.starts_with("=="),
                    Event::Other('<') => rest.starts_with("<-"),
                    Event::Other(':') => rest.starts_with(":="),
                    _ => false,
                };
                targets.extend(target.take().filter(|_| arrow).map(name));
                after_dot = false;
            }
        }
    }
    for line in text.lines().map(str::trim_start) {
        if ["ДЛЯ", "FOR", "ПОВТОРЮВАТИ", "REPEAT"].iter().any(|word| line.starts_with(word)) {
            targets.extend(words(line));
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_an_arrow_may_be_set() {
        assert_eq!(targets("а.б ← 5 5\nc = )\nd == 3\nпам’ять <- x y"), ["а", "c", "пам'ять"]);
        assert_eq!(targets("FOR EACH x IN )("), ["FOR", "EACH", "x", "IN"]);
        assert_eq!(words("key, value; 5 5"), ["key", "value", "5", "5"]);
    }
}
