//! Where a request comes from: from which address, by which name, and from whose page.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, header};

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::listener::Peer;

/// Whose request it is: the peer's, or what a proxy that is trusted says of it.
pub(crate) fn client(app: &App, request: &Request) -> Option<IpAddr> {
    let mut client = peer(request)?;
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    // Each proxy adds whom it heard from at the end.
    for address in forwarded.iter().rev() {
        if !app.config.trusts(client) {
            break;
        }
        // What is no address is as good as nothing: who writes that is counted as the last one that is known.
        let Some(address) = read_address(address.trim()) else { break };
        client = address.to_canonical();
    }
    Some(client)
}

/// An address, as proxies write it: some with the port, and those of IPv6 in brackets.
fn read_address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    plain.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn peer(request: &Request) -> Option<IpAddr> {
    let ConnectInfo(Peer(peer)) = request.extensions().get::<ConnectInfo<Peer>>()?;
    Some(peer.as_ref()?.ip().to_canonical())
}

/// Without a key, whoever reaches this machine's own address is let in. A name that leads here from elsewhere must not be
/// enough (a page may rebind its name to this address), nor a proxy that stands before.
pub(crate) fn local_only(app: &App, request: &Request) -> Result<(), ApiError> {
    if app.config.insecure {
        return Ok(());
    }
    let refused = |message: &str| Err(ApiError::new(Code::Forbidden, message));
    let forwarded = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"];
    if forwarded.iter().any(|name| request.headers().contains_key(*name)) {
        return refused("a request from elsewhere is not served while there is no key");
    }
    if peer(request).is_some_and(|peer| !peer.is_loopback()) {
        return refused("others are not served while there is no key");
    }
    let host = text(request.headers(), "host").map(str::to_ascii_lowercase);
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase()));
    match host {
        Some(host) if !is_local(&host) && app.config.public_host().as_ref() != Some(&host) => {
            refused("this server is not known by that name; set server.public_url, or a key")
        }
        _ => Ok(()),
    }
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A page of another origin must not change anything where no key has to be shown.
pub(crate) fn not_from_elsewhere(app: &App, request: &Request) -> Result<(), ApiError> {
    if request.method().is_safe() || is_of_own_page(app, request) != Some(false) {
        return Ok(());
    }
    Err(ApiError::new(Code::Forbidden, "a page from elsewhere may not do this"))
}

/// What a browser adds to requests by itself, as a cookie, lets a request change something only where the browser says, too, that
/// a page of this server sent it.
pub(crate) fn from_own_page(app: &App, request: &Request) -> Result<(), ApiError> {
    if request.method().is_safe() || is_of_own_page(app, request) == Some(true) {
        return Ok(());
    }
    let message = "with a session's cookie, only a page of this server may do this: neither Origin nor Sec-Fetch-Site says that it \
                   was one. Programs show the session's token as a bearer token; behind a proxy, set server.public_url";
    Err(ApiError::new(Code::Forbidden, message))
}

/// Whether a page of this server sent it, as the browser says (Fetch Metadata, RFC 6454); `None` where nothing is said, which
/// no browser does that sends what may change something.
fn is_of_own_page(app: &App, request: &Request) -> Option<bool> {
    let headers = request.headers();
    let origin = text(headers, "origin");
    // `null` is what a page without an origin sends, and one that tells nobody its own.
    let is_ours = origin.filter(|origin| *origin != "null").map(|origin| is_own(app, request, origin));
    match (text(headers, "sec-fetch-site"), is_ours) {
        (_, Some(false)) => Some(false),
        (Some(site), _) => Some(matches!(site, "same-origin" | "none")),
        (None, Some(true)) => Some(true),
        (None, None) => origin.is_some().then_some(false),
    }
}

fn is_own(app: &App, request: &Request, origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    if app.config.tls.is_some() && scheme != "https" {
        return false;
    }
    let forwarded = through_proxy(app, request).then(|| text(request.headers(), "x-forwarded-host")).flatten();
    let known = [text(request.headers(), "host"), forwarded];
    known.into_iter().flatten().any(|host| host.eq_ignore_ascii_case(authority))
        || app.config.public_host().is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

/// Whether what the browser sends is encrypted up to here, or up to a proxy that is trusted.
pub(crate) fn is_encrypted(app: &App, request: &Request) -> bool {
    let is_public = app.config.public_url.as_ref().is_some_and(|url| url.to_ascii_lowercase().starts_with("https:"));
    let is_forwarded = || through_proxy(app, request) && text(request.headers(), "x-forwarded-proto") == Some("https");
    app.config.tls.is_some() || is_public || is_forwarded()
}

fn through_proxy(app: &App, request: &Request) -> bool {
    peer(request).is_some_and(|peer| app.config.trusts(peer))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The cookie of a session.
pub(crate) const COOKIE: &str = "bloom_session";

/// The token that a session's cookie holds.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    cookie_named(headers, COOKIE)
}

/// What a cookie holds (RFC 6265).
pub(crate) fn cookie_named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then_some(value)
    })
}

/// What has a browser keep the token of a session for so many seconds, or forget it with 0.
pub(crate) fn set_cookie(token: &str, seconds: u64, is_encrypted: bool) -> String {
    set_cookie_named(COOKIE, token, seconds, is_encrypted)
}

/// What has a browser keep a cookie for so many seconds: no script reads it, and no page from elsewhere has it sent.
pub(crate) fn set_cookie_named(name: &str, value: &str, seconds: u64, is_encrypted: bool) -> String {
    let secure = if is_encrypted { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether a browser that is led there stays on this server: a path, and no `//host` or `/\\host`, which browsers take for one.
pub(crate) fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && path.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for own in ["/", "/runs?status=failed&flow=%D1%80", "/runs/r-1#effects"] {
            assert!(is_own_path(own), "{own}");
        }
        for odd in ["", "runs", "//example.org", "/\\example.org", "https://example.org/", "/a\nb", "/ ", "/й"] {
            assert!(!is_own_path(odd), "{odd}");
        }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
        ] {
            assert_eq!(read_address(text), Some(address.parse().unwrap()), "{text}");
        }
        for odd in ["", "unknown", "_hidden", "[192.0.2.1", "example.org"] {
            assert_eq!(read_address(odd), None, "{odd}");
        }
    }
}
