use std::fs;

use bloom_ir::document::Locale;

use super::*;

fn english() -> Catalogue {
    Catalogue::of(Locale::En)
}

fn load(text: &str, variables: &[(&str, &str)]) -> anyhow::Result<Config> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(FILE);
    fs::write(&path, text)?;
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(&Places { named: Some(&path), searched: Vec::new(), variables }, &english())
}

fn said(result: anyhow::Result<Config>) -> String {
    let error = result.err().unwrap();
    let hint = error.downcast_ref::<Explained>().and_then(|explained| explained.hint.clone()).unwrap_or_default();
    format!("{error:#} | {hint}")
}

fn entry(config: &Config, key: &str) -> (String, String) {
    let found = config.entries().into_iter().find(|entry| entry.key == key).unwrap();
    (found.value.to_string(), found.origin.name())
}

#[test]
fn the_environment_stands_over_the_file_and_an_option_over_both() {
    let text = "[server]\nworkers = 2\nmax_body_mib = 3\nlisten = \"127.0.0.1:7000\"\n";
    let mut config = load(text, &[("BLOOM_SERVER_WORKERS", "5"), ("BLOOM_SERVER_LISTEN", "[::1]:80")]).unwrap();
    config.option(&["server", "listen"], Some("127.0.0.1:9"), "--listen", &english()).unwrap();
    config.option(&["server", "insecure"], None::<bool>, "--insecure", &english()).unwrap();
    assert_eq!(entry(&config, "server.listen"), ("\"127.0.0.1:9\"".to_owned(), "option:--listen".to_owned()));
    assert_eq!(entry(&config, "server.workers"), ("5".to_owned(), "env:BLOOM_SERVER_WORKERS".to_owned()));
    let (value, origin) = entry(&config, "server.max_body_mib");
    assert!(value == "3" && origin.starts_with("file:/") && origin.ends_with("/bloom.toml:3"), "{value} {origin}");
    assert_eq!(entry(&config, "server.insecure"), ("false".to_owned(), "default".to_owned()));
    assert_eq!(config.settings.server.listen, "127.0.0.1:9".parse().unwrap());
}

#[test]
fn names_of_existing_installations_are_kept() {
    let config =
        load("", &[("PORT", "8080"), ("RUNTIME_API_KEY", "k"), ("BLOOM_LOG", "debug"), ("SESSION_SECRET", "s")])
            .unwrap();
    assert_eq!(config.settings.server.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.settings.log.filter.as_deref(), Some("debug"));
    assert_eq!(entry(&config, "server.api_key"), (format!("\"{MASK}\""), "env:RUNTIME_API_KEY".to_owned()));
    assert_eq!(entry(&config, "server.session_secret"), (format!("\"{MASK}\""), "env:SESSION_SECRET".to_owned()));
    assert!(said(load("", &[("PORT", "http")])).contains("server.listen cannot have this value ($PORT)"));
}

#[test]
fn unknown_keys_are_refused_with_the_one_that_may_be_meant() {
    let told = said(load("[server]\n# where\nlisen = \"x\"\n", &[]));
    assert!(told.contains("bloom.toml:3: there is no setting server.lisen | did you mean listen?"), "{told}");
    let told = said(load("[sever]\n", &[]));
    assert!(told.contains("there is no setting sever | did you mean server?"), "{told}");
    let told = said(load("[tools.x]\nhtpp = []\n", &[]));
    assert!(told.contains("there is no setting tools.x.htpp | did you mean http?"), "{told}");
    let told = said(load("", &[("BLOOM_SERVER_LISTN", "x")]));
    assert!(told.contains("BLOOM_SERVER_LISTN | did you mean BLOOM_SERVER_LISTEN?"), "{told}");
    // Not a setting, and not meant to be one.
    load("", &[("BLOOM_REQUIRE_CORPUS", "1")]).unwrap();
}

#[test]
fn a_value_of_another_kind_is_refused_with_its_place() {
    let told = said(load("[server]\nworkers = \"many\"\n", &[]));
    assert!(told.contains("server.workers cannot have this value"), "{told}");
    assert!(told.contains("bloom.toml:2") && told.contains("invalid type"), "{told}");
    assert!(said(load("server = 5\n", &[])).contains("server cannot have this value"));
    assert!(said(load("[server]\nworkers = -1\n", &[])).contains("server.workers"));
    assert!(said(load("[tools.x]\nconfig = { k = { fil = 'x' } }\n", &[])).contains("{ file = \"PATH\" }"));
    assert!(said(load("[server\n", &[])).contains("bloom.toml:1: this is not TOML"));
}

#[test]
fn a_number_that_no_setting_can_be_is_refused_and_not_passed_over() {
    for number in ["99999999999999999999", "inf", "nan", "1e999", "[99999999999999999999]"] {
        let text = format!("[membridge]\nurl = {number}\n");
        let told = said(load(&text, &[]));
        assert!(told.contains("bloom.toml:2") || told.contains("not TOML"), "{number}: {told}");
    }
    let told = said(load("[server]\npublic_url = 99999999999999999999\n", &[]));
    assert!(told.contains("server.public_url cannot have this value"), "{told}");
}

#[test]
fn grants_and_secrets_are_read_and_never_shown() {
    let text = "[tools.search]\nhttp = ['https://api.example.org']\n\
                config = { plain = 'hidden', shell = { env = 'SEARCH_KEY' }, disk = { file = 'key.txt' } }\n";
    let config = load(text, &[]).unwrap();
    let tool = &config.settings.tools["search"];
    assert_eq!(tool.http, ["https://api.example.org".parse().unwrap()]);
    assert_eq!(entry(&config, "tools.search.config.plain").0, format!("\"{MASK}\""));
    assert_eq!(entry(&config, "tools.search.config.shell").0, "{\"env\":\"SEARCH_KEY\"}");
    // A path is meant from the file's folder on.
    let ToolValue::Secret(Secret::File { file }) = &tool.config["disk"] else { panic!("{tool:?}") };
    assert!(file.is_absolute() && file.ends_with("key.txt"), "{file:?}");
    assert!(!format!("{config:?}").contains("hidden"), "{config:?}");
}

#[test]
fn everything_that_a_grant_needs_can_be_set() {
    let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!(
        "[network]\nca = 'ours.pem'\nhosts = {{ 'wiki.internal' = ['10.0.0.7', '::1'] }}\n\
         [tools.wiki]\ndigest = '{digest}'\nartifacts = 'all'\nconfig = {{ key = 'hidden' }}\n\
         http = [{{ to = 'http://wiki.internal:8080 GET', addresses = ['10.0.0.7'], headers = {{ X-Key = '{{key}}' }} }}]\n"
    );
    let config = load(&text, &[("BLOOM_LIMITS_HTTP_REQUESTS", "3"), ("BLOOM_LIMITS_TOOL_FUEL", "5000000000")]).unwrap();
    let settings = &config.settings;
    let tool = &settings.tools["wiki"];
    assert_eq!(tool.digest.unwrap().to_string(), digest);
    assert_eq!(tool.artifacts, Some(bloom_ir::capability::ArtifactScope::All));
    assert_eq!((tool.http[0].headers["x-key"].to_string(), tool.http[0].addresses.len()), ("{key}".to_owned(), 1));
    let ca = settings.network.ca.clone().unwrap();
    assert!(ca.is_absolute() && ca.ends_with("ours.pem"), "{ca:?}");
    assert_eq!(settings.network.hosts["wiki.internal"].len(), 2);
    assert_eq!((settings.limits.http_requests, settings.limits.tool_fuel), (3, 5_000_000_000));
    for (text, word) in [
        ("[tools.x]\ndigest = 'sha256:12'\n", "tools.x.digest"),
        ("[tools.x]\nartifacts = 'mine'\n", "tools.x.artifacts"),
        ("[tools.x]\nhttp = [{ to = 'https://a', headers = { host = 'b' } }]\n", "tools.x.http"),
        ("[network]\nhosts = { a = ['b'] }\n", "network.hosts.a"),
        ("[network]\nhost = {}\n", "did you mean hosts?"),
    ] {
        let told = said(load(text, &[]));
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn agents_have_settings_of_their_own() {
    let config = load("[agents.order-desk]\nruns = 0\n[limits]\nruns_queued = 9\n", &[]).unwrap();
    let agent = &config.settings.agents["order-desk"];
    assert_eq!((agent.runs, agent.runs_queued, config.settings.limits.runs_queued), (Some(0), None, 9));
    assert_eq!(entry(&config, "agents.order-desk.runs").0, "0");
    let told = said(load("[agents.x]\nrun = 1\n", &[]));
    assert!(told.contains("there is no setting agents.x.run | did you mean runs?"), "{told}");
    let told = said(load("", &[("BLOOM_LIMITS_RUNS_AT_ONCE", "many")]));
    assert!(told.contains("limits.runs_at_once"), "{told}");
}

#[test]
fn a_secret_in_a_file_ends_before_the_line_break() {
    use secrecy::ExposeSecret as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "s3cret \r\n").unwrap();
    let secret = Secret::File { file: file.clone() };
    assert_eq!(secret.read("k", &english()).unwrap().expose_secret(), "s3cret ");
    fs::write(&file, "\n").unwrap();
    assert!(secret.read("k", &english()).unwrap_err().to_string().contains("k is empty"));
    fs::remove_file(&file).unwrap();
    assert!(secret.read("k", &english()).is_err());
}

#[test]
#[cfg(unix)]
fn a_file_that_others_may_write_is_not_used_unless_it_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    fs::write(&path, "[server]\nworkers = 7\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let found = |named| {
        let places = Places { named, searched: vec![folder.path().join("none"), path.clone()], variables: Vec::new() };
        Config::load(&places, &english())
    };
    assert!(said(found(None)).contains("may be written by others"));
    assert_eq!(found(Some(&path)).unwrap().settings.server.workers, 7);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(found(None).unwrap().settings.server.workers, 7);
}

#[test]
fn folders_in_a_file_are_meant_from_its_folder_on() {
    let text =
        "[run]\nnotes = 'notes'\nllm = 'scripted:answers.json'\n[client]\nca = 'a.pem'\n[worker]\nca = 'b.pem'\n";
    let config = load(text, &[]).unwrap();
    let folder = config.file.clone().unwrap();
    let folder = folder.parent().unwrap();
    assert_eq!(config.settings.run.notes, Some(folder.join("notes")));
    assert_eq!(config.settings.run.llm, Some(format!("scripted:{}", folder.join("answers.json").display())));
    assert_eq!(config.settings.client.ca, Some(folder.join("a.pem")));
    assert_eq!(config.settings.worker.ca, Some(folder.join("b.pem")));
}

/// The rows of the tables in the documentation: key, default, variable.
fn documented() -> BTreeMap<String, (String, String)> {
    let text = include_str!("../../../../docs/configuration.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = |line: &str| -> Vec<String> {
        line.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`']).to_owned()).collect()
    };
    rows.map(cells).map(|cells| (cells[0].clone(), (cells[1].clone(), cells[2].clone()))).collect()
}

#[test]
fn every_setting_stands_in_the_documentation_with_its_default_and_its_variable() {
    let written = |value: &Value| match value {
        Value::Null => String::from("–"),
        Value::Array(items) => format!("[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    };
    let mut expected: BTreeMap<String, (String, String)> = Config::default()
        .entries()
        .into_iter()
        .filter(|entry| entry.key != "tools")
        .map(|entry| {
            let (section, key) = entry.key.split_once('.').unwrap();
            (entry.key.clone(), (written(&entry.value), environment::variable(section, key)))
        })
        .collect();
    for (key, default) in [
        ("network.hosts", "{}"),
        ("agents.NAME.runs", "–"),
        ("agents.NAME.runs_queued", "–"),
        ("agents.NAME.budget", "–"),
        ("budgets.NAME.calls", "–"),
        ("budgets.NAME.max_tokens", "–"),
        ("budgets.NAME.max_cost_micro_usd", "–"),
        ("budgets.NAME.timeout_seconds", "–"),
        ("budgets.NAME.day_calls", "–"),
        ("budgets.NAME.day_tokens", "–"),
        ("budgets.NAME.day_cost_micro_usd", "–"),
        ("tools.NAME.http", "[]"),
        ("tools.NAME.config", "{}"),
        ("tools.NAME.artifacts", "–"),
        ("tools.NAME.digest", "–"),
    ] {
        expected.insert(key.to_owned(), (default.to_owned(), "–".to_owned()));
    }
    assert_eq!(documented(), expected);
}
