mod server;

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use async_trait::async_trait;

use self::server::{Answer, Server, tls};
use super::*;
use crate::bindings::bloom::tool::http::Header;

/// Knows what a test says, another thing each time, and counts how often it is asked.
struct Told(Mutex<(usize, Vec<Vec<IpAddr>>)>);

#[async_trait]
impl Resolve for Told {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let mut told = self.0.lock().unwrap();
        let answer = told.1.get(told.0).cloned();
        told.0 += 1;
        answer.ok_or_else(|| io::Error::other("nobody knows"))
    }
}

fn told(answers: &[&[&str]]) -> Arc<Told> {
    let addresses = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Arc::new(Told(Mutex::new((0, answers.iter().map(addresses).collect()))))
}

fn ok(body: &str) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into())
}

fn redirect(location: &str) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n").into())
}

fn get(url: impl Into<String>) -> Request {
    Request { method: "GET".into(), url: url.into(), headers: Vec::new(), body: None, timeout_ms: None, redirects: 0 }
}

fn header(name: &str, value: &str) -> Header {
    Header { name: name.into(), value: value.into() }
}

fn access(grants: &[&str]) -> Access {
    Access { grants: grants.iter().map(|grant| grant.parse().unwrap()).collect(), ..Access::default() }
}

/// For the address of a server.
fn to(server: &Server, methods: &str) -> Access {
    access(&[&format!("http://{} {methods}", server.address)])
}

fn limits() -> Limits {
    Limits { http_request_bytes: 10_000, http_response_bytes: 10_000, ..Limits::default() }
}

async fn fetch(request: &Request, access: &Access) -> Result<Response, FetchError> {
    Client::resolving(told(&[]), None).fetch(request, access, &limits()).await.0
}

async fn code(request: &Request, access: &Access) -> &'static str {
    fetch(request, access).await.unwrap_err().code()
}

/// What a server's answer comes to.
async fn of(answer: Answer) -> Result<Response, FetchError> {
    let server = Server::start(vec![answer]).await;
    fetch(&get(format!("http://{}/", server.address)), &to(&server, "")).await
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let server = Server::start(vec![ok("привіт")]).await;
    let request = Request {
        method: "POST".into(),
        headers: vec![header("X-Two", "a"), header("x-two", "b"), header("Accept", "text/plain")],
        body: Some("тіло".into()),
        ..get(format!("http://{}/a/b?c=d%20e", server.address))
    };
    let client = Client::resolving(told(&[]), None);
    let (response, fetched) = client.fetch(&request, &to(&server, "POST"), &limits()).await;
    let response = response.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, "привіт".as_bytes()));
    assert_eq!(response.url, request.url);
    let [sent] = server.requests().try_into().unwrap();
    assert!(sent.starts_with("POST /a/b?c=d%20e HTTP/1.1\r\n"), "{sent}");
    for line in [
        format!("host: {}", server.address),
        "content-length: 8".into(),
        "x-two: a\r\nx-two: b".into(),
        "accept: text/plain".into(),
        concat!("user-agent: bloom/", env!("CARGO_PKG_VERSION")).into(),
    ] {
        assert!(sent.contains(&format!("\r\n{line}\r\n")), "{line}: {sent}");
    }
    assert!(sent.ends_with("\r\n\r\nтіло"), "{sent}");
    let fetched = fetched.unwrap();
    assert_eq!((fetched.method, fetched.host), (HttpMethod::Post, server.address.to_string()));
    assert_eq!((fetched.status, fetched.failure, fetched.sent, fetched.received), (Some(200), None, 8, 12));
}

#[tokio::test]
async fn any_status_is_a_response() {
    let answer = of(Answer::Bytes(b"HTTP/1.1 500 Oh\r\nX-A: \xff\r\n\r\nto the end".to_vec())).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (500, &b"to the end"[..]));
    assert_eq!((answer.headers[0].name.as_str(), answer.headers[0].value.as_str()), ("x-a", "ÿ"));
}

#[tokio::test]
async fn what_is_not_granted_is_not_sent() {
    let server = Server::start(vec![ok("")]).await;
    let (port, at) = (server.address.port(), server.address);
    let granted = to(&server, "GET");
    for url in [
        format!("https://{at}/"),
        format!("http://127.0.0.1:{}/", port ^ 1),
        "http://127.0.0.1/".into(),
        format!("http://127.0.0.2:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://api.example/".into(),
    ] {
        assert_eq!(code(&get(&url), &granted).await, "not_granted", "{url}");
    }
    let delete = Request { method: "DELETE".into(), ..get(format!("http://{at}/")) };
    assert_eq!(code(&delete, &granted).await, "not_granted");
    assert_eq!(code(&get(format!("http://{at}/")), &Access::default()).await, "not_granted");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_is_no_request_is_told_without_its_secrets() {
    let granted = access(&["http://127.0.0.1"]);
    let refused = async |request: Request| {
        let error = fetch(&request, &granted).await.unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        error.code()
    };
    for url in [
        "",
        "s3cret",
        "/s3cret",
        "ftp://127.0.0.1/s3cret",
        "file:///etc/passwd",
        "http:s3cret",
        "http://s3cret@127.0.0.1/",
        "http://me:s3cret@127.0.0.1/",
        "http://127.0.0.1/#s3cret",
        "http://127.0.0.1/s3cret\r\nhost: evil",
        "http://127.0.0.1/ s3cret",
        "http://127.1/s3cret",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://127.0.0.1:99999/",
        "http:///s3cret",
        "http://127.0.0.1\\@evil.example/",
        "http://приклад.укр/",
    ] {
        assert_eq!(refused(get(url)).await, "invalid_request", "{url}");
    }
    for method in ["", "get", "CONNECT", "TRACE", "GET s3cret"] {
        let request = Request { method: method.into(), ..get("http://127.0.0.1/") };
        assert_eq!(code(&request, &granted).await, "invalid_request", "{method}");
    }
    for (name, value) in [
        ("Host", "s3cret"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "upgrade"),
        ("upgrade", "h2c"),
        ("Proxy-Authorization", "s3cret"),
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("", "s3cret"),
        ("a b", "s3cret"),
        ("a\r\nb", "s3cret"),
        ("a", "s3cret\r\nb: c"),
        ("a", "s3cret\0"),
    ] {
        let request = Request { headers: vec![header(name, value)], ..get("http://127.0.0.1/") };
        assert_eq!(refused(request).await, "invalid_request", "{name}");
    }
    assert_eq!(refused(Request { redirects: 11, ..get("http://127.0.0.1/") }).await, "invalid_request");
    let large = Request { body: Some(vec![0; 10_001]), ..get("http://127.0.0.1/") };
    assert_eq!(refused(large).await, "request_too_large");
    let large = Request { headers: vec![header("a", &"s3cret".repeat(2000))], ..get("http://127.0.0.1/") };
    assert_eq!(refused(large).await, "request_too_large");
}

#[tokio::test]
async fn a_name_that_resolves_to_an_address_that_is_not_public_is_refused() {
    let server = Server::start(vec![ok("")]).await;
    let port = server.address.port();
    let (request, granted) =
        (get(format!("http://api.example:{port}/")), access(&[&format!("http://api.example:{port}")]));
    for address in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "fe80::1",
        "fd00:ec2::254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ] {
        let client = Client::resolving(told(&[&[address]]), None);
        let error = client.fetch(&request, &granted, &limits()).await.0.unwrap_err();
        assert_eq!(error.code(), "address_refused", "{address}");
        assert!(error.to_string().contains(&address.parse::<IpAddr>().unwrap().to_string()), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_address_that_the_operator_named_is_connected_to() {
    let server = Server::start(vec![ok("inside")]).await;
    let port = server.address.port();
    let mut granted = access(&[&format!("http://wiki.internal:{port}")]);
    granted.grants[0].addresses = ["127.0.0.1".parse().unwrap()].into();
    let client = Client::resolving(told(&[&["10.0.0.1", "127.0.0.1"]]), None);
    let request = get(format!("http://Wiki.Internal:{port}/"));
    assert_eq!(client.fetch(&request, &granted, &limits()).await.0.unwrap().body, b"inside");
    let hosts = BTreeMap::from([("wiki.internal".to_owned(), vec!["127.0.0.1".parse().unwrap()])]);
    let client = Client::new(None, &hosts).unwrap();
    assert_eq!(client.fetch(&request, &granted, &limits()).await.0.unwrap().body, b"inside");
}

/// The second answer would lead to a server that listens there, the first is refused: it is asked once.
#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
    let server = Server::start(vec![ok("")]).await;
    let port = server.address.port();
    let mut granted = access(&[&format!("http://api.example:{port}")]);
    granted.grants[0].addresses = ["127.0.0.2".parse().unwrap()].into();
    let names = told(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let client = Client::resolving(names.clone(), None);
    let error = client.fetch(&get(format!("http://api.example:{port}/")), &granted, &limits()).await.0.unwrap_err();
    assert_eq!(error.code(), "connection_failed");
    assert_eq!(names.0.lock().unwrap().0, 1);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told() {
    let granted = access(&["http://api.example"]);
    assert_eq!(code(&get("http://api.example/"), &granted).await, "name_not_resolved");
    let client = Client::resolving(told(&[&[]]), None);
    let error = client.fetch(&get("http://api.example/"), &granted, &limits()).await.0.unwrap_err();
    assert_eq!(error.code(), "name_not_resolved");
}

#[tokio::test]
async fn redirects_stay_where_they_are() {
    let at = |server: &Server, redirects| Request { redirects, ..get(format!("http://{}/a/b", server.address)) };
    let server = Server::start(vec![redirect("../c?d"), redirect("/e#f"), ok("there")]).await;
    let response = fetch(&at(&server, 2), &to(&server, "")).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, &b"there"[..]));
    assert_eq!(response.url, format!("http://{}/e", server.address));
    let firsts: Vec<String> = server.requests().iter().map(|sent| sent.lines().next().unwrap().to_owned()).collect();
    assert_eq!(firsts, ["GET /a/b HTTP/1.1", "GET /c?d HTTP/1.1", "GET /e HTTP/1.1"]);

    let server = Server::start(vec![redirect("/loop")]).await;
    assert_eq!(code(&at(&server, 3), &to(&server, "")).await, "redirect_refused");
    assert_eq!(server.requests().len(), 4);
    assert_eq!(fetch(&at(&server, 0), &to(&server, "")).await.unwrap().status, 302);
    let post = Request { method: "POST".into(), ..at(&server, 3) };
    assert_eq!(fetch(&post, &to(&server, "POST")).await.unwrap().status, 302);
}

#[tokio::test]
async fn a_redirect_elsewhere_is_refused_although_that_is_granted_too() {
    let other = Server::start(vec![ok("")]).await;
    for (location, named) in [
        (format!("http://{}/", other.address), other.address.to_string()),
        (format!("//{}/", other.address), other.address.to_string()),
        ("http://169.254.169.254/latest/meta-data/".into(), "169.254.169.254".into()),
        ("http://[::1]/".into(), "[::1]".into()),
        ("http://localhost/".into(), "localhost".into()),
        ("file:///etc/passwd".into(), "no URL".into()),
        ("javascript:alert(1)".into(), "no URL".into()),
        ("http://me@evil.example/".into(), "no URL".into()),
        ("::::".into(), "no URL".into()),
    ] {
        let server = Server::start(vec![redirect(&location)]).await;
        let granted = access(&[&format!("http://{}", server.address), &format!("http://{}", other.address)]);
        let request = Request { redirects: 5, ..get(format!("http://{}/", server.address)) };
        let error = fetch(&request, &granted).await.unwrap_err();
        assert_eq!(error.code(), "redirect_refused", "{location}");
        assert!(error.to_string().contains(&named), "{error}");
    }
    let server = Server::start(vec![redirect("https://127.0.0.1/")]).await;
    let request = Request { redirects: 5, ..get(format!("http://{}/", server.address)) };
    assert_eq!(code(&request, &to(&server, "")).await, "redirect_refused");
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_takes_its_time_is_not_waited_for() {
    for answer in [
        Answer::Hang(Vec::new()),
        Answer::Hang(b"HTTP/1.1 200 OK\r\nx-a: ".to_vec()),
        Answer::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nsome".to_vec()),
        Answer::Hang(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n".to_vec()),
    ] {
        let server = Server::start(vec![answer]).await;
        let request = get(format!("http://{}/", server.address));
        let client = Client::resolving(told(&[]), None);
        let within = Limits { http_timeout_ms: 50, ..limits() };
        let error = client.fetch(&request, &to(&server, ""), &within).await.0.unwrap_err();
        assert_eq!(error.code(), "request_timeout");
        assert!(error.to_string().contains("50 ms"), "{error}");
        let own = Request { timeout_ms: Some(30), ..request };
        let error = client.fetch(&own, &to(&server, ""), &within).await.0.unwrap_err();
        assert!(error.to_string().contains("30 ms"), "{error}");
    }
}

#[tokio::test]
async fn a_response_that_is_too_large_is_refused() {
    for answer in [
        Answer::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 10001\r\n\r\n".to_vec()),
        Answer::Bytes([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b'x'; 10_001]].concat()),
        Answer::Flood(b"HTTP/1.1 200 OK\r\n\r\nHTTP".to_vec()),
    ] {
        assert_eq!(of(answer).await.unwrap_err().code(), "response_too_large");
    }
    let chunks =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", "a\r\n0123456789\r\n".repeat(1001));
    assert_eq!(of(Answer::Bytes(chunks.into())).await.unwrap_err().code(), "response_too_large");
    let whole = of(Answer::Bytes([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b'x'; 10_000]].concat())).await.unwrap();
    assert_eq!(whole.body.len(), 10_000);
}

/// Nothing is unpacked, so a small body that unpacks to a large one stays small.
#[tokio::test]
async fn compressed_bodies_are_handed_on_as_they_are() {
    let bomb = b"\x1f\x8b\x08 a bomb";
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len());
    assert_eq!(of(Answer::Bytes([head.as_bytes(), bomb].concat())).await.unwrap().body, bomb);
}

#[tokio::test]
async fn what_is_no_response_is_told() {
    let many = "x: y\r\n".repeat(101);
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        "HTTP/9.9 200 OK\r\n\r\n".into(),
        "HTTP/1.1 20 OK\r\n\r\n".into(),
        "HTTP/1.1 700 Odd\r\ncontent-length: 0\r\n\r\n".into(),
        "HTTP/1.1 101 Switching Protocols\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".into(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n".into(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(70_000)),
    ] {
        let told = of(Answer::Bytes(answer.clone().into())).await.map(|response| response.status);
        assert_eq!(told.map_err(|error| error.code()), Err("invalid_response"), "{answer:.60}");
    }
    assert_eq!(of(Answer::Flood(b"HTTP/1.1 200 OK\r\n".to_vec())).await.unwrap_err().code(), "invalid_response");
}

#[tokio::test]
async fn a_connection_that_ends_too_early_is_told() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"] {
        let error = of(Answer::Bytes(answer.into())).await.unwrap_err();
        assert_eq!(error.code(), "connection_lost", "{answer}: {error}");
    }
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (request, granted) = (get(format!("http://{gone}/")), access(&[&format!("http://{gone}")]));
    assert_eq!(code(&request, &granted).await, "connection_failed");
}

#[tokio::test]
async fn certificates_are_checked() {
    let server = Server::with_tls("api.example", vec![ok("over tls")]).await;
    let ask = async |name: &str, ca: bool| {
        let port = server.address.port();
        let mut granted = access(&[&format!("https://{name}:{port}")]);
        granted.grants[0].addresses = ["127.0.0.1".parse().unwrap()].into();
        let ca = ca.then(|| tls("authority.pem"));
        let client = Client::resolving(told(&[&["127.0.0.1"]]), ca.as_deref());
        client.fetch(&get(format!("https://{name}:{port}/")), &granted, &limits()).await.0
    };
    assert_eq!(ask("api.example", true).await.unwrap().body, b"over tls");
    assert_eq!(ask("127.0.0.1", true).await.unwrap().body, b"over tls");
    // Signed by nobody who is trusted; for another name.
    for (name, ca) in [("api.example", false), ("other.example", true)] {
        let error = ask(name, ca).await.unwrap_err();
        assert_eq!(error.code(), "tls_failed", "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert_eq!(server.requests().len(), 2);
}

/// It answers the greeting with what is no TLS.
#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let granted = access(&[&format!("https://{address}")]);
    assert_eq!(code(&get(format!("https://{address}/")), &granted).await, "tls_failed");
}

#[test]
fn certificates_of_the_operators_that_are_none_are_told() {
    for file in [tls("nothing.pem"), tls("make.sh"), tls("api.example.key")] {
        let error = Client::new(Some(&file), &BTreeMap::new()).err().unwrap().to_string();
        assert!(error.contains(file.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn the_operators_header_goes_along_and_stays_hidden() {
    let echo = "authorization: Bearer s3cret, again: s3cret";
    let server = Server::start(vec![Answer::Bytes(
        format!("HTTP/1.1 200 OK\r\nx-echo: Bearer s3cret\r\ncontent-length: {}\r\n\r\n{echo}", echo.len()).into(),
    )])
    .await;
    let mut granted = to(&server, "GET");
    let template = crate::grant::HeaderTemplate::parse("authorization", "Bearer {api_key}").unwrap();
    granted.grants[0].headers = [("authorization".to_owned(), template)].into();
    granted.settings = [("api_key".to_owned(), Setting::Secret("s3cret".into()))].into();
    granted.hidden = vec!["s3cret".into()];
    let url = format!("http://{}/", server.address);
    let response = fetch(&get(&url), &granted).await.unwrap();
    assert!(server.requests()[0].contains("\r\nauthorization: Bearer s3cret\r\n"));
    assert_eq!(response.body, b"authorization: Bearer ******, again: ******");
    assert_eq!(response.headers[0].value, "Bearer ******");
    // The tool cannot put its own in its place.
    let own = Request { headers: vec![header("Authorization", "Bearer mine")], ..get(&url) };
    assert_eq!(code(&own, &granted).await, "invalid_request");
    assert!(!format!("{granted:?}").contains("s3cret"));
    // A value that cannot be in a header is not shown.
    granted.settings = [("api_key".to_owned(), Setting::Secret("s3cret\n".into()))].into();
    let error = fetch(&get(&url), &granted).await.unwrap_err();
    assert!(error.code() == "invalid_request" && !error.to_string().contains("s3cret"), "{error}");
}
