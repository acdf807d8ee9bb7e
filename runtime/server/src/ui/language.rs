//! Which language a browser's person likes better.

use axum::http::{HeaderMap, header};
use bloom_ir::document::Locale;

/// The language that `Accept-Language` prefers (RFC 9110 §12.5.4); English where nothing is said.
pub(crate) fn preferred(headers: &HeaderMap) -> Locale {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let weight = |wanted: Locale| {
        accepted
            .split(',')
            .filter_map(|part| {
                let mut part = part.split(';').map(str::trim);
                let language = part.next()?.split('-').next()?;
                let weight = part.find_map(|each| each.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok())?;
                language.eq_ignore_ascii_case(wanted.tag()).then_some(weight)
            })
            .fold(0.0_f32, f32::max)
    };
    if weight(Locale::Uk) > weight(Locale::En) { Locale::Uk } else { Locale::En }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_liked_better() {
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            preferred(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]))
        };
        assert_eq!(of("uk-UA,uk;q=0.9,en;q=0.8"), Locale::Uk);
        assert_eq!(of("en-GB, uk;q=0.5"), Locale::En);
        assert_eq!(of("de, UK;q=0.1"), Locale::Uk);
        assert_eq!(of("de"), Locale::En);
        assert_eq!(of("uk;q=x, ;;,"), Locale::En);
        assert_eq!(preferred(&HeaderMap::new()), Locale::En);
    }
}
