//! What a proposal consists of, as people look at it: what is to stand somewhere, and what speaks for it.

use bloom_ir::Value;
use bloom_runtime::record::Proposal;

use super::show;

/// The members that speak for a change, and are none of it.
const BESIDE: [&str; 5] = ["summary", "reasoning", "citations", "confidence", "fingerprint"];

/// The parts of a proposal's content.
pub(super) struct Proposed {
    pub(super) summary: Option<String>,
    /// Why, in the agent's words.
    pub(super) reasoning: Option<String>,
    pub(super) confidence: Option<String>,
    pub(super) citations: Vec<Citation>,
    /// The change itself.
    change: Made,
}

/// What a proposal rests on.
pub(super) struct Citation {
    pub(super) source: String,
    /// What is written there.
    pub(super) quote: Option<String>,
}

/// What a change makes.
enum Made {
    /// The text of the whole.
    Text(String),
    /// A text that is added at the end, or after the front matter.
    Added { text: String, is_first: bool },
    /// Nothing stands there any more.
    Nothing,
    /// Some data.
    Data(Value),
}

impl Proposed {
    pub(super) fn of(proposal: &Proposal) -> Self {
        let content = &proposal.content;
        let text = |name: &str| content.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            summary: text("summary").filter(|_| content.get("content").is_some() || content.get("diff").is_some()),
            reasoning: text("reasoning"),
            confidence: content.get("confidence").map(plain),
            citations: content
                .get("citations")
                .and_then(Value::as_list)
                .unwrap_or_default()
                .iter()
                .map(Citation::of)
                .collect(),
            change: Made::of(content),
        }
    }

    /// Why, else what, in a few words.
    pub(super) fn in_short(&self) -> String {
        let told = self.reasoning.clone().or_else(|| self.summary.clone()).unwrap_or_else(|| self.text());
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether it says how all of the target is to be, so that it can be compared with what stands there.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.change, Made::Text(_) | Made::Added { .. } | Made::Nothing)
    }

    /// The change as a text.
    pub(super) fn text(&self) -> String {
        match &self.change {
            Made::Text(text) | Made::Added { text, .. } => text.clone(),
            Made::Nothing => String::new(),
            Made::Data(value) => show::json(value),
        }
    }

    /// What stands there after it, where this stands there before.
    pub(super) fn made_of(&self, before: &str) -> String {
        let Made::Added { text, is_first } = &self.change else { return self.text() };
        let at = if *is_first { front_matter(before) } else { before.len() };
        let (head, tail) = before.split_at(at);
        let line = |text: &str| if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{head}{}{text}{}{tail}", line(head), line(text))
    }
}

impl Made {
    fn of(content: &Value) -> Self {
        let diff = content.get("diff").filter(|diff| diff.as_map().is_some());
        if let Some(diff) = diff {
            let text = diff.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
            match diff.get("type").and_then(Value::as_str) {
                Some("append") => {
                    let position = diff.get("position").and_then(Value::as_str);
                    return Self::Added { text, is_first: position == Some("after-frontmatter") };
                }
                Some("replace" | "create") => return Self::Text(text),
                Some("delete") => return Self::Nothing,
                _ => {}
            }
        }
        let Some(members) = content.as_map() else {
            return match content {
                Value::String(text) => Self::Text(text.to_string()),
                other => Self::Data(other.clone()),
            };
        };
        let own: Vec<_> = members.iter().filter(|(name, _)| !BESIDE.contains(&&***name)).collect();
        match own.as_slice() {
            [(name, Value::String(text))] if matches!(&***name, "content" | "text") => Self::Text(text.to_string()),
            [(name, value)] if &***name == "content" => Self::Data((*value).clone()),
            // A summary is the change itself where there is nothing else.
            [] => match content.get("summary") {
                Some(Value::String(text)) => Self::Text(text.to_string()),
                Some(other) => Self::Data(other.clone()),
                None => Self::Data(content.clone()),
            },
            own => Self::Data(own.iter().map(|(name, value)| (&***name, (*value).clone())).collect()),
        }
    }
}

impl Citation {
    fn of(value: &Value) -> Self {
        let text =
            |names: &[&str]| names.iter().find_map(|name| value.get(name).and_then(Value::as_str)).map(str::to_owned);
        match value {
            Value::String(source) => Self { source: source.to_string(), quote: None },
            _ => Self {
                source: text(&["source", "title", "url", "path"]).unwrap_or_else(|| plain(value)),
                quote: text(&["quote", "excerpt", "text"]),
            },
        }
    }
}

/// A text as it is, and another value as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| show::json(value), str::to_owned)
}

/// Where the front matter of a note ends.
fn front_matter(note: &str) -> usize {
    let Some(rest) = note.strip_prefix("---\n") else { return 0 };
    rest.find("\n---\n").map_or(0, |end| "---\n".len() + end + "\n---\n".len())
}

#[cfg(test)]
mod tests {
    use bloom_ir::Digest;
    use bloom_runtime::record::{ProposalId, ProposalStatus, RunId};
    use serde_json::json;

    use super::*;

    fn proposed(content: serde_json::Value) -> Proposed {
        Proposed::of(&Proposal {
            id: ProposalId::new("p"),
            run: RunId::new("r"),
            emission: String::from("n1#1"),
            agent: String::from("archivist"),
            action: String::from("propose-edit"),
            target: String::from("notes/a"),
            content: content.into(),
            fingerprint: Digest::of(b""),
            duplicate_of: None,
            base_revision: None,
            status: ProposalStatus::Pending,
            created_at: 1,
            updated_at: 1,
            expires_at: 2,
            approval: None,
            apply_result: None,
        })
    }

    #[test]
    fn what_speaks_for_a_change_is_told_apart_from_it() {
        let content = proposed(json!({
            "content": "нове", "summary": "коротко", "reasoning": "бо так", "confidence": 0.75,
            "citations": ["a.md", { "source": "b.md", "quote": "«так»" }, { "url": "https://x.org", "excerpt": "x" }, 7],
        }));
        assert_eq!((content.text().as_str(), content.summary.as_deref()), ("нове", Some("коротко")));
        assert_eq!((content.reasoning.as_deref(), content.confidence.as_deref()), (Some("бо так"), Some("0.75")));
        let sources: Vec<_> =
            content.citations.iter().map(|each| (each.source.as_str(), each.quote.as_deref())).collect();
        assert_eq!(sources, [("a.md", None), ("b.md", Some("«так»")), ("https://x.org", Some("x")), ("7", None)]);
        assert!(content.is_whole());
    }

    #[test]
    fn a_change_is_a_text_or_data() {
        assert_eq!(proposed(json!("сам текст")).text(), "сам текст");
        assert_eq!(proposed(json!({ "summary": "лише резюме" })).text(), "лише резюме");
        let tags = proposed(json!({ "tags": ["бах"], "reasoning": "бо" }));
        assert_eq!((tags.text().replace(['\n', ' '], "").as_str(), tags.is_whole()), (r#"{"tags":["бах"]}"#, false));
        assert!(proposed(json!({ "content": { "теза": "Звук" } })).text().contains("теза"));
    }

    #[test]
    fn a_part_is_added_where_it_belongs() {
        let note = "---\ntitle: a\n---\nрядок";
        let added = |diff: serde_json::Value| proposed(json!({ "summary": "x", "diff": diff })).made_of(note);
        assert_eq!(
            added(json!({ "type": "append", "position": "after-frontmatter", "text": "## Резюме" })),
            "---\ntitle: a\n---\n## Резюме\nрядок"
        );
        assert_eq!(
            added(json!({ "type": "append", "position": "end", "text": "кінець" })),
            format!("{note}\nкінець\n")
        );
        assert_eq!(added(json!({ "type": "replace", "text": "інше" })), "інше");
        assert_eq!(added(json!({ "type": "delete" })), "");
        assert_eq!(proposed(json!({ "content": "усе" })).made_of(note), "усе");
    }
}
