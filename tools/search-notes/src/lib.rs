//! `search-notes`: the notes that have the words of a query, the best first.

pub mod query;
pub mod rank;
pub mod snippet;
pub mod stem;
pub mod words;

use bloom_tool::Failure;
use bloom_tool::files::{self, Entry};
use note::Note;
use serde::{Deserialize, Serialize};

use crate::query::Query;
use crate::rank::{Collection, Ranked};

const ROOT: &str = "notes";

/// Notes that were passed over are counted, and so many of them named.
const MOST_SKIPPED: usize = 20;

/// The arguments.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// What to look for.
    pub query: String,
    /// Below the root; all of it when empty.
    #[serde(default)]
    pub folder: String,
    /// Only notes that have all of these.
    #[serde(default)]
    pub tags: Vec<String>,
    /// At most so many.
    #[serde(default = "ten")]
    pub limit: usize,
    /// Without the first so many.
    #[serde(default)]
    pub offset: usize,
}

fn ten() -> usize {
    10
}

/// What was found.
#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    /// How many notes have any of the words.
    pub total: usize,
    /// The best of them.
    pub results: Vec<Found>,
    /// The `offset` of the next part, if there is one.
    pub next_offset: Option<usize>,
    /// Notes that could not be read.
    pub skipped: Vec<Skipped>,
}

/// A note that was found.
#[derive(Debug, PartialEq, Serialize)]
pub struct Found {
    /// Its path without `.md`.
    pub slug: String,
    /// Its path below the root.
    pub path: String,
    /// Its title, else the file's name.
    pub title: String,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Without `#`.
    pub tags: Vec<String>,
    /// How well it fits.
    pub score: f64,
    /// Where it does.
    pub snippet: String,
}

/// A note that could not be read.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its path below the root.
    pub path: String,
    /// Why.
    pub code: String,
}

/// Searches.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn search_notes(input: Input) -> Result<Output, Failure> {
    let Input { query, folder, tags, limit, offset } = input;
    let mut query = Query::parse(&query);
    if query.is_empty() {
        return Err(Failure::new("empty_query", "there is no word in the query"));
    }
    let mut collection = Collection::new(query.len());
    let mut skipped = Vec::new();
    for entry in files::walk(ROOT, folder.strip_suffix('/').unwrap_or(&folder)) {
        let Entry { path, modified, .. } = entry?;
        let Some(slug) = note::slug(&path) else { continue };
        let bytes = match files::read(ROOT, &path) {
            Ok(bytes) => bytes,
            // One odd file shall not hide what is in all the others.
            Err(cause) if matches!(cause.code.as_str(), "file_too_large" | "not_found" | "unreadable") => {
                if skipped.len() < MOST_SKIPPED {
                    skipped.push(Skipped { path, code: cause.code });
                }
                continue;
            }
            Err(cause) => return Err(cause),
        };
        let text = String::from_utf8_lossy(&bytes);
        let note = Note::parse(&text);
        if tags.iter().all(|tag| note.has_tag(tag)) {
            collection.add(&path, slug, modified, &note, &mut query);
        }
    }
    let ranked = collection.ranked();
    let total = ranked.len();
    let end = offset.saturating_add(limit);
    let page = ranked.into_iter().skip(offset).take(limit);
    let results = page.map(|ranked| found(ranked, &mut query)).collect::<Result<_, _>>()?;
    Ok(Output { total, results, next_offset: (end < total).then_some(end), skipped })
}

/// A note of the part that is shown: read again, because all notes together would not fit into memory.
fn found(ranked: Ranked, query: &mut Query) -> Result<Found, Failure> {
    let Ranked { path, modified, score } = ranked;
    let bytes = files::read(ROOT, &path).map_err(|cause| match cause.code.as_str() {
        "not_found" => {
            Failure::new("changed_meanwhile", format!("`{ROOT}/{path}` went away while the notes were searched"))
        }
        _ => cause,
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let note = Note::parse(&text);
    let slug = note::slug(&path).unwrap_or(&path).to_owned();
    let (title, updated_at) = note.listed(&slug, modified);
    let (title, snippet) = (title.to_owned(), snippet::snippet(note.body, query));
    Ok(Found { slug, path, title, updated_at, tags: note.front_matter.tags, score, snippet })
}

#[cfg(test)]
mod tests;
