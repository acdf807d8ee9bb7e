//! Requests, by components. What the client itself does with servers is tested beside it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use bloom_ir::capability::HttpMethod;
use bloom_runtime::tool::ToolHost;
use bloom_wasm::grant::{HttpGrant, Setting, ToolGrants};
use bloom_wasm::{Config, Limits, WasmHost};
use serde_json::json;

use crate::support::{Tool, call, config, digest, host, limits};

/// Answers every request with what it was sent, as a JSON string; nothing at all, where it hangs.
fn server(hangs: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut part = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(n) => request.extend_from_slice(&part[..n]),
                }
            }
            if hangs {
                held.push(stream);
                continue;
            }
            let body = serde_json::to_string(&String::from_utf8(request).unwrap()).unwrap();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    address
}

fn granting(http: &[String]) -> Config {
    let http = http.iter().map(|grant| grant.parse().unwrap()).collect();
    with(ToolGrants { http, ..ToolGrants::default() })
}

fn with(grants: ToolGrants) -> Config {
    Config { grants: [("tool".to_owned(), grants)].into(), ..config() }
}

async fn outcome(config: Config, tool: &Tool) -> Result<String, String> {
    let host = host(config, &[tool]);
    let result = host.call(call(&host, "tool", json!({}))).await;
    result.map(|value| value.as_str().unwrap().to_owned()).map_err(|error| error.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_host_answers() {
    let at = server(false);
    let host =
        host(granting(&[format!("http://{at}")]), &[&Tool::fetching("GET", &format!("http://{at}/a?s3cret"), 1)]);
    let report = host.report(call(&host, "tool", json!({}))).await;
    assert!(report.result.unwrap().as_str().unwrap().starts_with("GET /a?s3cret HTTP/1.1\r\n"));
    let [fetched] = report.fetched.try_into().unwrap();
    assert_eq!((fetched.method, fetched.status, fetched.failure), (HttpMethod::Get, Some(200), None));
    assert!(fetched.received > 0 && !format!("{fetched:?}").contains("s3cret"), "{fetched:?}");
}

#[tokio::test]
async fn a_host_that_was_not_granted_is_not_reached() {
    let at = server(false);
    let granted = granting(&["https://api.example".into(), format!("http://{at} GET")]);
    for (method, url) in [
        ("GET", "https://evil.example/".to_owned()),
        ("GET", "http://169.254.169.254/latest/meta-data/".into()),
        ("GET", "http://api.example/".into()),
        ("GET", "https://api.example:8443/".into()),
        ("GET", "https://sub.api.example/".into()),
        ("GET", "https://api.example.evil.example/".into()),
        ("GET", format!("http://localhost:{}/", at.port())),
        ("DELETE", format!("http://{at}/")),
    ] {
        let tool = Tool::fetching(method, &url, 1);
        assert_eq!(outcome(granted.clone(), &tool).await, Err("not_granted".into()), "{url}");
    }
}

#[test]
fn both_sides_must_agree_before_anything_runs() {
    let may_call = |asked: &[&str], granted: &[&str]| {
        let grants: Vec<String> = granted.iter().map(ToString::to_string).collect();
        let host = host(granting(&grants), &[&Tool::fetching("GET", "https://a.org/", 1).asking(asked)]);
        let tool = host.installed().remove(0);
        let carried: Vec<String> = asked.iter().map(ToString::to_string).collect();
        host.may_call(&tool, "archivist", &carried).map_err(|error| error.message)
    };
    for (asked, granted) in [
        ("http:a.org", "https://a.org"),
        ("http:a.org GET", "https://a.org GET POST"),
        ("http:a.org:8443 POST", "https://a.org:8443 POST"),
        ("http:127.0.0.1:80", "http://127.0.0.1"),
        ("http:*", "https://a.org"),
    ] {
        assert_eq!(may_call(&[asked], &[granted]), Ok(()), "{asked} {granted}");
    }
    assert_eq!(may_call(&["http:a.org GET POST"], &["https://a.org GET", "http://a.org:80 POST"]), Ok(()));
    for (asked, granted, complaint) in [
        ("http:a.org", "https://b.org", "has granted no such host"),
        ("http:a.org", "https://a.org:8443", "has granted no such host"),
        ("http:a.org GET POST DELETE", "https://a.org GET", "does not grant POST, DELETE there"),
    ] {
        let error = may_call(&[asked], &[granted]).unwrap_err();
        assert!(error.contains(complaint) && error.contains(asked), "{error}");
    }
    let error = may_call(&["http:a.org"], &[]).unwrap_err();
    assert!(error.contains("has granted no such host"), "{error}");
}

#[test]
fn a_component_that_does_not_ask_does_not_get_the_interface() {
    let tool = Tool::fetching("GET", "https://a.org/", 1).asking(&["config:key"]);
    let host = WasmHost::new(config(), [tool.build()]).unwrap();
    let error = host.rejected()[0].error.to_string();
    assert!(error.contains("`bloom:tool/http@0.1.0`") && error.contains("`http:…`"), "{error}");
}

#[tokio::test]
async fn a_flood_of_requests_is_cut() {
    let at = server(false);
    let granted = Config { limits: Limits { http_requests: 3, ..limits() }, ..granting(&[format!("http://{at}")]) };
    let tool = |times| Tool::fetching("GET", &format!("http://{at}/"), times);
    assert!(outcome(granted.clone(), &tool(3)).await.is_ok());
    assert_eq!(outcome(granted, &tool(4)).await, Err("too_many_requests".into()));
}

#[tokio::test]
async fn a_request_ends_with_the_time_of_its_call() {
    let at = server(true);
    let host = host(granting(&[format!("http://{at}")]), &[&Tool::fetching("GET", &format!("http://{at}/"), 1)]);
    let mut call = call(&host, "tool", json!({}));
    call.timeout_ms = 30;
    assert_eq!(host.call(call).await.unwrap_err().code, "timeout");
}

/// The only slot is free again, so the request was really given up.
#[tokio::test]
async fn a_request_that_nobody_waits_for_is_given_up() {
    let at = server(true);
    let granted = Config { limits: Limits { concurrent_calls: 1, ..limits() }, ..granting(&[format!("http://{at}")]) };
    let host =
        host(granted, &[&Tool::fetching("GET", &format!("http://{at}/"), 1), &Tool::echo().with("name", "echo")]);
    {
        let mut hanging = host.call(call(&host, "tool", json!({})));
        assert!(futures::poll!(&mut hanging).is_pending());
    }
    assert!(host.call(call(&host, "echo", json!({}))).await.is_ok());
}

/// Half of the slots are for others.
#[tokio::test]
async fn a_tool_that_hangs_leaves_room_for_others() {
    let at = server(true);
    let host = host(
        granting(&[format!("http://{at}")]),
        &[&Tool::fetching("GET", &format!("http://{at}/"), 1), &Tool::echo().with("name", "echo")],
    );
    let mut hanging: Vec<_> = (0..10).map(|_| host.call(call(&host, "tool", json!({})))).collect();
    for call in &mut hanging {
        assert!(futures::poll!(call).is_pending());
    }
    for _ in 0..10 {
        assert!(host.call(call(&host, "echo", json!({}))).await.is_ok());
    }
}

fn with_key(grant: &str, digest: Option<bloom_ir::Digest>) -> Config {
    let table = json!({ "to": grant, "headers": { "authorization": "Bearer {api_key}" } });
    let http: HttpGrant = serde_json::from_value(table).unwrap();
    let config = [("api_key".to_owned(), Setting::Secret("s3cret".into()))].into();
    with(ToolGrants { digest, config, http: vec![http], ..ToolGrants::default() })
}

/// It sends back the header; the tool hands that on, and still nobody sees the key.
#[tokio::test]
async fn a_key_goes_along_that_the_tool_never_sees() {
    let at = server(false);
    let tool = Tool::fetching("GET", &format!("http://{at}/"), 1);
    let sent = outcome(with_key(&format!("http://{at}"), None), &tool).await.unwrap();
    assert!(sent.contains("\r\nauthorization: Bearer ******\r\n"), "{sent}");
}

#[tokio::test]
async fn a_tool_that_may_read_the_key_may_not_hand_it_out() {
    let at = server(false);
    let tool = Tool::fetching("GET", &format!("http://{at}/"), 1).asking(&["http:*", "config:api_key"]);
    assert_eq!(outcome(with_key(&format!("http://{at}"), None), &tool).await, Err("secret_returned".into()));
}

#[test]
fn a_header_whose_key_is_not_set_is_known_before_any_call() {
    let mut config = with_key("https://a.org", None);
    config.grants.get_mut("tool").unwrap().config.clear();
    let host = host(config, &[&Tool::fetching("GET", "https://a.org/", 1)]);
    let tool = host.installed().remove(0);
    let error = host.may_call(&tool, "archivist", &tool.manifest.capabilities).unwrap_err();
    assert!(error.message.contains("`api_key`") && error.code == "not_granted", "{error}");
}

/// A component may say any name of itself. What was granted to another component of that name is not for it.
#[tokio::test]
async fn a_tool_that_takes_anothers_name_does_not_get_its_grants() {
    let at = server(false);
    let meant = Tool::fetching("GET", &format!("http://{at}/"), 1);
    let thief = Tool::fetching("GET", &format!("http://{at}/steal"), 1).with("version", "9.0.0");
    let granted = with_key(&format!("http://{at}"), Some(digest(&meant)));
    assert!(outcome(granted.clone(), &meant).await.is_ok());
    let host = host(granted, &[&meant, &thief]);
    let error = host.call(call(&host, "tool", json!({}))).await.unwrap_err();
    assert_eq!(error.code, "not_granted");
    assert!(error.message.contains("another component of this name"), "{error}");
    let thief = Tool::telling("api_key", false);
    let host = self::host(with_key("https://a.org", Some(digest(&meant))), &[&thief]);
    let error = host.call(call(&host, "tool", json!({}))).await.unwrap_err();
    assert!(error.message.contains("another component of this name"), "{error}");
}
