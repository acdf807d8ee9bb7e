use super::*;

fn read(json: serde_json::Value) -> Result<ToolGrants, String> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}

#[test]
fn grants_read_as_an_operator_writes_them() {
    let grants = read(serde_json::json!({
        "config": { "api_key": "s3cret", "language": { "public": "uk" } },
        "http": [
            "https://api.example.org GET POST",
            { "to": "http://wiki.internal:8080/", "addresses": ["10.0.0.7"],
              "headers": { "Authorization": "Bearer {api_key}" } },
        ],
        "artifacts": "all",
    }))
    .unwrap();
    assert_eq!(grants.config["api_key"].secret(), Some("s3cret"));
    assert_eq!((grants.config["language"].secret(), grants.config["language"].expose()), (None, "uk"));
    assert_eq!(grants.artifacts, Some(ArtifactScope::All));
    let [api, wiki] = &grants.http[..] else { panic!("{grants:?}") };
    assert_eq!((api.scheme, api.host.as_str(), api.port), (Scheme::Https, "api.example.org", 443));
    assert_eq!(api.methods, BTreeSet::from([HttpMethod::Get, HttpMethod::Post]));
    assert_eq!(wiki.to_string(), "http://wiki.internal:8080 GET HEAD");
    assert!(wiki.allows_address("10.0.0.7".parse().unwrap()) && !wiki.allows_address("10.0.0.8".parse().unwrap()));
    assert_eq!(wiki.headers["authorization"].fill(&grants.config).as_deref(), Some("Bearer s3cret"));
    assert_eq!(wiki.headers["authorization"].fill(&BTreeMap::new()), None);
    assert_eq!(wiki.headers["authorization"].to_string(), "Bearer {api_key}");
    assert!(!format!("{grants:?}").contains("s3cret"), "{grants:?}");
    let written = serde_json::to_value(&grants.http).unwrap();
    assert_eq!(written[0], "https://api.example.org GET POST");
    assert_eq!(serde_json::from_value::<Vec<HttpGrant>>(written).unwrap(), grants.http);
}

#[test]
fn what_is_wrong_with_a_grant_is_told() {
    let http = |grant: serde_json::Value| read(serde_json::json!({ "http": [grant] })).unwrap_err();
    let header = |name: &str, text: &str| http(serde_json::json!({ "to": "https://a.org", "headers": { name: text } }));
    for (error, complaint) in [
        (http("api.example.org".into()), "does not start with `https://`"),
        (http("ftp://example.org".into()), "does not start with `https://`"),
        (http("https://example.org/v1".into()), "names a path"),
        (http("https://Example.org".into()), "is no host"),
        (http("https://user@example.org".into()), "is no host"),
        (http("https://*".into()), "is no host"),
        (http("https://example.org FETCH".into()), "\"FETCH\" is none of the methods"),
        (http(7.into()), "a text as `https://api.example.org GET POST`"),
        (http(serde_json::json!({ "from": "https://a.org" })), "unknown field `from`"),
        (http(serde_json::json!({})), "missing field `to`"),
        (header("a b", ""), "\"a b\" is no name"),
        (header("Host", "x"), "`host` is set by the host alone"),
        (header("a", "Bearer {key"), "`a` has a brace"),
        (header("a", "{}"), "`a` has a brace"),
        (header("a", "}{key}"), "`a` has a brace"),
        (header("a", "a\nb"), "visible ASCII"),
        (read(serde_json::json!({ "config": { "key": { "secret": "x" } } })).unwrap_err(), "unknown field `secret`"),
        (read(serde_json::json!({ "htpp": [] })).unwrap_err(), "unknown field `htpp`"),
    ] {
        assert!(error.contains(complaint), "{complaint}: {error}");
    }
}

#[test]
fn a_grant_answers_what_a_manifest_asks_for() {
    let answers = |grant: &str, ask: &str| grant.parse::<HttpGrant>().unwrap().answers(&ask.parse().unwrap());
    for (grant, ask) in [
        ("https://a.org", "a.org"),
        ("http://a.org", "a.org"),
        ("https://a.org:8443", "a.org:8443"),
        ("https://a.org", "a.org:443"),
        ("https://a.org", "*"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://127.0.0.1:8080", "*"),
    ] {
        assert!(answers(grant, ask), "{grant} {ask}");
    }
    for (grant, ask) in [
        ("https://a.org:8443", "a.org"),
        ("https://a.org", "a.org:80"),
        ("https://a.org", "b.org"),
        ("https://a.org", "sub.a.org"),
    ] {
        assert!(!answers(grant, ask), "{grant} {ask}");
    }
}
