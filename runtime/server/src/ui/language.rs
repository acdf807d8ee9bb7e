//! The languages of the pages.

use axum::http::{HeaderMap, header};

/// A language that there are texts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Ukrainian,
}

impl Language {
    /// The one that the browser's person likes better (RFC 9110 §12.5.4); English where nothing is said.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let weight = |wanted: &str| {
            accepted
                .split(',')
                .filter_map(|part| {
                    let mut part = part.split(';').map(str::trim);
                    let language = part.next()?.split('-').next()?;
                    let weight = part.find_map(|each| each.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok())?;
                    language.eq_ignore_ascii_case(wanted).then_some(weight)
                })
                .fold(0.0_f32, f32::max)
        };
        if weight("uk") > weight("en") { Self::Ukrainian } else { Self::English }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_liked_better() {
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            Language::of(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]))
        };
        assert_eq!(of("uk-UA,uk;q=0.9,en;q=0.8"), Language::Ukrainian);
        assert_eq!(of("en-GB, uk;q=0.5"), Language::English);
        assert_eq!(of("de, UK;q=0.1"), Language::Ukrainian);
        assert_eq!(of("de"), Language::English);
        assert_eq!(of("uk;q=x, ;;,"), Language::English);
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }
}
