//! Agents: the front matter of `_agent.md`, and what it means for the flow beside it.

mod dates;
mod yaml;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::{Code, Place, Severity};
use bloom_ir::document::ToolEffect;
use bloom_ir::manifest::ToolManifest;

use crate::text::nearest;
use crate::{Options, codes};
use yaml::{Node, Value};

/// What the front matter of an agent says, so far as a flow needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agent {
    /// For people.
    pub name: String,
    /// The agent's id, and its flow's.
    pub slug: String,
    /// A semantic version; its flow's, too.
    pub version: String,
    /// The LLM of calls that name no other.
    pub model: String,
    /// The tools that its flow may call.
    pub tools: Vec<String>,
    /// The actions that its flow may propose.
    pub safe_outputs: Vec<String>,
    /// `draft`, `active`, `paused`, `error` or `archived`.
    pub status: String,
    /// The file of the diagram that the body was made from.
    pub generated_from: Option<String>,
}

/// An `_agent.md` as it was read.
#[derive(Clone, Debug)]
pub struct AgentFile<'a> {
    /// The agent; absent when there is no front matter that can be read.
    pub agent: Option<Agent>,
    /// The front matter without the lines that enclose it.
    pub front_matter: &'a str,
    /// What follows the front matter.
    pub body: &'a str,
    /// Everything that stands in the way of activation, errors first, and what should be looked at.
    pub diagnostics: Vec<Diagnostic>,
}

impl AgentFile<'_> {
    /// Whether the agent cannot be activated.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl Agent {
    /// Puts what the front matter says in the place of what is not said otherwise.
    ///
    /// `max_steps` bounds the turns of an LLM that reads the body as instructions. A compiled flow has no such turns: its
    /// own limits hold.
    pub fn apply(&self, options: &mut Options) {
        options.id.get_or_insert_with(|| self.slug.clone());
        options.version.get_or_insert_with(|| self.version.clone());
        options.model.get_or_insert_with(|| self.model.clone());
        let allowed = options.allowed_tools.get_or_insert_with(|| self.tools.clone()).clone();
        let fixed = options.tools.iter().filter(|(tool, _)| allowed.iter().any(|name| tool.is_called(name)));
        // A tool that can propose but one thing may propose it.
        let fixed = fixed.filter_map(|(tool, _)| tool.fixed_action()).filter(|action| !action.starts_with("propose-"));
        let fixed: Vec<String> = fixed.map(str::to_owned).collect();
        options.safe_outputs.get_or_insert_with(|| {
            let mut actions: Vec<String> = self.safe_outputs.iter().cloned().chain(fixed).collect();
            actions.sort();
            actions.dedup();
            actions
        });
    }
}

/// A field of the front matter.
struct Field {
    name: &'static str,
    required: bool,
    /// What it must be, as messages name it; and whether a value is that.
    expected: &'static str,
    holds: fn(&Node) -> bool,
}

const FIELDS: [Field; 16] = [
    Field { name: "name", required: true, expected: "text", holds: is_text },
    Field { name: "slug", required: true, expected: "slug", holds: |node| node.text().is_some_and(is_slug) },
    Field { name: "version", required: true, expected: "version", holds: |node| node.text().is_some_and(is_version) },
    Field { name: "description", required: true, expected: "text", holds: is_text },
    Field { name: "model", required: true, expected: "model", holds: |node| node.text().is_some_and(is_model) },
    Field { name: "tools", required: true, expected: "names", holds: is_names },
    Field { name: "safe_outputs", required: true, expected: "names", holds: is_names },
    Field { name: "status", required: true, expected: "status", holds: |node| node.text().is_some_and(is_status) },
    Field {
        name: "created_at",
        required: true,
        expected: "date",
        holds: |node| node.text().is_some_and(dates::is_date),
    },
    Field {
        name: "updated_at",
        required: true,
        expected: "date",
        holds: |node| node.text().is_some_and(dates::is_date),
    },
    Field { name: "created_by", required: true, expected: "text", holds: is_text },
    Field { name: "temperature", required: false, expected: "temperature", holds: is_temperature },
    Field { name: "max_steps", required: false, expected: "steps", holds: |node| is_int(node, 1, 20) },
    Field { name: "triggers", required: false, expected: "triggers", holds: is_triggers },
    Field { name: "context", required: false, expected: "context", holds: is_context },
    Field {
        name: "generated_from",
        required: false,
        expected: "diagram",
        holds: |node| node.value == Value::Null || node.text().is_some_and(is_diagram),
    },
];

/// Reads an `_agent.md` and checks it for activation: all that is wrong is told at once, with its line.
pub fn read<'a>(text: &'a str, tools: &[ToolManifest]) -> AgentFile<'a> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut file = AgentFile { agent: None, front_matter: "", body: text, diagnostics: Vec::new() };
    let Some((front_matter, body)) = split(text) else {
        file.diagnostics.push(at(codes::NO_FRONT_MATTER, text, 1));
        return file;
    };
    (file.front_matter, file.body) = (front_matter, body);
    match yaml::read(front_matter) {
        Err(refusal) => {
            let diagnostic = at(refusal.code, text, refusal.line + 1);
            let short: String = refusal.detail.chars().take(80).collect();
            file.diagnostics.push(diagnostic.with("detail", &short).with("name", short));
        }
        Ok(Node { value: Value::Map(members), .. }) => {
            let mut checker = Checker { text, diagnostics: Vec::new() };
            checker.fields(&members);
            checker.tools(&members, tools);
            file.diagnostics = checker.diagnostics;
            file.agent = Some(agent(&members));
        }
        Ok(_) => file.diagnostics.push(at(codes::NO_FRONT_MATTER, text, 1)),
    }
    if body.trim().is_empty() {
        let line = text.lines().count();
        file.diagnostics.push(Diagnostic { severity: Severity::Warning, ..at(codes::EMPTY_BODY, text, line) });
    }
    file.diagnostics.sort_by_key(|diagnostic| diagnostic.severity == Severity::Warning);
    file
}

/// That another agent has the slug of this one; `other` is its folder.
pub fn same_slug(text: &str, other: &str) -> Diagnostic {
    at(codes::SAME_SLUG, text, line_of(text, "slug")).with("other", other)
}

/// That the body is not what the diagram of this name says.
pub fn other_body(text: &str, diagram: &str) -> Diagnostic {
    let diagnostic = at(codes::OTHER_BODY, text, line_of(text, "generated_from")).with("other", diagram);
    Diagnostic { severity: Severity::Warning, ..diagnostic }
}

/// The line of a field, from 1.
fn line_of(text: &str, field: &str) -> usize {
    let is_field = |line: &str| line.strip_prefix(field).is_some_and(|rest| rest.trim_start().starts_with(':'));
    text.lines().position(is_field).map_or(1, |line| line + 1)
}

/// The front matter and what follows it.
fn split(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix("---")?;
    let start = text.len() - after.len() + after.find('\n')? + 1;
    if !after[..after.find('\n')?].trim().is_empty() {
        return None;
    }
    let mut position = start;
    while position < text.len() {
        let end = text[position..].find('\n').map_or(text.len(), |offset| position + offset);
        if text[position..end].trim_end() == "---" {
            return Some((&text[start..position], text.get(end + 1..).unwrap_or_default()));
        }
        position = end + 1;
    }
    None
}

fn at(code: Code, text: &str, line: usize) -> Diagnostic {
    let whole = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
    Diagnostic::error(code, Place::Line { line, text: whole, span: None })
}

fn member<'n>(members: &'n [(String, usize, Node)], name: &str) -> Option<&'n Node> {
    members.iter().find(|(key, ..)| key == name).map(|(.., node)| node)
}

fn agent(members: &[(String, usize, Node)]) -> Agent {
    let text = |name| member(members, name).and_then(Node::text).unwrap_or_default().to_owned();
    let names = |name| match member(members, name).map(|node| &node.value) {
        Some(Value::List(items)) => items.iter().filter_map(Node::text).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Agent {
        name: text("name"),
        slug: text("slug"),
        version: text("version"),
        model: text("model"),
        tools: names("tools"),
        safe_outputs: names("safe_outputs"),
        status: text("status"),
        generated_from: member(members, "generated_from").and_then(Node::text).map(str::to_owned),
    }
}

struct Checker<'a> {
    text: &'a str,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    /// Every field, by its rule. Lines are counted in the file, whose first is the mark of the front matter.
    fn fields(&mut self, members: &[(String, usize, Node)]) {
        for field in &FIELDS {
            match members.iter().find(|(key, ..)| key == field.name) {
                None if field.required => {
                    self.diagnostics.push(at(codes::MISSING_FIELD, self.text, 1).with("field", field.name));
                }
                Some((_, line, node)) if !(field.holds)(node) => {
                    let diagnostic = at(codes::FIELD_VALUE, self.text, line + 1).with("field", field.name);
                    self.diagnostics.push(diagnostic.with("found", node.shown()).with("expected", field.expected));
                }
                _ => {}
            }
        }
        for (key, line, _) in members {
            if !FIELDS.iter().any(|field| field.name == key) {
                let near = nearest(key, FIELDS.iter().map(|field| field.name));
                let diagnostic = at(codes::UNKNOWN_FIELD, self.text, line + 1).with("name", key);
                let diagnostic = diagnostic.with("nearest", near.map_or("none", |near| near.word()));
                self.diagnostics.push(Diagnostic { severity: Severity::Warning, ..diagnostic });
            }
        }
    }

    /// What an agent would change, it proposes: one of its tools must be able to.
    fn tools(&mut self, members: &[(String, usize, Node)], known: &[ToolManifest]) {
        let Some((_, line, Node { value: Value::List(items), .. })) = members.iter().find(|(key, ..)| key == "tools")
        else {
            return;
        };
        let find = |name: &str| known.iter().find(|tool| tool.is_called(name));
        for item in items {
            let Some(name) = item.text().filter(|name| find(name).is_none()) else { continue };
            let near = nearest(name, known.iter().map(|tool| tool.name.as_str()));
            let diagnostic = at(codes::UNKNOWN_TOOL, self.text, item.line + 1).with("name", name);
            let diagnostic = diagnostic.with("nearest", near.map_or("none", |near| near.word()));
            self.diagnostics.push(Diagnostic { severity: Severity::Warning, ..diagnostic });
        }
        let proposes = |name: &str| find(name).is_some_and(|tool| tool.effect == ToolEffect::Propose);
        if !items.is_empty() && !items.iter().filter_map(Node::text).any(proposes) {
            self.diagnostics.push(at(codes::NO_SAFE_TOOL, self.text, line + 1));
        }
    }
}

fn is_text(node: &Node) -> bool {
    node.text().is_some_and(|text| !text.trim().is_empty())
}

fn is_slug(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || byte == b'-')
        && text.len() <= 64
        && !text.ends_with('-')
}

/// Semantic versions, without build metadata.
fn is_version(text: &str) -> bool {
    let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
    let number = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let pre_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(pre_part))
}

fn is_model(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/@".contains(&byte))
}

fn is_status(text: &str) -> bool {
    ["draft", "active", "paused", "error", "archived"].contains(&text)
}

fn is_names(node: &Node) -> bool {
    match &node.value {
        Value::List(items) => !items.is_empty() && items.iter().all(is_text),
        _ => false,
    }
}

fn is_temperature(node: &Node) -> bool {
    match node.value {
        Value::Int(int) => (0..=1).contains(&int),
        Value::Float(float) => (0.0..=1.0).contains(&float),
        _ => false,
    }
}

fn is_int(node: &Node, least: i64, most: i64) -> bool {
    matches!(node.value, Value::Int(int) if (least..=most).contains(&int))
}

fn is_triggers(node: &Node) -> bool {
    let Value::Map(members) = &node.value else { return false };
    members.iter().all(|(key, _, node)| match (key.as_str(), &node.value) {
        ("manual", Value::Bool(_)) | ("cron" | "events", Value::Null) => true,
        ("cron", Value::Text(text)) => dates::is_cron(text),
        ("events", Value::List(items)) => items.iter().all(is_text),
        _ => false,
    })
}

fn is_context(node: &Node) -> bool {
    let Value::Map(members) = &node.value else { return false };
    members.iter().all(|(key, _, node)| match key.as_str() {
        "folder" | "notebook_id" => is_text(node),
        "max_sources" => is_int(node, 1, i64::MAX),
        _ => false,
    })
}

/// A file's name, which may be followed by a remark: `main-flow.drakon.json # modified manually`.
fn is_diagram(text: &str) -> bool {
    let name = text.split('#').next().unwrap_or_default().trim();
    (name.ends_with(".drakon") || name.ends_with(".drakon.json")) && !name.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "---\nname: \"Архіваріус\"\nslug: \"archivist-violin\"\nversion: \"1.2.0\"\n\
        description: \"Аналізує нотатки\"\nmodel: \"claude-sonnet-4-5-20250929\"\ntemperature: 0.2\nmax_steps: 8\n\
        tools:\n  - read-notes\n  - create-proposal\nsafe_outputs: [propose-summary]\n\
        triggers:\n  manual: true\n  cron: \"0 8 * * 1-5\"\n  events:\n    - \"note/created\"\n\
        context:\n  folder: \"violin.pp.ua\"\n  max_sources: 5\n\
        created_at: \"2026-02-01T10:00:00Z\"\nupdated_at: 2026-02-14\ncreated_by: \"owner\"\n\
        generated_from: \"main-flow.drakon.json # modified manually\"\nstatus: \"active\"\n---\n\n# Роль\n";

    fn tools() -> Vec<ToolManifest> {
        let tool = |name: &str, effect: &str| {
            serde_json::json!({
                "name": name, "version": "0.1.0", "description": "…", "effect": effect, "input": {}, "output": {},
            })
        };
        let tools = [tool("read-notes", "read"), tool("create-proposal", "propose")];
        tools.into_iter().map(|tool| serde_json::from_value(tool).unwrap()).collect()
    }

    fn found(text: &str) -> Vec<(String, usize)> {
        let file = read(text, &tools());
        let line = |diagnostic: &Diagnostic| match diagnostic.place {
            Place::Line { line, .. } => line,
            _ => 0,
        };
        file.diagnostics.iter().map(|diagnostic| (diagnostic.code.0.to_owned(), line(diagnostic))).collect()
    }

    #[test]
    fn a_sound_agent_gives_its_flow_a_policy() {
        assert_eq!(found(SOUND), []);
        let file = read(SOUND, &tools());
        assert_eq!(file.body, "\n# Роль\n");
        let mut options = Options { version: Some("2.0.0".to_owned()), ..Options::default() };
        file.agent.unwrap().apply(&mut options);
        assert_eq!(options.id.as_deref(), Some("archivist-violin"));
        // What is said otherwise stays.
        assert_eq!(options.version.as_deref(), Some("2.0.0"));
        assert_eq!(options.allowed_tools.unwrap(), ["read-notes", "create-proposal"]);
        assert_eq!(options.safe_outputs.unwrap(), ["propose-summary"]);
    }

    #[test]
    fn every_field_is_held_to_its_rule_and_all_is_told_at_once() {
        for (from, to, code) in [
            ("name: \"Архіваріус\"", "name: \" \"", "D114"),
            ("slug: \"archivist-violin\"", "slug: \"Archivist\"", "D114"),
            ("version: \"1.2.0\"", "version: 1.2", "D114"),
            ("description: \"Аналізує нотатки\"\n", "", "D113"),
            ("model: \"claude-sonnet-4-5-20250929\"", "model: \"the best one\"", "D114"),
            ("temperature: 0.2", "temperature: 1.5", "D114"),
            ("max_steps: 8", "max_steps: 21", "D114"),
            ("safe_outputs: [propose-summary]", "safe_outputs: []", "D114"),
            ("  manual: true", "  manual: maybe", "D114"),
            ("cron: \"0 8 * * 1-5\"", "cron: \"daily\"", "D114"),
            ("max_sources: 5", "max_sources: few", "D114"),
            ("updated_at: 2026-02-14", "updated_at: 2026-02-31", "D114"),
            ("main-flow.drakon.json #", "main-flow.png #", "D114"),
            ("status: \"active\"", "status: \"busy\"", "D114"),
            ("status:", "statsu:", "D113"),
            ("  - create-proposal\n", "", "D116"),
            ("slug:", "name:", "D112"),
            ("name: \"Архіваріус\"", "name: [", "D111"),
            ("\n# Роль\n", "\n", "D117"),
            ("  - read-notes\n", "  - read-note\n", "D048"),
        ] {
            let text = SOUND.replacen(from, to, 1);
            assert_ne!(text, SOUND, "{from}");
            let codes = found(&text);
            assert!(codes.iter().any(|(found, _)| found == code), "{to}: {codes:?}");
        }
        let text = SOUND.replace("version: \"1.2.0\"", "version: latest").replace("status: \"active\"", "status: on");
        assert_eq!(found(&text), [("D114".to_owned(), 4), ("D114".to_owned(), 25)]);
        assert_eq!(found("# Only a body\n"), [("D110".to_owned(), 1)]);
    }
}
