//! `read-drakon`: what a diagram says, for an LLM or a flow that reads it.
//!
//! It reads what `DrakonHub` and `DrakonWidget` write, as the compiler does, but judges nothing: a diagram that is half drawn is
//! described as far as it is.

mod diagram;
mod outline;
// The compiler's own: what people see in an icon must be the same for both.
#[path = "../../../compiler/src/read/html.rs"]
mod html;

use bloom_tool::{Failure, files};
use serde::{Deserialize, Serialize};

use crate::diagram::Diagram;

const ROOT: &str = "flows";

/// The host takes 1 MiB of a tool; this leaves room for what stands around the texts.
const MOST_BYTES: usize = 1_000_000;

/// The arguments.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// Below the root, with or without `.drakon`.
    pub path: String,
}

/// A diagram.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// What it calls itself, else the file's name.
    pub name: String,
    /// Its parameters, as they are written.
    pub params: String,
    /// Its icons, in the order in which a reader meets them.
    pub icons: Vec<Icon>,
    /// The same as a text.
    pub text: String,
}

/// An icon.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Icon {
    /// As in the file.
    pub id: String,
    /// As in the file: `action`, `question`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What is written in it; its upper text, where it has two, stands before.
    pub text: String,
    /// Where it leads.
    pub next: Vec<Way>,
}

/// Where an icon leads.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The icon; none where the way breaks off.
    pub to: Option<String>,
    /// `yes` or `no`, of a question; `else`, of a case: to the next one; `side`: the icon that stands at its left; else empty.
    pub label: String,
}

/// Reads it.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn read_drakon(input: Input) -> Result<Output, Failure> {
    let Input { path } = input;
    let with_extension = format!("{path}.drakon");
    let (path, bytes) = match files::read(ROOT, &path) {
        Err(failure) if failure.code == "not_found" && !path.ends_with(".drakon") => {
            let bytes = files::read(ROOT, &with_extension)?;
            (with_extension, bytes)
        }
        bytes => (path, bytes?),
    };
    let about = |failure: Failure| failure.about(format!("`{ROOT}/{path}`"));
    let name = path.rsplit('/').next().unwrap_or(&path).trim_end_matches(".drakon");
    let diagram = Diagram::read(&bytes, name).map_err(about)?;
    let text = outline::outline(&diagram);
    let output = Output { name: diagram.name, params: diagram.params, icons: diagram.icons, text };
    if size(&output) > MOST_BYTES {
        return Err(about(Failure::new("diagram_too_large", "its description is larger than what a flow takes, 1 MB")));
    }
    Ok(output)
}

fn size(output: &Output) -> usize {
    serde_json::to_vec(output).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests;
