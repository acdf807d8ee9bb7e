//! Bodies, read member by member: all that is wrong with one is told at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use super::error::Refused;
use crate::error::Code;
use crate::extract::{Body, content_type};

/// A body that is an object. An absent one is empty.
#[derive(Debug, Default)]
pub(crate) struct Form {
    members: Map<String, Value>,
    /// Under which member of the body this stands, if it does.
    under: Option<String>,
    wrong: BTreeMap<String, Vec<String>>,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let mime = content_type(request.headers());
        let Body(bytes) = Body::from_request(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        if mime.is_some_and(|mime| mime != "application/json" && !mime.ends_with("+json")) {
            return Err(Refused::new(Code::UnsupportedMediaType.status(), "The body must be application/json"));
        }
        let form_error = |message: String| Refused::fields(&[message], &BTreeMap::new());
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(members)) => Ok(Self { members, ..Self::default() }),
            Ok(_) => Err(form_error("Expected object".to_owned())),
            Err(error) => Err(form_error(format!("Invalid JSON: {error}"))),
        }
    }
}

impl Form {
    /// An object that was read already.
    pub(super) fn of(members: Map<String, Value>) -> Self {
        Self { members, ..Self::default() }
    }

    /// Reads a member; `None` when it is absent or null, or wrong.
    pub(crate) fn get<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        read(value).map_err(|message| self.note(name, message)).ok()
    }

    /// Reads a member that must be there.
    pub(crate) fn require<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        if self.members.get(name).is_none_or(Value::is_null) {
            self.note(name, "Required".to_owned());
            return None;
        }
        self.get(name, read)
    }

    /// Reads the members of a member that is an object.
    pub(crate) fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let members = self.get(name, |value| value.as_object().cloned().ok_or_else(|| "Expected object".to_owned()))?;
        let mut form = Self { members, under: Some(name.to_owned()), wrong: BTreeMap::new() };
        let value = read(&mut form);
        for (member, messages) in form.wrong {
            self.wrong.entry(member).or_default().extend(messages);
        }
        Some(value)
    }

    /// Says what is wrong with a member.
    pub(crate) fn note(&mut self, name: &str, message: String) {
        let (member, message) = match &self.under {
            Some(under) => (under.clone(), format!("{name}: {message}")),
            None => (name.to_owned(), message),
        };
        self.wrong.entry(member).or_default().push(message);
    }

    /// Refuses a body with which something is wrong.
    pub(crate) fn finish(self) -> Result<(), Refused> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Refused::fields(&[], &self.wrong)) }
    }
}

/// A text of so many characters.
pub(crate) fn text(length: RangeInclusive<usize>) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        let text = value.as_str().ok_or("Expected string")?;
        let count = text.chars().count();
        if length.contains(&count) {
            return Ok(text.to_owned());
        }
        Err(if count < *length.start() {
            format!("String must contain at least {} character(s)", length.start())
        } else {
            format!("String must contain at most {} character(s)", length.end())
        })
    }
}

/// A whole number.
pub(crate) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&Value) -> Result<T, String>
where
    T: TryFrom<i64> + PartialOrd + std::fmt::Display,
{
    move |value| {
        // A client may write 120.0.
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and in the range of whole doubles")]
        let whole = |double: f64| (double.fract() == 0.0 && double.abs() < 9e15).then_some(double as i64);
        let number = value.as_i64().or_else(|| value.as_f64().and_then(whole));
        let number = number.ok_or("Expected integer")?;
        let outside = || format!("Number must be from {} to {}", range.start(), range.end());
        T::try_from(number).ok().filter(|number| range.contains(number)).ok_or_else(outside)
    }
}

pub(crate) fn boolean(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "Expected boolean".to_owned())
}

/// A list of texts.
pub(crate) fn texts(value: &Value) -> Result<Vec<String>, String> {
    let texts = value.as_array().map(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    texts.flatten().ok_or_else(|| "Expected array of strings".to_owned())
}

/// A short list of texts, none of them long: of what others say of themselves.
pub(crate) fn few_texts(value: &Value) -> Result<Vec<String>, String> {
    let texts = texts(value)?;
    if texts.len() <= 64 && texts.iter().all(|text| text.len() <= 1024) {
        Ok(texts)
    } else {
        Err("Array must contain at most 64 strings, each of at most 1024 bytes".to_owned())
    }
}

/// One of several words.
pub(crate) fn one_of<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
            format!("Expected {}", known.join(" | "))
        })
    }
}

/// The URL of a server.
pub(crate) fn url(value: &Value) -> Result<String, String> {
    let text = text(1..=2048)(value)?;
    let uri: axum::http::Uri = text.parse().map_err(|_| "Invalid url")?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    if is_web { Ok(text.trim_end_matches('/').to_owned()) } else { Err("Invalid url".to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(body: &Value) -> Form {
        Form { members: body.as_object().unwrap().clone(), ..Form::default() }
    }

    #[test]
    fn all_that_is_wrong_is_told_by_member() {
        let mut form = form(&json!({
            "name": "", "count": 1.5, "kind": "z", "list": [1], "url": "ftp://x",
            "long": ["x".repeat(1025)], "many": vec!["x"; 65], "policy": { "budget": -1 }, "yes": 1,
        }));
        assert_eq!(form.require("name", text(1..=3)), None);
        assert_eq!(form.require("absent", text(1..=3)), None);
        assert_eq!(form.get("count", number(0..=9_i64)), None);
        assert_eq!(form.get("kind", one_of(&[("a", 1), ("b", 2)])), None);
        assert_eq!(form.get("list", texts), None);
        assert_eq!(form.get("long", few_texts), None);
        assert_eq!(form.get("many", few_texts), None);
        assert_eq!(form.get("url", url), None);
        assert_eq!(form.get("yes", boolean), None);
        form.within("policy", |policy| policy.get("budget", number(0..=9_u64)));
        let too_much = "Array must contain at most 64 strings, each of at most 1024 bytes";
        let wrong: Vec<_> = form.wrong.iter().map(|(name, messages)| (name.as_str(), messages.join(" "))).collect();
        assert_eq!(
            wrong,
            [
                ("absent", "Required".to_owned()),
                ("count", "Expected integer".to_owned()),
                ("kind", "Expected 'a' | 'b'".to_owned()),
                ("list", "Expected array of strings".to_owned()),
                ("long", too_much.to_owned()),
                ("many", too_much.to_owned()),
                ("name", "String must contain at least 1 character(s)".to_owned()),
                ("policy", "budget: Number must be from 0 to 9".to_owned()),
                ("url", "Invalid url".to_owned()),
                ("yes", "Expected boolean".to_owned()),
            ]
        );
        assert!(form.finish().is_err());
    }

    #[test]
    fn what_is_right_is_read() {
        let mut form = form(&json!({
            "name": "Їжак", "count": 3.0, "kind": "b", "url": "http://a:1/", "none": null, "few": vec!["x"; 64],
        }));
        assert_eq!(form.get("few", few_texts).map(|texts| texts.len()), Some(64));
        assert_eq!(form.require("name", text(1..=4)).as_deref(), Some("Їжак"));
        assert_eq!(form.get("count", number(0..=9_u32)), Some(3));
        assert_eq!(form.get("kind", one_of(&[("a", 1), ("b", 2)])), Some(2));
        assert_eq!(form.get("url", url).as_deref(), Some("http://a:1"));
        assert_eq!(form.get("none", boolean), None);
        assert!(form.finish().is_ok());
    }
}
