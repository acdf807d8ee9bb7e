//! A header with secrets in it.

use std::collections::BTreeMap;
use std::fmt;

use super::Setting;
use crate::http::is_reserved;

/// The value of a header field that the host adds: text with `{key}` where a setting goes, as `Bearer {api_key}`.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderTemplate(Vec<Piece>);

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Setting(String),
}

/// Why there can be no such header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderTemplateError {
    /// The name is none that a header can have.
    #[error("{0:?} is no name of a header field")]
    Name(String),
    /// The host sets this field itself.
    #[error("the header field `{0}` is set by the host alone")]
    Reserved(String),
    /// A brace without its other one, or nothing between them.
    #[error("the header field `{0}` has a brace that is not part of a `{{key}}`")]
    Brace(String),
    /// Text that cannot be in a header.
    #[error("the header field `{0}` has characters that a header cannot have: use visible ASCII and spaces")]
    Text(String),
}

impl HeaderTemplate {
    /// Reads the text of the header field of a name.
    pub fn parse(name: &str, text: &str) -> Result<Self, HeaderTemplateError> {
        let lower = name.to_ascii_lowercase();
        if hyper::header::HeaderName::from_bytes(lower.as_bytes()).is_err() {
            return Err(HeaderTemplateError::Name(name.to_owned()));
        }
        if is_reserved(&lower) {
            return Err(HeaderTemplateError::Reserved(lower));
        }
        let brace = || HeaderTemplateError::Brace(lower.clone());
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (key, after) = after.split_once('}').ok_or_else(brace)?;
            if key.is_empty() || key.contains('{') || before.contains('}') {
                return Err(brace());
            }
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Setting(key.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(brace());
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        if text.bytes().any(|byte| !matches!(byte, b' '..=b'~')) {
            return Err(HeaderTemplateError::Text(lower));
        }
        Ok(Self(pieces))
    }

    /// The settings that it needs.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Setting(key) => Some(key.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The value; none where a setting is missing.
    pub(crate) fn fill(&self, settings: &BTreeMap<String, Setting>) -> Option<String> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Setting(key) => settings.get(key).map(|setting| setting.expose().to_owned()),
        };
        self.0.iter().map(piece).collect()
    }
}

/// As it was written: with the keys, not with the values.
impl fmt::Display for HeaderTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => formatter.write_str(text),
            Piece::Setting(key) => write!(formatter, "{{{key}}}"),
        })
    }
}

/// A text that stands where a `{key}` should be may be the secret itself.
impl fmt::Debug for HeaderTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.keys()).finish()
    }
}
