//! What the operator grants a tool: settings, hosts, artifacts. Folders are granted to all tools alike, by
//! [`Config::roots`](crate::Config::roots).
//!
//! The types read themselves from a configuration file, as TOML:
//!
//! ```toml
//! [tools.notebooklm-query]
//! digest = "sha256:…"                                 # only this component; without it, whichever has the name
//! config = { api_key = "…", language = { public = "uk" } }
//! http = [
//!   "https://api.example.org GET POST",
//!   { to = "http://wiki.internal:8080", addresses = ["10.0.0.7"], headers = { authorization = "Bearer {api_key}" } },
//! ]
//! ```

mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use bloom_ir::Digest;
use bloom_ir::capability::{ArtifactScope, HostNameError, HttpAsk, HttpMethod, MethodError, host_and_port, methods};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

pub use template::{HeaderTemplate, HeaderTemplateError};

/// What one tool gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolGrants {
    /// The component that is meant. Names are what tools say of themselves: with a digest, no other tool gets this by taking
    /// the name. None: whichever has the name.
    pub digest: Option<Digest>,
    /// Settings and secrets by key, for the tool to read where its manifest asks for them, and for the headers of
    /// [`ToolGrants::http`].
    pub config: BTreeMap<String, Setting>,
    /// Where it may send requests.
    pub http: Vec<HttpGrant>,
    /// Whose artifacts it may read; none: those of the calling agent.
    pub artifacts: Option<ArtifactScope>,
}

/// A value of the operator's for a tool. In a file it is a text, or `{ public = "…" }`.
#[derive(Clone, PartialEq, Eq)]
pub enum Setting {
    /// It is taken out of whatever the tool hands out; a result that holds it is an error.
    Secret(String),
    /// Anybody may see it.
    Public(String),
}

/// A host that a tool may send requests to. In a file it is a text, `SCHEME://HOST[:PORT] [METHOD…]`, or a table whose `to` is
/// such a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name in lower case, or an address: an address is granted whether or not it is public. IPv6 without brackets.
    pub host: String,
    /// That of the scheme unless named.
    pub port: u16,
    /// `GET` and `HEAD` unless named.
    pub methods: BTreeSet<HttpMethod>,
    /// Header fields that the host adds, by name in lower case, with secrets in them that the tool need not see.
    pub headers: BTreeMap<String, HeaderTemplate>,
    /// Addresses that a name may resolve to although they are not public.
    pub addresses: BTreeSet<IpAddr>,
}

/// How a host is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// With TLS.
    Https,
    /// In the clear.
    Http,
}

/// Why a text grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpGrantError {
    /// It does not start with a scheme.
    #[error("{0:?} does not start with `https://` or `http://`")]
    Scheme(String),
    /// It names a path.
    #[error("{0:?} names a path: a host is granted as a whole, as `https://api.example.org GET POST`")]
    Path(String),
    /// It names no host.
    #[error(transparent)]
    Host(#[from] HostNameError),
    /// It names no method where one is expected.
    #[error(transparent)]
    Method(#[from] MethodError),
}

impl Setting {
    /// The value, secret or not.
    pub fn expose(&self) -> &str {
        match self {
            Self::Secret(value) | Self::Public(value) => value,
        }
    }

    /// The value, if it must not be told.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Secret(value) => Some(value),
            Self::Public(_) => None,
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => formatter.write_str("Secret(***)"),
            Self::Public(value) => formatter.debug_tuple("Public").field(value).finish(),
        }
    }
}

impl Scheme {
    /// As a URL begins.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    /// Where nothing else is named.
    pub fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

impl HttpGrant {
    /// Whether it covers the host and the port that a manifest asks for.
    pub(crate) fn answers(&self, ask: &HttpAsk) -> bool {
        let same = |host: &String| *host == self.host && ask.port.unwrap_or(self.scheme.port()) == self.port;
        ask.host.as_ref().is_none_or(same)
    }

    /// The settings that its headers need.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.headers.values().flat_map(HeaderTemplate::keys)
    }

    /// Whether a connection to an address may be made for it.
    pub(crate) fn allows_address(&self, address: IpAddr) -> bool {
        self.host.parse() == Ok(address) || self.addresses.contains(&address)
    }
}

impl FromStr for HttpGrant {
    type Err = HttpGrantError;

    fn from_str(text: &str) -> Result<Self, HttpGrantError> {
        let mut words = text.split_ascii_whitespace();
        let to = words.next().unwrap_or_default();
        let (scheme, at) = [Scheme::Https, Scheme::Http]
            .into_iter()
            .find_map(|scheme| Some((scheme, to.strip_prefix(scheme.as_str())?.strip_prefix("://")?)))
            .ok_or_else(|| HttpGrantError::Scheme(to.to_owned()))?;
        let at = at.strip_suffix('/').unwrap_or(at);
        if at.contains(['/', '?', '#']) {
            return Err(HttpGrantError::Path(to.to_owned()));
        }
        let (host, port) = host_and_port(at)?;
        let port = port.unwrap_or(scheme.port());
        let methods = methods(words)?;
        Ok(Self { scheme, host, port, methods, headers: BTreeMap::new(), addresses: BTreeSet::new() })
    }
}

/// As it is written, without headers and addresses.
impl fmt::Display for HttpGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, methods, .. } = self;
        write!(formatter, "{}://", scheme.as_str())?;
        let (left, right) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{left}{host}{right}")?;
        if *port != scheme.port() {
            write!(formatter, ":{port}")?;
        }
        methods.iter().try_for_each(|method| write!(formatter, " {method}"))
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            public: String,
        }

        struct TextOrTable;

        impl<'de> Visitor<'de> for TextOrTable {
            type Value = Setting;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text, or `{ public = \"…\" }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Setting, E> {
                Ok(Setting::Secret(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Setting, A::Error> {
                let Table { public } = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Setting::Public(public))
            }
        }

        // A number that stands where a secret is expected would be quoted in the error, so it is not looked at.
        deserializer.deserialize_any(TextOrTable)
    }
}

/// As it is read: a text where that says it all.
impl Serialize for HttpGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Table {
            to: String,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            headers: BTreeMap<String, String>,
            #[serde(skip_serializing_if = "BTreeSet::is_empty")]
            addresses: BTreeSet<IpAddr>,
        }

        if self.headers.is_empty() && self.addresses.is_empty() {
            return serializer.collect_str(self);
        }
        let headers = self.headers.iter().map(|(name, template)| (name.clone(), template.to_string())).collect();
        Table { to: self.to_string(), headers, addresses: self.addresses.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for HttpGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            to: String,
            #[serde(default)]
            headers: BTreeMap<String, String>,
            #[serde(default)]
            addresses: BTreeSet<IpAddr>,
        }

        struct TextOrTable;

        impl<'de> Visitor<'de> for TextOrTable {
            type Value = HttpGrant;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text as `https://api.example.org GET POST`, or a table with such a text as `to`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<HttpGrant, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HttpGrant, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let grant: HttpGrant = table.to.parse().map_err(de::Error::custom)?;
                let header = |(name, text): (String, String)| {
                    let template = HeaderTemplate::parse(&name, &text).map_err(de::Error::custom)?;
                    Ok((name.to_ascii_lowercase(), template))
                };
                let headers = table.headers.into_iter().map(header).collect::<Result<_, A::Error>>()?;
                Ok(HttpGrant { headers, addresses: table.addresses, ..grant })
            }
        }

        deserializer.deserialize_any(TextOrTable)
    }
}

#[cfg(test)]
mod tests;
