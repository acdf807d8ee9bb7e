//! Keys whose byte order is the order of what they hold, part by part.

/// A key in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Ends with 00 00, and a NUL inside becomes 00 FF, so no text is the beginning of another.
    pub(super) fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xff);
            }
        }
        self.0.extend([0, 0]);
        self
    }

    pub(super) fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// Negative numbers before positive ones.
    pub(super) fn signed(self, number: i64) -> Self {
        self.number(number.cast_unsigned() ^ (1 << 63))
    }

    /// The signed number that a key begins with.
    pub(super) fn signed_at(key: &[u8]) -> Option<i64> {
        let number = u64::from_be_bytes(*key.first_chunk()?);
        Some((number ^ (1 << 63)).cast_signed())
    }

    /// The text that a key begins with, and what follows it.
    pub(super) fn text_at(key: &[u8]) -> Option<(String, &[u8])> {
        let (mut text, mut rest) = (Vec::new(), key);
        loop {
            rest = match rest {
                [0, 0, after @ ..] => return Some((String::from_utf8(text).ok()?, after)),
                [0, 0xff, after @ ..] => {
                    text.push(0);
                    after
                }
                [byte, after @ ..] if *byte != 0 => {
                    text.push(*byte);
                    after
                }
                _ => return None,
            };
        }
    }

    pub(super) fn bytes(mut self, bytes: &[u8; 32]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// The key itself, as [`Self::build`] gave it.
    pub(super) fn from(key: Vec<u8>) -> Self {
        Self(key)
    }

    pub(super) fn build(self) -> Vec<u8> {
        self.0
    }

    /// All keys that begin with these parts.
    pub(super) fn span(self) -> Span {
        let mut high = self.0.clone();
        while high.pop_if(|last| *last == 0xff).is_some() {}
        if let Some(last) = high.last_mut() {
            *last += 1;
        }
        Span { low: self.0, high }
    }
}

/// A range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first.
    pub(super) low: Vec<u8>,
    /// The first beyond; empty when nothing is beyond.
    pub(super) high: Vec<u8>,
}

impl Span {
    /// Without the keys before this one.
    pub(super) fn from(mut self, low: Key) -> Self {
        self.low = self.low.max(low.0);
        self
    }

    /// Without this key and those after it.
    pub(super) fn until(mut self, high: Key) -> Self {
        self.high = if self.high.is_empty() { high.0 } else { self.high.min(high.0) };
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.high.is_empty() && self.low >= self.high
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_their_parts(a in "[\0-\u{2}a]{0,4}", b in "[\0-\u{2}a]{0,4}", m: i64, n: i64) {
            let key = |text: &str, number| Key::new().text(text).signed(number);
            prop_assert_eq!(key(&a, m).cmp(&key(&b, n)), (a, m).cmp(&(b, n)));
        }

        #[test]
        fn texts_are_read_from_a_key(a in "[\0-\u{2}aї]{0,4}", b in "[\0-\u{2}aї]{0,4}") {
            let key = Key::new().text(&a).text(&b).build();
            let (first, rest) = Key::text_at(&key).unwrap();
            prop_assert_eq!((first, Key::text_at(rest)), (a, Some((b, &[][..]))));
            prop_assert_eq!(Key::text_at(&key[..key.len() - 1]).map(|(_, rest)| Key::text_at(rest)), Some(None));
        }

        #[test]
        fn span_holds_what_begins_with_it(a in "[\0-\u{2}a]{0,4}", b in "[\0-\u{2}a]{0,4}", n: u64) {
            let span = Key::new().text(&a).span();
            let key = Key::new().text(&b).number(n).build();
            prop_assert_eq!(span.low <= key && key < span.high, a == b);
        }
    }

    #[test]
    fn span_of_the_highest_bytes_has_no_end() {
        assert_eq!(Key::new().number(u64::MAX).span().high, Vec::<u8>::new());
        assert_eq!(Key::new().span().high, Vec::<u8>::new());
        assert_eq!(Key::new().number(0x01ff).span().high, [0, 0, 0, 0, 0, 0, 2]);
    }
}
