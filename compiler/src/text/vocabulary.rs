//! The tools that texts may name.

use std::collections::BTreeMap;

use bloom_ir::Digest;
use bloom_ir::manifest::ToolManifest;

use super::names::{Near, nearest};

/// The known tools, by name, also by their other names.
#[derive(Debug)]
pub(crate) struct Vocabulary<'a> {
    tools: BTreeMap<&'a str, (&'a ToolManifest, Option<Digest>)>,
}

impl<'a> Vocabulary<'a> {
    pub(crate) fn new(tools: &'a [(ToolManifest, Option<Digest>)]) -> Self {
        let names = |(tool, digest): &'a (ToolManifest, Option<Digest>)| {
            let entry = (tool, *digest);
            tool.also_called.iter().map(move |name| (name.as_str(), entry))
        };
        // A later tool stands for an earlier one, and a tool's own name comes before what another is called besides.
        let mut by_name: BTreeMap<_, _> = tools.iter().flat_map(names).collect();
        by_name.extend(tools.iter().map(|(tool, digest)| (tool.name.as_str(), (tool, *digest))));
        Self { tools: by_name }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<(&'a ToolManifest, Option<Digest>)> {
        self.tools.get(name).copied()
    }

    /// The tool that was probably meant.
    pub(crate) fn nearest(&self, name: &str) -> Option<Near<'a>> {
        nearest(name, self.tools.keys().copied())
    }

    /// A statement that prose could have been: the call of a tool with such words in its name, or of an LLM.
    pub(crate) fn statement_like(&self, prose: &str) -> String {
        let lower = prose.to_lowercase();
        let words: Vec<&str> =
            lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let like = self.tools.values().find(|(tool, _)| {
            let mut parts = tool.name.split('-').peekable();
            parts.peek().is_some()
                && parts.all(|part| words.iter().take(8).any(|word| *word == part || nearest(word, [part]).is_some()))
        });
        if let Some((tool, _)) = like {
            return format!("{}({})", tool.name, tool.params.join(", "));
        }
        let line = prose.lines().next().unwrap_or_default().trim();
        let short: String = line.chars().take(60).collect();
        format!("x ← LLM(\"{}\")", short.replace('"', "'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, version: &str, also_called: &[&str]) -> (ToolManifest, Option<Digest>) {
        let manifest = serde_json::json!({
            "name": name, "version": version, "description": "…", "effect": "read", "input": {}, "output": {},
            "also_called": also_called,
        });
        (serde_json::from_value(manifest).unwrap(), None)
    }

    #[test]
    fn a_tool_is_known_by_all_its_names_and_its_own_comes_first() {
        let tools = [
            tool("read-memory", "0.1.0", &["memory-read"]),
            tool("read-memory", "0.2.0", &["memory-read", "echo"]),
            tool("echo", "1.0.0", &[]),
        ];
        let vocabulary = Vocabulary::new(&tools);
        let known =
            |name| vocabulary.tool(name).map(|(manifest, _)| (manifest.name.as_str(), manifest.version.as_str()));
        assert_eq!(known("memory-read"), Some(("read-memory", "0.2.0")));
        assert_eq!(known("echo"), Some(("echo", "1.0.0")));
        assert_eq!(known("other"), None);
    }
}
