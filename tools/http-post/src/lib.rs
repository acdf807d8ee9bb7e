//! `http-post`: sends data to a server that the operator granted.

use bloom_tool::http::Request;
use bloom_tool::{Failure, call_id};
use serde::Deserialize;
use serde_json::Value;
use web::{Answer, Expect, Fields};

/// The arguments.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// Where to.
    pub url: String,
    /// What, as JSON.
    pub json: Option<Value>,
    /// What, as text.
    pub text: Option<String>,
    /// What, as the fields of a form.
    pub form: Option<Fields>,
    /// Added to the URL's query.
    #[serde(default)]
    pub query: Fields,
    /// Header fields.
    #[serde(default)]
    pub headers: Fields,
    /// How the answer is read.
    #[serde(flatten)]
    pub expect: Expect,
}

/// Sends.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn http_post(input: Input) -> Result<Answer, Failure> {
    let Input { url, json, text, form, query, headers, expect } = input;
    let given = |name: &str| headers.keys().any(|known| known.eq_ignore_ascii_case(name));
    let mut request = web::with(Request::post(url), &query, &headers)?;
    let (kind, body) = match (json, text, form) {
        (Some(json), None, None) => ("application/json", json.to_string()),
        (None, Some(text), None) => ("text/plain; charset=utf-8", text),
        (None, None, Some(form)) => ("application/x-www-form-urlencoded", encoded(&form)?),
        (None, None, None) => ("", String::new()),
        _ => return Err(Failure::new("invalid_input", "only one of `json`, `text` and `form` can be sent")),
    };
    if !kind.is_empty() && !given("content-type") {
        request = request.header("content-type", kind);
    }
    // So that a server which knows it does a thing once, however often it is asked to.
    if !given("idempotency-key") {
        request = request.header("idempotency-key", call_id());
    }
    web::ask(&request.body(body), &expect)
}

/// A form is written as a query is.
fn encoded(form: &Fields) -> Result<String, Failure> {
    let request = web::with(Request::post("?"), form, &Fields::new())?;
    Ok(request.url.trim_start_matches(['?', '&']).to_owned())
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::{Host, response, set_call_id};
    use serde_json::json;

    use super::*;

    fn sent(input: Value) -> Result<(String, Vec<(String, String)>), Failure> {
        let host = Host::new().http(|request| {
            assert_eq!(request.method, "POST");
            let headers: Vec<_> = request.headers.iter().map(|header| (&header.name, &header.value)).collect();
            let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
            Ok(response(201, serde_json::to_string(&(body, headers)).unwrap()))
        });
        set_call_id("run/n1#1");
        let answer = host.run(|| http_post(serde_json::from_value(input).unwrap()))?;
        Ok(serde_json::from_str(answer.body.as_str().unwrap()).unwrap())
    }

    fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
        headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn data_goes_as_what_it_is_with_the_key_of_the_call() {
        let (body, headers) = sent(json!({ "url": "https://example.org", "json": { "а": [1, null] } })).unwrap();
        assert_eq!((body.as_str(), header(&headers, "content-type")), (r#"{"а":[1,null]}"#, Some("application/json")));
        assert_eq!(header(&headers, "idempotency-key"), Some("run/n1#1"));
        let (body, _) = sent(json!({ "url": "https://example.org", "form": { "a b": "c&d", "n": 1 } })).unwrap();
        assert_eq!(body, "a%20b=c%26d&n=1");
        let own = json!({ "Content-Type": "text/csv", "Idempotency-Key": "own" });
        let (body, headers) = sent(json!({ "url": "https://example.org", "text": "a,b", "headers": own })).unwrap();
        assert_eq!((body.as_str(), header(&headers, "content-type")), ("a,b", Some("text/csv")));
        assert_eq!((header(&headers, "idempotency-key"), headers.len()), (Some("own"), 2));
        let (body, headers) = sent(json!({ "url": "https://example.org" })).unwrap();
        assert_eq!((body.as_str(), headers.len()), ("", 1));
    }

    #[test]
    fn two_bodies_are_refused() {
        let refused = sent(json!({ "url": "https://example.org", "json": 1, "text": "a" })).unwrap_err();
        assert_eq!(refused.code, "invalid_input");
    }
}
