//! What an operator writes into `bloom.toml` so that a tool gets what it asks for.

use std::collections::BTreeSet;

use bloom_ir::capability::{ArtifactScope, Capability};
use bloom_runtime::engine::Refusal;

use crate::catalogue::{Catalogue, text};

/// What to write so that tools are no longer refused; none where nothing that is written would help.
pub(crate) fn hint(refusals: &[Refusal], catalogue: &Catalogue) -> Option<String> {
    let mut folders = BTreeSet::new();
    let mut sections = String::new();
    for refusal in refusals {
        let Refusal::Tool { tool, code, asks, .. } = refusal else { continue };
        if code != "not_granted" {
            continue;
        }
        let asked: Vec<Capability> = asks.iter().filter_map(|text| text.parse().ok()).collect();
        let lines: Vec<String> = asked.iter().filter_map(line).collect();
        if !lines.is_empty() {
            sections.extend(["\n\n[tools.", tool.as_str(), "]\n", lines.join("\n").as_str()]);
        }
        folders.extend(asked.iter().filter_map(|asked| match asked {
            Capability::Files(root) => Some(format!("{root} = \"DIR\"")),
            _ => None,
        }));
    }
    // A folder may be granted already: it is only told where nothing else can be the reason.
    if sections.is_empty() && !folders.is_empty() {
        let folders: Vec<String> = folders.into_iter().collect();
        sections = format!("\n\n[run]\n{}", folders.join("\n"));
    }
    (!sections.is_empty()).then(|| text!(catalogue, "run-refused-hint") + &sections)
}

/// A line of a tool's section; none for what is granted otherwise.
fn line(asked: &Capability) -> Option<String> {
    match asked {
        Capability::Http(ask) => {
            let host = ask.host.as_deref().unwrap_or("HOST");
            let port = ask.port.map(|port| format!(":{port}")).unwrap_or_default();
            let methods: Vec<&str> = ask.methods.iter().map(|method| method.as_str()).collect();
            Some(format!("http = [\"https://{host}{port} {}\"]", methods.join(" ")))
        }
        Capability::Config(key) => Some(format!("config.{key} = {{ public = \"…\" }}")),
        Capability::Artifacts(ArtifactScope::All) => Some("artifacts = \"all\"".to_owned()),
        Capability::Files(_) | Capability::Artifacts(ArtifactScope::Own) | Capability::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;

    fn refused(tool: &str, code: &str, asks: &[&str]) -> Refusal {
        let asks = asks.iter().map(|text| (*text).to_owned()).collect();
        Refusal::Tool { tool: tool.into(), code: code.into(), message: String::new(), asks }
    }

    #[test]
    fn what_to_write_is_what_the_tools_ask_for() {
        let english = Catalogue::of(Locale::En);
        let refusals = [
            refused("a", "not_granted", &["files:notes", "http:api.example.org:8443 GET POST", "config:url"]),
            refused("b", "not_granted", &["http:* GET", "artifacts:own", "artifacts:all"]),
            refused("c", "unknown_tool", &[]),
        ];
        let hint = hint(&refusals, &english).unwrap();
        let told = hint.split_once("\n\n").unwrap().1;
        assert_eq!(
            told,
            "[tools.a]\nhttp = [\"https://api.example.org:8443 GET POST\"]\nconfig.url = { public = \"…\" }\n\n\
             [tools.b]\nhttp = [\"https://HOST GET\"]\nartifacts = \"all\""
        );
        let folder = super::hint(&[refused("a", "not_granted", &["files:notes"])], &english).unwrap();
        assert!(folder.ends_with("[run]\nnotes = \"DIR\""), "{folder}");
        assert_eq!(super::hint(&[refused("c", "unknown_tool", &[])], &english), None);
    }
}
