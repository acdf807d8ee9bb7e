//! `create-proposal`: a proposal to change a note.

use bloom_tool::Failure;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The arguments.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What kind of change; the schema lists those that there are.
    pub action: String,
    /// The note's slug.
    pub note: String,
    /// The change.
    #[serde(flatten)]
    pub content: Content,
}

/// The change: what of it is given.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Content {
    /// A text, or data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
    /// Without `#`, each once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// A text, or data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Value>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citations: Option<Vec<Value>>,
}

/// The proposal.
#[derive(Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// What kind of change.
    pub action: String,
    /// Of what.
    pub target: Target,
    /// The change.
    pub content: Content,
}

/// A note.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// `note`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `notes/` and the slug.
    pub path: String,
}

/// Shapes the proposal.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn create_proposal(input: Input) -> Result<Proposal, Failure> {
    let Input { action, note, mut content } = input;
    if note.split('/').any(|name| name.is_empty() || name.starts_with('.')) || note.chars().any(char::is_control) {
        return Err(Failure::new("invalid_note", format!("`{}` is no note's slug", note.escape_debug())));
    }
    if let Some(tags) = content.tags.take() {
        content.tags = Some(clean(tags)?);
    }
    if content == Content::default() {
        return Err(Failure::new("nothing_proposed", "neither content nor tags nor a summary is there"));
    }
    Ok(Proposal { action, target: Target { kind: "note", path: format!("notes/{note}") }, content })
}

fn clean(tags: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut clean: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = tag.trim().trim_start_matches('#');
        if !tag.is_empty() && clean.iter().all(|known| known != tag) {
            clean.push(tag.to_owned());
        }
    }
    if clean.is_empty() { Err(Failure::new("no_tags", "none of the proposed tags has a name")) } else { Ok(clean) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn propose(input: Value) -> Result<Value, Failure> {
        Ok(serde_json::to_value(create_proposal(serde_json::from_value(input).unwrap())?).unwrap())
    }

    #[test]
    fn a_summary_is_proposed_for_its_note() {
        let content = json!({ "теза": "Звук", "поняття": ["смичок"] });
        assert_eq!(
            propose(json!({ "action": "propose-summary", "note": "скрипка/соната", "content": content })).unwrap(),
            json!({
                "action": "propose-summary",
                "target": { "type": "note", "path": "notes/скрипка/соната" },
                "content": { "content": content },
            })
        );
    }

    #[test]
    fn tags_are_cleaned() {
        let input = json!({ "action": "propose-tag", "note": "a", "tags": ["#бах", " бах ", "", "барокова музика"] });
        assert_eq!(propose(input).unwrap()["content"], json!({ "tags": ["бах", "барокова музика"] }));
        assert_eq!(
            propose(json!({ "action": "propose-tag", "note": "a", "tags": ["#"] })).unwrap_err().code,
            "no_tags"
        );
    }

    #[test]
    fn content_that_is_null_is_left_out_like_content_that_is_not_given() {
        let input = json!({ "action": "propose-tag", "note": "a", "tags": ["x"], "content": null });
        assert_eq!(propose(input).unwrap()["content"], json!({ "tags": ["x"] }));
        let nothing = json!({ "action": "propose-edit", "note": "a", "content": null });
        assert_eq!(propose(nothing).unwrap_err().code, "nothing_proposed");
    }

    #[test]
    fn a_slug_that_leads_elsewhere_is_refused() {
        for note in ["../a", "/a", "a//b", "a/../b", ".hidden", "a\nb", "a/"] {
            let refused = propose(json!({ "action": "propose-edit", "note": note, "content": "x" })).unwrap_err();
            assert_eq!(refused.code, "invalid_note", "{note}");
        }
    }
}
