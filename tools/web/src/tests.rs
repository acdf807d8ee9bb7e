//! Requests and responses without a server.

use bloom_tool::http::Header;
use bloom_tool::testing::{Host, response};
use serde_json::json;

use super::*;

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn json_response(status: u16, body: &str) -> Response {
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let headers = vec![
        header("Content-Type", "application/json; charset=utf-8"),
        header("set-cookie", "session=1"),
        header("vary", "a"),
        header("Vary", "b"),
    ];
    Response { headers, ..response(status, body) }
}

fn asked(answer: impl Fn() -> Response + 'static, expect: &Expect) -> Result<Answer, Failure> {
    Host::new().http(move |_| Ok(answer())).run(|| ask(&Request::get("https://example.org/"), expect))
}

#[test]
fn urls_are_encoded_as_people_write_them() {
    let query = fields(json!({ "q": "a b&c", "n": 5, "нотатка": ["x", "y"], "nothing": null }));
    let headers = fields(json!({ "Accept": "text/plain", "nothing": null }));
    let request = with(Request::get("https://example.org/нотатки/a b?x=%20#part"), &query, &headers).unwrap();
    assert_eq!(
        request.url,
        "https://example.org/%D0%BD%D0%BE%D1%82%D0%B0%D1%82%D0%BA%D0%B8/a%20b?x=%20&n=5&q=a%20b%26c\
         &%D0%BD%D0%BE%D1%82%D0%B0%D1%82%D0%BA%D0%B0=x&%D0%BD%D0%BE%D1%82%D0%B0%D1%82%D0%BA%D0%B0=y"
    );
    assert_eq!((request.headers.len(), request.headers[0].name.as_str()), (1, "accept"));
    for url in ["", "https://", "://", "їжак", "https://ї.укр"] {
        assert_eq!(with(Request::get(url), &Fields::new(), &Fields::new()).unwrap().url, url);
    }
    let refused = with(Request::get("https://example.org"), &fields(json!({ "a": {} })), &Fields::new()).unwrap_err();
    assert_eq!(refused.code, "invalid_input");
}

#[test]
fn a_body_comes_as_what_it_is() {
    let answer = asked(|| json_response(200, r#"{"a": [1]}"#), &Expect::default()).unwrap();
    assert_eq!((answer.format, &answer.body), (Format::Json, &json!({ "a": [1] })));
    assert_eq!(answer.headers["vary"], "a, b");
    assert!(!answer.headers.contains_key("set-cookie"));
    let broken = asked(|| json_response(200, "{"), &Expect::default()).unwrap();
    assert_eq!((broken.format, broken.body), (Format::Text, json!("{")));
    let text = asked(|| response(200, "їжак"), &Expect::default()).unwrap();
    assert_eq!((text.format, text.body), (Format::Text, json!("їжак")));
    let bytes = asked(|| response(200, [0xff, 0xd8, 0xff, 0xe0]), &Expect::default()).unwrap();
    assert_eq!((bytes.format, bytes.body), (Format::Base64, json!("/9j/4A==")));
}

#[test]
fn a_body_that_is_not_what_was_asked_for_is_a_failure() {
    let json = Expect { format: Format::Json, ..Expect::default() };
    assert_eq!(asked(|| response(200, "<p>"), &json).unwrap_err().code, "invalid_response");
    let text = Expect { format: Format::Text, ..Expect::default() };
    assert_eq!(asked(|| response(200, [0xff]), &text).unwrap_err().code, "invalid_response");
    let large = asked(|| response(200, "x".repeat(1_000_000)), &Expect::default()).unwrap_err();
    assert!(large.code == "body_too_large" && large.message.contains("900000"), "{large:?}");
}

#[test]
fn an_error_of_the_server_is_a_failure_unless_it_is_expected() {
    let missing = asked(|| response(404, "no\n such page"), &Expect::default()).unwrap_err();
    assert_eq!((missing.code.as_str(), missing.retryable), ("http_404", false));
    assert!(missing.message.ends_with("404: no such page"), "{}", missing.message);
    assert!(asked(|| response(503, ""), &Expect::default()).unwrap_err().retryable);
    let expected = asked(|| response(404, ""), &Expect { any_status: true, ..Expect::default() }).unwrap();
    assert_eq!((expected.status, expected.body), (404, json!("")));
    assert_eq!(asked(|| response(304, ""), &Expect::default()).unwrap().status, 304);
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (plain, encoded) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
    {
        assert_eq!(base64(plain.as_bytes()), encoded);
    }
}
