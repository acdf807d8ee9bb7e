//! Edits `[tools.NAME]` of the operator's `bloom.toml`; what else stands there stays as it is, comments and all.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// What changes for a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The component that is meant, by its digest.
    pub digest: Option<Digest>,
    /// Hosts that it may send requests to, added.
    pub http: Vec<Http>,
    /// Hosts that it no longer may.
    pub no_http: Vec<String>,
    /// Settings, set.
    pub set: Vec<(String, Setting)>,
    /// Settings, taken away.
    pub unset: Vec<String>,
    /// Whose artifacts it may read.
    pub artifacts: Option<String>,
}

/// Whether only one component is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// The one with this digest.
    Only(String),
    /// Whichever has the tool's name.
    Any,
}

/// A host that is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// `SCHEME://HOST[:PORT] [METHOD…]`
    pub to: String,
    /// Header fields that are added to requests, with `{key}` in the place of settings. Others that were there stay.
    pub headers: Vec<(String, String)>,
    /// Addresses that are not public, which its name may resolve to. Others that were there stay.
    pub addresses: Vec<String>,
}

/// Where the value of a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// In the file itself, as a secret.
    Value(String),
    /// In the file itself, for anybody to see.
    Public(String),
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(String),
}

/// Why the file is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// It is no TOML.
    #[error("{0}")]
    Toml(String),
    /// Something else stands where a table or a list should.
    #[error("`{0}` is not what it should be there")]
    Shape(String),
}

/// The text of the file after a change. The same change twice is the same as once.
pub fn edit(text: &str, tool: &str, change: &Change) -> Result<String, GrantError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| GrantError::Toml(error.to_string()))?;
    let table = tool_table(&mut document, tool)?;
    let shape = |key: &str| GrantError::Shape(format!("tools.{tool}.{key}"));
    if !(change.http.is_empty() && change.no_http.is_empty()) {
        let hosts = table.entry("http").or_insert_with(|| Array::new().into());
        let hosts = hosts.as_array_mut().ok_or_else(|| shape("http"))?;
        hosts.retain(|host| target(host).is_none_or(|host| !change.no_http.iter().any(|gone| gone == host)));
        for host in &change.http {
            grant(hosts, host);
        }
    }
    match &change.digest {
        Some(Digest::Only(digest)) => put(table, "digest", digest),
        Some(Digest::Any) => drop(table.remove("digest")),
        None => {}
    }
    if let Some(artifacts) = &change.artifacts {
        put(table, "artifacts", artifacts);
    }
    if !(change.set.is_empty() && change.unset.is_empty()) {
        let config = table.entry("config").or_insert_with(|| InlineTable::new().into());
        let config = config.as_table_like_mut().ok_or_else(|| shape("config"))?;
        for key in &change.unset {
            let _ = config.remove(key);
        }
        for (key, setting) in &change.set {
            let _ = config.insert(key, Item::Value(value(setting)));
        }
    }
    for (key, is_empty) in [("http", is_empty_array as fn(&Item) -> bool), ("config", is_empty_table)] {
        if table.get(key).is_some_and(is_empty) {
            let _ = table.remove(key);
        }
    }
    Ok(document.to_string())
}

/// What an entry of `http` grants, without headers and addresses.
fn target(entry: &Value) -> Option<&str> {
    entry.as_str().or_else(|| entry.as_inline_table()?.get("to")?.as_str())
}

/// Adds a host, or what is new of one that is there.
fn grant(hosts: &mut Array, http: &Http) {
    let found = hosts.iter().position(|known| target(known) == Some(&http.to));
    let is_plain = http.headers.is_empty() && http.addresses.is_empty();
    match found {
        Some(_) if is_plain => return,
        None if is_plain => return hosts.push(&http.to),
        _ => {}
    }
    let there = found.and_then(|at| hosts.get(at)?.as_inline_table().cloned());
    let mut entry = there.unwrap_or_else(|| [("to", &http.to)].into_iter().collect());
    if !http.headers.is_empty() {
        let headers = entry.get_or_insert("headers", InlineTable::new());
        if let Some(headers) = headers.as_inline_table_mut() {
            for (name, text) in &http.headers {
                headers.insert(name, text.into());
            }
        }
    }
    if !http.addresses.is_empty() {
        let addresses = entry.get_or_insert("addresses", Array::new());
        if let Some(addresses) = addresses.as_array_mut() {
            for address in &http.addresses {
                if !addresses.iter().any(|known| known.as_str() == Some(address)) {
                    addresses.push(address);
                }
            }
        }
    }
    match found {
        // Its own decoration stays: comments stand before an entry.
        Some(at) => drop(hosts.replace(at, entry)),
        None => hosts.push(entry),
    }
}

fn put(table: &mut dyn TableLike, key: &str, text: &str) {
    if table.get(key).and_then(Item::as_str) != Some(text) {
        let _ = table.insert(key, Item::Value(text.into()));
    }
}

/// The table of a tool, made where it is not there, below a `[tools]` that needs no line of its own.
fn tool_table<'a>(document: &'a mut DocumentMut, tool: &str) -> Result<&'a mut dyn TableLike, GrantError> {
    let implicit = || {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    };
    let tools = document.entry("tools").or_insert_with(implicit);
    let tools = tools.as_table_like_mut().ok_or_else(|| GrantError::Shape("tools".into()))?;
    let table = tools.entry(tool).or_insert_with(|| Item::Table(Table::new()));
    table.as_table_like_mut().ok_or_else(|| GrantError::Shape(format!("tools.{tool}")))
}

fn value(setting: &Setting) -> Value {
    let reference = |key: &str, name: &str| {
        let mut table = InlineTable::new();
        table.insert(key, name.into());
        Value::from(table)
    };
    match setting {
        Setting::Value(value) => value.into(),
        Setting::Public(value) => reference("public", value),
        Setting::Env(name) => reference("env", name),
        Setting::File(path) => reference("file", path),
    }
}

fn is_empty_array(item: &Item) -> bool {
    item.as_array().is_some_and(Array::is_empty)
}

fn is_empty_table(item: &Item) -> bool {
    item.as_table_like().is_some_and(TableLike::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(hosts: &[&str]) -> Change {
        let http = hosts.iter().map(|&host| Http { to: host.to_owned(), ..Http::default() });
        Change { http: http.collect(), ..Change::default() }
    }

    #[test]
    fn headers_and_addresses_go_with_their_host() {
        let with = |headers: &[(&str, &str)], addresses: &[&str]| {
            let headers = headers.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
            let http = vec![Http { to: "https://a.example GET".into(), headers, addresses }];
            Change { http, ..Change::default() }
        };
        let plain = "[tools.t]\nhttp = [\n    # mine\n    \"https://a.example GET\",\n    \"https://b.example\",\n]\n";
        let text = edit(plain, "t", &with(&[("authorization", "Bearer {key}")], &["10.0.0.7"])).unwrap();
        let expected = r#"{ to = "https://a.example GET", headers = { authorization = "Bearer {key}" }, addresses = ["10.0.0.7"] }"#;
        assert!(text.contains(expected) && text.contains("# mine") && text.contains("https://b.example"), "{text}");
        let more = edit(&text, "t", &with(&[("x-id", "1"), ("authorization", "{key}")], &["10.0.0.7", "::1"])).unwrap();
        let expected = r#"headers = { authorization = "{key}", x-id = "1" }, addresses = ["10.0.0.7", "::1"]"#;
        assert!(more.contains(expected), "{more}");
        assert_eq!(edit(&more, "t", &http(&["https://a.example GET"])).unwrap(), more, "it is granted already");
        let gone = Change { no_http: vec!["https://a.example GET".into()], ..Change::default() };
        assert_eq!(edit(&more, "t", &gone).unwrap().matches("a.example").count(), 0);
    }

    #[test]
    fn a_component_is_meant_until_any_is() {
        let digest = Some(Digest::Only("sha256:00".into()));
        let text = edit("", "t", &Change { digest, artifacts: Some("all".into()), ..Change::default() }).unwrap();
        assert_eq!(text, "[tools.t]\ndigest = \"sha256:00\"\nartifacts = \"all\"\n");
        let any = Change { digest: Some(Digest::Any), ..Change::default() };
        assert_eq!(edit(&text, "t", &any).unwrap(), "[tools.t]\nartifacts = \"all\"\n");
    }

    #[test]
    fn an_empty_file_gets_a_table() {
        let change = Change {
            set: vec![("key".into(), Setting::Env("API_KEY".into())), ("lang".into(), Setting::Value("uk".into()))],
            ..http(&["https://api.example.org"])
        };
        let text = edit("", "weather", &change).unwrap();
        assert_eq!(
            text,
            "[tools.weather]\nhttp = [\"https://api.example.org\"]\nconfig = { key = { env = \"API_KEY\" }, lang = \"uk\" }\n"
        );
        assert_eq!(edit(&text, "weather", &change).unwrap(), text, "the same again changes nothing");
    }

    #[test]
    fn comments_and_everything_else_stay() {
        let before = "# mine\n[run]\nnotes = \"n\" # here\n\n[tools.weather] # the sky\nhttp = [\n    # the old one\n    \"https://a.example\",\n]\n\n[tools.other]\nhttp = []\n";
        let after = edit(before, "weather", &http(&["https://b.example"])).unwrap();
        for kept in
            ["# mine", "# here", "# the sky", "# the old one", "\"https://a.example\"", "[tools.other]\nhttp = []"]
        {
            assert!(after.contains(kept), "{kept}: {after}");
        }
        assert!(after.contains("\"https://b.example\""));
    }

    #[test]
    fn what_is_taken_away_leaves_no_empty_list() {
        let text =
            edit("", "t", &Change { set: vec![("k".into(), Setting::Value("v".into()))], ..http(&["https://a"]) })
                .unwrap();
        let change = Change { no_http: vec!["https://a".into()], unset: vec!["k".into()], ..Change::default() };
        assert_eq!(edit(&text, "t", &change).unwrap(), "[tools.t]\n");
    }

    #[test]
    fn settings_in_a_table_of_their_own_are_found() {
        let after = edit(
            "[tools.t.config]\na = \"1\" # one\n",
            "t",
            &Change { set: vec![("b".into(), Setting::File("f".into()))], ..Change::default() },
        );
        assert_eq!(after.unwrap(), "[tools.t.config]\na = \"1\" # one\nb = { file = \"f\" }\n");
    }

    #[test]
    fn a_file_of_another_shape_is_left_alone() {
        assert!(matches!(edit("tools = 1", "t", &http(&["h"])), Err(GrantError::Shape(key)) if key == "tools"));
        assert!(matches!(edit("[tools]\nt = 1", "t", &http(&["h"])), Err(GrantError::Shape(key)) if key == "tools.t"));
        assert!(
            matches!(edit("[tools.t]\nhttp = 1", "t", &http(&["h"])), Err(GrantError::Shape(key)) if key == "tools.t.http")
        );
        assert!(matches!(edit("[[[", "t", &http(&["h"])), Err(GrantError::Toml(_))));
    }
}
