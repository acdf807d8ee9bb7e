//! A diagram walked as a graph, with nothing of the compiler: what a compiled program must do, told another way.
//!
//! The events and the oracle are those of the corpus (`../shared/corpus/README.md`).
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

const MOST_EVENTS: usize = 600;
const MOST_STEPS: usize = 20_000;

/// What a walk met, in order.
#[derive(Debug, PartialEq)]
pub struct Trace {
    /// Whether it was stopped by its limits.
    pub cut: bool,
    pub events: Vec<Value>,
}

/// Walks the items of a diagram from its first branch; the oracle of `seed` answers every choice.
pub fn trace(items: &Map<String, Value>, seed: u64) -> Trace {
    let mut walk = Walk { items, seed, asked: BTreeMap::new(), events: Vec::new(), steps: 0 };
    let branches = items.iter().filter(|(_, item)| item["type"] == "branch");
    let entry = branches.min_by_key(|(_, item)| item["branchId"].as_i64());
    let cut = entry.is_some_and(|(id, _)| walk.from(id) == Stop::Limit);
    // A select may ask more than one case before the limit is looked at.
    walk.events.truncate(MOST_EVENTS);
    Trace { cut, events: walk.events }
}

/// Why a walk goes no further.
#[derive(PartialEq)]
enum Stop<'d> {
    End,
    /// The end of a parallel path, and what follows the parallel.
    Join(Option<&'d str>),
    Limit,
}

struct Walk<'d> {
    items: &'d Map<String, Value>,
    seed: u64,
    /// How often each label was asked.
    asked: BTreeMap<String, u32>,
    events: Vec<Value>,
    steps: usize,
}

impl<'d> Walk<'d> {
    fn from(&mut self, id: &'d str) -> Stop<'d> {
        let mut next = Some(id);
        while let Some(id) = next {
            self.steps += 1;
            if self.events.len() >= MOST_EVENTS || self.steps > MOST_STEPS {
                return Stop::Limit;
            }
            let item = &self.items[id];
            let kind = item["type"].as_str().unwrap_or_default();
            next = match kind {
                "end" => return Stop::End,
                "parend" => return Stop::Join(edge(item, "one")),
                "parbegin" => match self.parallel(id) {
                    Stop::Join(after) => after,
                    stop => return stop,
                },
                "select" => self.select(item),
                "question" => {
                    let yes = self.answer("q", id);
                    self.events.push(json!(["q", id, yes]));
                    edge(item, if yes == (item["flag1"] == 1) { "one" } else { "two" })
                }
                "loopbegin" => self.round(id),
                "loopend" => {
                    let mut begins = self.items.iter().filter(|(_, item)| item["type"] == "loopbegin");
                    let own = begins.find(|(begin, _)| loop_end(self.items, begin) == Some(id));
                    own.and_then(|(begin, _)| self.round(begin))
                }
                _ => {
                    match kind {
                        "branch" => self.events.push(json!(["branch", id])),
                        "arrow-loop" => self.events.push(json!(["loop", id])),
                        "action" if text(item).is_empty() => {}
                        "comment" => {}
                        _ => self.events.push(json!(["do", id, kind])),
                    }
                    edge(item, "one")
                }
            };
        }
        Stop::End
    }

    /// Asks case after case; the last is taken when no other is.
    fn select(&mut self, select: &'d Value) -> Option<&'d str> {
        let mut next = edge(select, "one");
        while let Some(id) = next {
            let case = &self.items[id];
            next = edge(case, "two");
            let taken = (next.is_none() && text(case).is_empty()) || self.answer("c", id);
            self.events.push(json!(["case", id, taken]));
            if next.is_none() && !taken {
                self.events.push(json!(["unexpected", id]));
            }
            if next.is_none() || taken {
                return edge(case, "one");
            }
        }
        None
    }

    /// Another round of a loop, or what follows it.
    fn round(&mut self, begin: &'d str) -> Option<&'d str> {
        let again = self.answer("l", begin);
        self.events.push(json!(["for", begin, again]));
        if again {
            return edge(&self.items[begin], "one");
        }
        loop_end(self.items, begin).and_then(|end| edge(&self.items[end], "one"))
    }

    /// Path after path; the walk goes on from where the last one came to its end.
    fn parallel(&mut self, first: &'d str) -> Stop<'d> {
        let mut paths = vec![first];
        while let Some(path) = edge(&self.items[paths[paths.len() - 1]], "two") {
            paths.push(path);
        }
        self.events.push(json!(["par", first, paths.len()]));
        let mut stop = Stop::Join(None);
        for path in paths {
            self.events.push(json!(["path", path]));
            stop = edge(&self.items[path], "one").map_or(Stop::End, |start| self.from(start));
            if !matches!(stop, Stop::Join(_)) {
                break;
            }
        }
        stop
    }

    fn answer(&mut self, kind: &str, id: &str) -> bool {
        let label = format!("{kind}:{id}");
        let asked = self.asked.entry(label.clone()).or_default();
        let text = format!("{}|{label}|{asked}", self.seed);
        *asked += 1;
        hash(&text) % 1000 < 500
    }
}

fn edge<'d>(item: &'d Value, field: &str) -> Option<&'d str> {
    item[field].as_str().filter(|target| !target.is_empty())
}

fn text(item: &Value) -> &str {
    ["content", "text"].iter().find_map(|field| item[field].as_str()).unwrap_or_default().trim()
}

/// The end of a loop, found down the main way of its body.
fn loop_end<'d>(items: &'d Map<String, Value>, begin: &str) -> Option<&'d str> {
    let mut open = 0;
    let mut at = begin;
    for _ in 0..=items.len() {
        match items[at]["type"].as_str() {
            Some("loopbegin") => open += 1,
            Some("loopend") if open == 1 => return items.get_key_value(at).map(|(end, _)| end.as_str()),
            Some("loopend") => open -= 1,
            _ => {}
        }
        at = edge(&items[at], "one")?;
    }
    None
}

/// FNV-1a over UTF-16, and a stir.
fn hash(text: &str) -> u32 {
    let mut hash: u32 = 2_166_136_261;
    for unit in text.encode_utf16() {
        hash = (hash ^ u32::from(unit)).wrapping_mul(16_777_619);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0x5bd1_e995);
    hash ^ (hash >> 15)
}
