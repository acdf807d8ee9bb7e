//! Edits `[tools.NAME]` of the operator's `bloom.toml`; what else stands there stays as it is, comments and all.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// What changes for a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Hosts that it may send requests to, added.
    pub http: Vec<String>,
    /// Hosts that it no longer may.
    pub no_http: Vec<String>,
    /// Settings, set.
    pub set: Vec<(String, Setting)>,
    /// Settings, taken away.
    pub unset: Vec<String>,
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
        hosts.retain(|host| host.as_str().is_none_or(|host| !change.no_http.iter().any(|gone| gone == host)));
        for host in &change.http {
            if !hosts.iter().any(|known| known.as_str() == Some(host)) {
                hosts.push(host);
            }
        }
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
        Change { http: hosts.iter().map(|&host| host.to_owned()).collect(), ..Change::default() }
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
