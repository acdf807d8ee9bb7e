//! Who sees pages: owners by name, whoever has the key by that, and nobody else.

use std::time::Duration;

use bloom_server::{SESSION, ServerConfig};

use crate::pages::{KEY, NAME, OWN, PASSWORD, owner, page_as, section, shown, with_key};
use crate::world::{Answered, Setup, World, plain, signed};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// Every page.
const PAGES: [&str; 9] = [
    "/",
    "/runs",
    "/questions",
    "/questions/q-1",
    "/proposals",
    "/proposals/p-1",
    "/audit?action=proposal_",
    "/settings",
    "/runs?status=failed",
];

async fn form(world: &World, pairs: &[(&str, &str)], headers: &[(&str, &str)]) -> Answered {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    world.send("POST", "/api/v1/session", &[&[FORM], headers].concat(), body).await
}

fn cookie_of(answered: &Answered) -> String {
    answered.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

fn location(answered: &Answered) -> &str {
    answered.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn nothing_of_a_page_is_made_before_it_is_known_who_asks() {
    let world = with_key();
    for path in PAGES {
        for cookie in ["", "bloom_session=bos_none", "bloom_session=bks_none", "bloom_session="] {
            let answered = page_as(&world, path, cookie, "uk").await;
            assert_eq!((answered.status, answered.text().as_str()), (303, ""), "{path}");
            let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            assert_eq!(location(&answered), format!("/login?next={next}"));
        }
        let wrong = world.send("GET", path, &[("x-runtime-api-key", "wrong")], "").await;
        assert_eq!((wrong.status, wrong.text().as_str()), (303, ""), "{path}");
        // A key or a token that is shown does, too, as it does for the API.
        assert_ne!(world.send("GET", path, &[("x-runtime-api-key", KEY)], "").await.status, 303, "{path}");
    }
    let login = page_as(&world, "/login", "", "en").await;
    assert!(!shown(&login).contains("<nav"), "who is not let in has nowhere to go");
    world.end().await;
}

#[tokio::test]
async fn who_logs_in_is_led_to_the_page_that_was_asked_for() {
    let world = with_key();
    owner(&world).await;
    let text = shown(&page_as(&world, "/login?next=%2Fproposals%3Fstatus%3Dfailed", "", "en").await);
    assert!(text.contains(r#"name="next" value="/proposals?status=failed""#), "{text}");
    let opened =
        form(&world, &[("name", NAME), ("password", PASSWORD), ("next", "/proposals?status=failed")], &[OWN]).await;
    assert_eq!((opened.status, location(&opened)), (303, "/proposals?status=failed"));
    let cookie = cookie_of(&opened);
    let page = shown(&page_as(&world, location(&opened), &cookie, "en").await);
    assert!(page.contains(NAME) && page.contains("action=\"/logout\"") && page.contains("<nav"), "{page}");
    // A page that a link names is one of this server, or none.
    for elsewhere in ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", ""] {
        let opened = form(&world, &[("name", NAME), ("password", PASSWORD), ("next", elsewhere)], &[OWN]).await;
        assert_eq!((opened.status, location(&opened)), (303, "/"), "{elsewhere}");
        let next: String = form_urlencoded::byte_serialize(elsewhere.as_bytes()).collect();
        let text = shown(&page_as(&world, &format!("/login?next={next}"), &cookie, "en").await);
        assert!(text.contains(r#"<a class="button" href="/">"#), "{text}");
    }
    // What was wrong is told on the page, which still leads there.
    let wrong = form(&world, &[("name", "<b>"), ("password", "x"), ("next", "/audit")], &[OWN]).await;
    let text = wrong.text();
    assert_eq!(wrong.status, 401);
    assert!(text.contains("role=\"alert\"") && text.contains(r#"value="/audit""#) && !text.contains("<b>"), "{text}");
    world.end().await;
}

#[tokio::test]
async fn the_servers_key_opens_pages_and_is_not_kept_in_the_browser() {
    let world = with_key();
    let key = |key: &'static str| [("key", key), ("next", "/audit")];
    let wrong = form(&world, &key("another key"), &[OWN, ("accept-language", "uk")]).await;
    assert_eq!((wrong.status, wrong.headers.contains_key("set-cookie")), (401, false));
    assert!(wrong.text().contains("Це не ключ сервера."), "{}", wrong.text());
    assert_eq!(form(&world, &key(KEY), &[("origin", "https://evil.example.org")]).await.status, 403);

    let opened = form(&world, &key(KEY), &[OWN]).await;
    assert_eq!((opened.status, location(&opened)), (303, "/audit"));
    let set = opened.headers["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("bloom_session=bks_") && set.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict")
    );
    assert!(!set.contains(KEY), "{set}");
    let cookie = cookie_of(&opened);
    let page = shown(&page_as(&world, "/audit", &cookie, "en").await);
    assert!(page.contains("with the server&#39;s key") && page.contains("session_opened"), "{page}");
    let who = world.send("GET", "/api/v1/session", &[("cookie", &cookie)], "").await.ok(200);
    assert_eq!((&who["identity"], &who["owner"]), (&"operator".into(), &serde_json::Value::Null));
    assert!(who["expires_at"].is_string(), "{who}");

    // It changes what the key changes, where a page of this server asks.
    let publish = async |headers: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie.as_str()), ("content-type", "application/json")], headers].concat();
        world.send("POST", "/api/v1/flows", &headers, signed(&plain("greet", "1.0.0"))).await
    };
    publish(&[]).await.refused(403, "FORBIDDEN");
    publish(&[("origin", "https://evil.example.org")]).await.refused(403, "FORBIDDEN");
    publish(&[("sec-fetch-site", "cross-site")]).await.refused(403, "FORBIDDEN");
    publish(&[OWN]).await.ok(201);
    // Nobody shows it in another way, and what only a person may do it does not reach.
    let token = cookie.strip_prefix("bloom_session=").unwrap();
    world.send("GET", "/api/v1/runs", &[("x-runtime-api-key", token)], "").await.refused(401, "AUTH_REQUIRED");
    let owner = [("cookie", cookie.as_str()), OWN, ("content-type", "application/json")];
    let put = world.send("PUT", "/api/v1/owners/Petro", &owner, r#"{"password": "a long password"}"#).await;
    put.refused(403, "FORBIDDEN");

    let out = world.send("POST", "/logout", &[("cookie", &cookie), OWN], "").await;
    assert_eq!((out.status, cookie_of(&out).as_str()), (303, "bloom_session="));
    assert_eq!(page_as(&world, "/audit", &cookie, "en").await.status, 303);
    world.end().await;
}

#[tokio::test]
async fn a_session_of_the_key_ends_with_the_key_with_its_time_and_by_the_api() {
    let world = with_key();
    let open = async |world: &World| cookie_of(&form(world, &[("key", KEY)], &[OWN]).await);
    let (first, second) = (open(&world).await, open(&world).await);
    let seen = async |world: &World, cookie: &str| page_as(world, "/settings", cookie, "en").await.status;
    assert_eq!((seen(&world, &first).await, seen(&world, &second).await), (200, 200));
    let ended = world.send("DELETE", "/api/v1/session", &[("cookie", &first), OWN], "").await;
    assert_eq!((ended.status, seen(&world, &first).await, seen(&world, &second).await), (204, 303, 200));
    let store = world.store.clone();
    world.end().await;

    // It outlives the server, as those of owners do.
    let again = World::with(Setup { key: Some(KEY), store: Some(store.clone()), ..Setup::default() });
    assert_eq!(seen(&again, &second).await, 200);
    again.pass(SESSION + Duration::from_mins(1));
    assert_eq!(seen(&again, &second).await, 303);
    again.end().await;
    for (key, secret) in [(Some("another key that is long"), None), (Some(KEY), Some("a secret")), (None, None)] {
        let config = ServerConfig { session_secret: secret.map(Into::into), ..ServerConfig::default() };
        let other = World::with(Setup { key, config, store: Some(store.clone()), ..Setup::default() });
        let who = other.send("GET", "/api/v1/session", &[("cookie", &second)], "").await;
        match key {
            Some(_) => drop(who.refused(401, "AUTH_REQUIRED")),
            None => assert_eq!(who.ok(200)["expires_at"], serde_json::Value::Null, "a cookie is nobody's there"),
        }
        other.end().await;
    }
}

#[tokio::test]
async fn where_no_key_is_needed_pages_are_open_and_offer_to_log_in() {
    let world = World::new();
    for path in ["/", "/runs", "/questions", "/proposals", "/audit", "/settings"] {
        let page = shown(&page_as(&world, path, "", "en").await);
        assert!(page.contains(r#"<a href="/login?next="#) && !page.contains("/logout"), "{page}");
    }
    let login = shown(&page_as(&world, "/login", "", "en").await);
    assert!(!login.contains("id=\"by-key\"") && login.contains("bloom owner set"), "there is no key to show: {login}");
    assert_eq!(form(&world, &[("key", "")], &[OWN]).await.status, 401, "no key is not an empty one");
    // From elsewhere it is as closed as the API.
    let elsewhere = world.send("GET", "/settings", &[("host", "evil.example.org")], "").await;
    assert_eq!(elsewhere.status, 403);
    assert!(!elsewhere.text().contains("<nav"), "{}", elsewhere.text());
    world.end().await;
}

#[tokio::test]
async fn a_page_speaks_the_language_and_wears_the_theme_that_were_chosen() {
    let world = World::new();
    let prefer = async |body: &str| world.send("POST", "/preferences", &[FORM, OWN], body).await;
    let chosen = prefer("lang=uk&next=%2Flogin%3Fnext%3D%252Faudit").await;
    assert_eq!((chosen.status, location(&chosen)), (303, "/login?next=%2Faudit"));
    let dark = cookie_of(&prefer("theme=dark&next=%2F").await);
    let cookies = format!("{}; {dark}", cookie_of(&chosen));
    for path in ["/login?next=%2Faudit", "/settings", "/audit"] {
        let page = shown(&page_as(&world, path, &cookies, "en").await);
        assert!(page.contains(r#"<html lang="uk" data-theme="dark">"#), "{page}");
    }
    assert!(shown(&page_as(&world, "/settings", &cookies, "en").await).contains("Налаштування"));
    world.end().await;
}

#[tokio::test]
async fn a_client_built_elsewhere_keeps_its_paths_beside_the_page_to_log_in() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("assets/fonts")).unwrap();
    std::fs::write(folder.path().join("index.html"), "<title>Garden</title>").unwrap();
    std::fs::write(folder.path().join("assets/fonts/a.woff2"), "a font").unwrap();
    let config = ServerConfig { web: Some(folder.path().to_owned()), ..ServerConfig::default() };
    let world = World::with(Setup { config, ..Setup::default() });
    let login = shown(&page_as(&world, "/login", "", "en").await);
    let style =
        login.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|path| path.contains("bloom.css"));
    assert_eq!(world.get(style.unwrap()).await.status, 200, "it has its style");
    assert_eq!(world.get("/assets/fonts/a.woff2").await.text(), "a font");
    for path in ["/settings", "/preferences"] {
        let page = world.send("GET", path, &[("accept", "text/html")], "").await;
        assert_eq!(page.text(), "<title>Garden</title>", "{path}");
    }
    world.end().await;
}

#[tokio::test]
async fn the_page_says_as_whom_somebody_is_logged_in() {
    let world = with_key();
    let cookie = owner(&world).await;
    let as_owner = shown(&page_as(&world, "/login?next=%2Fruns", &cookie, "en").await);
    assert!(section(&as_owner, "inside").contains(NAME) && !as_owner.contains("id=\"by-name\""), "{as_owner}");
    let by_key = cookie_of(&form(&world, &[("key", KEY)], &[OWN]).await);
    let as_operator = shown(&page_as(&world, "/login", &by_key, "en").await);
    assert!(section(&as_operator, "inside").contains("server&#39;s key"), "{as_operator}");
    assert!(as_operator.contains("id=\"by-name\""), "who decides logs in by name besides: {as_operator}");
    world.end().await;
}
