//! The tools that texts may name.

use std::collections::BTreeMap;

use bloom_ir::Digest;
use bloom_ir::manifest::ToolManifest;

use super::names::{Near, nearest};

/// The known tools, by name.
#[derive(Debug)]
pub(crate) struct Vocabulary<'a> {
    tools: BTreeMap<&'a str, (&'a ToolManifest, Option<Digest>)>,
}

impl<'a> Vocabulary<'a> {
    pub(crate) fn new(tools: &'a [(ToolManifest, Option<Digest>)]) -> Self {
        Self { tools: tools.iter().map(|(tool, digest)| (tool.name.as_str(), (tool, *digest))).collect() }
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
