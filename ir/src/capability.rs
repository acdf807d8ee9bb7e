//! What a tool asks for, as its manifest writes it and as a signed policy carries it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something outside of itself that a tool wants to use, as `files:notes` or `http:api.example.org GET POST`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// `files:ROOT`: to read below a folder that the operator named.
    Files(String),
    /// `config:KEY`: a setting or secret of its own.
    Config(String),
    /// `artifacts:own` or `artifacts:all`: what runs handed out.
    Artifacts(ArtifactScope),
    /// `http:HOST[:PORT] [METHOD…]`: to send requests.
    Http(HttpAsk),
    /// A kind that this version does not know, and never grants.
    Unknown(String),
}

/// Whose artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArtifactScope {
    /// Those of runs of the calling agent.
    Own,
    /// Those of all agents of the run's context.
    All,
}

/// Where a tool wants to send which requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpAsk {
    /// None is `*`: whichever hosts the operator grants.
    pub host: Option<String>,
    /// None is the port of the scheme that the operator grants.
    pub port: Option<u16>,
    /// `GET` and `HEAD` where the capability names none.
    pub methods: BTreeSet<HttpMethod>,
}

/// A method of a request (RFC 9110, RFC 5789) that a tool may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they are named as the RFCs name them")]
pub enum HttpMethod {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// Why a text is no capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityError {
    /// There is no kind, or nothing after it.
    #[error("{0:?} is not of the form `kind:name`")]
    Form(String),
    /// `artifacts:` is followed by something else than `own` or `all`.
    #[error("{0:?}: artifacts are `artifacts:own` or `artifacts:all`")]
    Scope(String),
    /// What should be a host is none.
    #[error(transparent)]
    Host(#[from] HostNameError),
    /// What should be a method is none.
    #[error(transparent)]
    Method(#[from] MethodError),
}

/// Why a text is no host with an optional port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no host: a name in lower case and ASCII, an IPv4 address or an IPv6 address in brackets, then perhaps `:PORT`"
)]
pub struct HostNameError {
    /// The text.
    pub text: String,
}

/// Why a text is no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is none of the methods GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
pub struct MethodError {
    /// The text.
    pub text: String,
}

impl Capability {
    /// The word before the colon.
    pub fn kind(&self) -> &str {
        match self {
            Self::Files(_) => "files",
            Self::Config(_) => "config",
            Self::Artifacts(_) => "artifacts",
            Self::Http(_) => "http",
            Self::Unknown(text) => text.split_once(':').map_or(text.as_str(), |(kind, _)| kind),
        }
    }
}

impl FromStr for Capability {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, CapabilityError> {
        let parts = text.split_once(':').filter(|(kind, name)| !kind.is_empty() && !name.is_empty());
        let (kind, name) = parts.ok_or_else(|| CapabilityError::Form(text.to_owned()))?;
        Ok(match kind {
            "files" => Self::Files(name.to_owned()),
            "config" => Self::Config(name.to_owned()),
            "artifacts" => Self::Artifacts(match name {
                "own" => ArtifactScope::Own,
                "all" => ArtifactScope::All,
                _ => return Err(CapabilityError::Scope(text.to_owned())),
            }),
            "http" => Self::Http(name.parse()?),
            _ => Self::Unknown(text.to_owned()),
        })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(root) => write!(formatter, "files:{root}"),
            Self::Config(key) => write!(formatter, "config:{key}"),
            Self::Artifacts(ArtifactScope::Own) => formatter.write_str("artifacts:own"),
            Self::Artifacts(ArtifactScope::All) => formatter.write_str("artifacts:all"),
            Self::Http(ask) => write!(formatter, "http:{ask}"),
            Self::Unknown(text) => formatter.write_str(text),
        }
    }
}

impl FromStr for HttpAsk {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, CapabilityError> {
        let mut words = text.split_ascii_whitespace();
        let (host, port) = match words.next() {
            Some("*") => (None, None),
            at => {
                let (host, port) = host_and_port(at.unwrap_or_default())?;
                (Some(host), port)
            }
        };
        Ok(Self { host, port, methods: methods(words)? })
    }
}

impl fmt::Display for HttpAsk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.as_deref() {
            None => formatter.write_str("*")?,
            Some(address) if address.contains(':') => write!(formatter, "[{address}]")?,
            Some(host) => formatter.write_str(host)?,
        }
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        self.methods.iter().try_for_each(|method| write!(formatter, " {method}"))
    }
}

impl HttpMethod {
    const ALL: [Self; 7] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// As a request's first line has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

impl FromStr for HttpMethod {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let found = Self::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| MethodError { text: text.to_owned() })
    }
}

impl fmt::Display for HttpMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The methods that words name; `GET` and `HEAD` where there are none.
pub fn methods<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<BTreeSet<HttpMethod>, MethodError> {
    let named: BTreeSet<HttpMethod> = words.into_iter().map(str::parse).collect::<Result<_, _>>()?;
    Ok(if named.is_empty() { BTreeSet::from([HttpMethod::Get, HttpMethod::Head]) } else { named })
}

/// Takes `host`, `host:8080`, `127.0.0.1:8080` or `[::1]:8080` apart. An IPv6 address comes without its brackets.
pub fn host_and_port(text: &str) -> Result<(String, Option<u16>), HostNameError> {
    let wrong = || HostNameError { text: text.to_owned() };
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or_else(wrong)?;
        let address: std::net::Ipv6Addr = address.parse().map_err(|_| wrong())?;
        let port = if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or_else(wrong)?) };
        (address.to_string(), port)
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        if !is_host_name(host) {
            return Err(wrong());
        }
        (host.to_owned(), port)
    };
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok()).flatten();
    let port = port.map(|port| digits(port).filter(|port| *port != 0).ok_or_else(wrong)).transpose()?;
    Ok((host, port))
}

/// A name of the DNS, as RFC 1123 has it, or an IPv4 address. Underscores occur, and are harmless. A last label of digits
/// alone makes it an address for some resolvers, so then it must be one.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(plain)
    };
    let last_is_number = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= 253 && text.split('.').all(label) && (!last_is_number || text.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_read_as_they_are_written() {
        for text in [
            "files:notes",
            "config:api_key",
            "artifacts:own",
            "artifacts:all",
            "http:api.example.org GET HEAD",
            "http:api.example.org:8443 POST",
            "http:* GET",
            "http:127.0.0.1:8080 GET DELETE",
            "http:[::1]:80 GET",
            "http:[::1] GET",
            "mail:inbox",
        ] {
            assert_eq!(text.parse::<Capability>().unwrap().to_string(), text);
        }
        let Capability::Http(ask) = "http:[::1]:80".parse().unwrap() else { panic!() };
        assert_eq!((ask.host.as_deref(), ask.port), (Some("::1"), Some(80)));
        assert_eq!(ask.methods, BTreeSet::from([HttpMethod::Get, HttpMethod::Head]));
        assert_eq!("mail:inbox".parse::<Capability>().unwrap().kind(), "mail");
    }

    #[test]
    fn what_is_wrong_with_a_capability_is_told() {
        for (text, complaint) in [
            ("files", "`kind:name`"),
            (":notes", "`kind:name`"),
            ("files:", "`kind:name`"),
            ("artifacts:mine", "`artifacts:own`"),
            ("http:Example.org", "\"Example.org\" is no host"),
            ("http:example.org get", "\"get\" is none of the methods"),
            ("http:https://example.org", "no host"),
            ("http:example.org:0", "no host"),
            ("http:example.org:+80", "no host"),
            ("http:example.org:99999", "no host"),
            ("http:*.example.org", "no host"),
            ("http:user@example.org", "no host"),
            ("http:::1", "no host"),
            ("http:0x7f.1", "no host"),
            ("http:127.1", "no host"),
            ("http:приклад.укр", "no host"),
            ("http: ", "no host"),
        ] {
            let error = text.parse::<Capability>().unwrap_err().to_string();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }
}
