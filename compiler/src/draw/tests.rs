//! What every picture must hold: nothing crosses, nothing overlaps, no text leaves its icon.
#![expect(
    clippy::disallowed_methods,
    clippy::format_push_string,
    reason = "tests read the fixtures and the corpus, and list layouts"
)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use super::layout::{Layout, Role, Wire};
use super::svg::texts;
use super::text::{LEADING, SIZE};
use super::*;

type Point = (i64, i64);

fn layout_of(name: &str, bytes: &[u8]) -> Option<Layout> {
    let mut report = Report::default();
    let Some(Input::Diagram(diagram)) = read::read(&SourceFile::new(name, bytes), &mut report) else { return None };
    let graph = Graph::build(&diagram, &mut report)?;
    let title = diagram.name.clone().unwrap_or_else(|| name.to_owned());
    Some(Layout::new(&graph, &title, Words::of(Locale::En), &BTreeMap::new()))
}

/// What is wrong with a layout.
fn faults(layout: &Layout) -> Vec<String> {
    let mut faults = Vec::new();
    overlaps(layout, &mut faults);
    clipped(layout, &mut faults);
    crossings(layout, &mut faults);
    faults
}

fn overlaps(layout: &Layout, faults: &mut Vec<String>) {
    let mut boxes: Vec<_> =
        layout.placed.iter().map(|p| (p.y, p.x, p.x + p.block.width, p.y + p.block.height)).collect();
    boxes.sort_unstable();
    for (index, a) in boxes.iter().enumerate() {
        for b in boxes[index + 1..].iter().take_while(|b| b.0 < a.3) {
            if a.1 < b.2 && b.1 < a.2 {
                faults.push(format!("icons {a:?} and {b:?} overlap"));
            }
        }
    }
}

fn clipped(layout: &Layout, faults: &mut Vec<String>) {
    for placed in &layout.placed {
        let padding = placed.block.shape.padding();
        let inner = (placed.x + padding.left.min(8), placed.x + placed.block.width - padding.right.min(8));
        let upper = placed.y;
        let lower = placed.y + placed.block.height;
        let mut last = i64::MIN / 2;
        for text in texts(placed) {
            let half = text.line.width / 2;
            let (left, right) = match (text.is_centred, text.is_right_to_left) {
                (true, _) => (text.x - half, text.x - half + text.line.width),
                (false, false) => (text.x, text.x + text.line.width),
                (false, true) => (text.x - text.line.width, text.x),
            };
            let fits = placed.block.shape == super::size::Shape::Letter || left >= inner.0 - 1 && right <= inner.1 + 1;
            if !fits || text.y - SIZE < upper || text.y + 4 > lower || text.y - last < LEADING {
                faults
                    .push(format!("“{}” leaves {:?} at {},{}", text.line.text, placed.block.shape, placed.x, placed.y));
            }
            last = text.y;
        }
    }
}

/// Two segments with a point in common.
fn touch(a: (Point, Point), b: (Point, Point)) -> bool {
    let span = |a: i64, b: i64| (a.min(b), a.max(b));
    let ((ax0, ax1), (ay0, ay1)) = (span(a.0.0, a.1.0), span(a.0.1, a.1.1));
    let ((bx0, bx1), (by0, by1)) = (span(b.0.0, b.1.0), span(b.0.1, b.1.1));
    ax0 <= bx1 && bx0 <= ax1 && ay0 <= by1 && by0 <= ay1
}

fn is_level(segment: (Point, Point)) -> bool {
    segment.0.1 == segment.1.1
}

fn crossings(layout: &Layout, faults: &mut Vec<String>) {
    let mut segments: Vec<((Point, Point), &Wire)> = Vec::new();
    for wire in &layout.wires {
        for pair in wire.points.windows(2) {
            assert!(pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1, "a slanting line");
            segments.push(((pair[0], pair[1]), wire));
        }
    }
    segments.sort_by_key(|((a, b), _)| a.1.min(b.1));
    for (index, (a, first)) in segments.iter().enumerate() {
        let bottom = a.0.1.max(a.1.1);
        for (b, second) in segments[index + 1..].iter().take_while(|(b, _)| b.0.1.min(b.1.1) <= bottom) {
            if !touch(*a, *b) || std::ptr::eq(*first, *second) {
                continue;
            }
            let related = first.ends.iter().flatten().any(|end| second.ends.contains(&Some(*end)));
            let rails = first.role == Role::Rail && second.role == Role::Rail;
            // Lines that meet at a part may touch; they may not cross through each other.
            let through = is_level(*a) != is_level(*b) && {
                let (level, upright) = if is_level(*a) { (*a, *b) } else { (*b, *a) };
                let (x, y) = (upright.0.0, level.0.1);
                let within = |at: i64, from: i64, to: i64| at > from.min(to) && at < from.max(to);
                within(x, level.0.0, level.1.0) && within(y, upright.0.1, upright.1.1)
            };
            let bar = matches!(first.role, Role::Bar(_)) || matches!(second.role, Role::Bar(_));
            if !(related || rails) || (through && !bar) {
                faults.push(format!("lines {a:?} ({:?}) and {b:?} ({:?})", first.ends, second.ends));
            }
        }
    }
    // No line runs through an icon.
    let mut boxes: Vec<_> =
        layout.placed.iter().map(|p| (p.y, p.x, p.x + p.block.width, p.y + p.block.height)).collect();
    boxes.sort_unstable();
    let tallest = boxes.iter().map(|b| b.3 - b.0).max().unwrap_or(0);
    for (segment, _) in &segments {
        let (x0, x1) = (segment.0.0.min(segment.1.0), segment.0.0.max(segment.1.0));
        let (y0, y1) = (segment.0.1.min(segment.1.1), segment.0.1.max(segment.1.1));
        let start = boxes.partition_point(|b| b.0 < y0 - tallest);
        for b in boxes[start..].iter().take_while(|b| b.0 < y1) {
            if x0 < b.2 && b.1 < x1 && y0 < b.3 && b.0 < y1
                || (x0 == x1 && x0 > b.1 && x0 < b.2 && y0 < b.3 && y1 > b.0)
                || (y0 == y1 && y0 > b.0 && y0 < b.3 && x0 < b.2 && x1 > b.1)
            {
                faults.push(format!("line {segment:?} runs through the icon {b:?}"));
            }
        }
    }
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut found = vec![("archivist".to_owned(), std::fs::read(root.join("archivist/archivist.drakon")).unwrap())];
    let mut paths: Vec<_> =
        std::fs::read_dir(root.join("diagrams")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "drakon")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        found.push((name, std::fs::read(&path).unwrap()));
    }
    found
}

/// Every diagram of the corpus that can be read.
fn corpus() -> Option<Vec<(String, String)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/diagrams.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: there is no corpus beside the project");
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let lines = text.lines().map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        (text("id"), text("diagram"))
    });
    Some(lines.collect())
}

#[test]
fn fixtures_have_no_crossing_no_overlap_and_no_clipped_text() {
    for (name, bytes) in fixtures() {
        let layout = layout_of(&name, &bytes).unwrap();
        assert_eq!(faults(&layout), Vec::<String>::new(), "{name}");
        assert_eq!(layout.cuts, 0, "{name}");
    }
}

#[test]
fn corpus_has_no_crossing_no_overlap_and_no_clipped_text() {
    let Some(corpus) = corpus() else { return };
    let (mut drawn, mut cuts, mut cut, mut wrong) = (0, 0, 0, Vec::new());
    for (id, text) in corpus {
        let Some(layout) = layout_of(&id, text.as_bytes()) else { continue };
        drawn += 1;
        cuts += layout.cuts;
        cut += usize::from(layout.cuts > 0);
        if layout.cuts > 0 && std::env::var_os("BLOOM_DRAW_LIST").is_some() {
            println!("{id}: {} cuts", layout.cuts);
        }
        let faults = faults(&layout);
        if !faults.is_empty() {
            wrong.push((id, faults.len(), faults[0].clone()));
        }
    }
    println!("drawn {drawn}, with lines that go on at a letter {cut} ({cuts} lines), wrong {}", wrong.len());
    assert!(wrong.is_empty(), "{} diagrams: {:#?}", wrong.len(), &wrong[..wrong.len().min(12)]);
}

/// The picture in the documentation is the one that is drawn today; `BLOOM_BLESS=1` draws it anew.
#[test]
fn picture_in_the_documentation_is_current() {
    let (name, bytes) = fixtures().swap_remove(0);
    let drawn = draw(&SourceFile::new(&name, &bytes), &DrawOptions::default()).svg.unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/archivist.svg");
    if std::env::var_os("BLOOM_BLESS").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == drawn, "draw it anew with BLOOM_BLESS=1");
}

#[test]
fn both_texts_of_an_icon_are_drawn_whatever_its_shape() {
    for kind in ["process", "shelf", "input", "output", "action", "timer"] {
        let diagram = format!(
            r#"{{"items": {{"1": {{"type": "end"}}, "2": {{"type": "branch", "branchId": 0, "one": "3"}},
                "3": {{"type": "{kind}", "secondary": "Запустити", "content": "Мотор", "one": "1"}}}}}}"#
        );
        let layout = layout_of("two.drakon", diagram.as_bytes()).unwrap();
        let lines = layout.placed.iter().flat_map(|placed| placed.block.lines.iter().chain(&placed.block.upper));
        let drawn: Vec<&str> = lines.map(|line| line.text.as_str()).collect();
        assert!(drawn.contains(&"Запустити") && drawn.contains(&"Мотор"), "{kind}: {drawn:?}");
    }
}

#[test]
fn layouts_of_the_fixtures_stay() {
    let mut told = String::new();
    for (name, bytes) in fixtures() {
        let layout = layout_of(&name, &bytes).unwrap();
        told.push_str(&format!("{name} {}x{}\n", layout.width, layout.height));
        for placed in &layout.placed {
            let (block, x, y) = (&placed.block, placed.x, placed.y);
            told.push_str(&format!("  {:?} {x},{y} {}x{}\n", block.shape, block.width, block.height));
        }
        for wire in &layout.wires {
            told.push_str(&format!("  {:?} {:?}\n", wire.role, wire.points));
        }
    }
    insta::assert_snapshot!(told);
}

/// A line of questions whose right exits all lead to one icon, and one whose exits lead past each other.
#[test]
fn large_diagrams_with_wide_joins_are_drawn_without_faults() {
    let mut items = vec![r#""b": {"type": "branch", "branchId": 0, "one": "q0"}, "e": {"type": "end"}, "z": {"type": "action", "content": "z", "one": "e"}"#.to_owned()];
    for index in 0..3000 {
        let next = if index == 2999 { "z".to_owned() } else { format!("q{}", index + 1) };
        let two = if index % 3 == 0 { "z".to_owned() } else { format!("a{index}") };
        items.push(format!(
            r#""q{index}": {{"type": "question", "content": "{index}?", "one": "{next}", "two": "{two}"}}"#
        ));
        items.push(format!(
            r#""a{index}": {{"type": "action", "content": "{index}", "one": "{}"}}"#,
            if index % 3 == 1 { "z" } else { &next }
        ));
    }
    let text = format!("{{\"items\": {{{}}}}}", items.join(","));
    let layout = layout_of("wide", text.as_bytes()).unwrap();
    assert!(layout.placed.len() >= 5000);
    let mut found = Vec::new();
    overlaps(&layout, &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn what_cannot_be_drawn_without_a_crossing_goes_on_at_a_letter() {
    let text = r#"{"items": {"b": {"type": "branch", "branchId": 0, "one": "q"}, "e": {"type": "end"},
        "q": {"type": "question", "content": "1", "one": "r", "two": "s"},
        "r": {"type": "question", "content": "2", "one": "x", "two": "y"},
        "s": {"type": "question", "content": "3", "one": "x", "two": "y"},
        "x": {"type": "action", "content": "x", "one": "e"}, "y": {"type": "action", "content": "y", "one": "e"}}}"#;
    let layout = layout_of("crossing", text.as_bytes()).unwrap();
    assert_eq!(faults(&layout), Vec::<String>::new());
    assert!(layout.cuts > 0);
}

#[test]
fn text_of_a_diagram_is_only_ever_text() {
    let text = r#"{"name": "</title><script>alert(1)</script>", "items": {"b": {"type": "branch", "branchId": 0, "one": "\"onload=\"x"},
        "\"onload=\"x": {"type": "action", "content": "]]><script>\u202e\u0000&amp;", "one": "e"}, "e": {"type": "end"}}}"#;
    let svg = draw(&SourceFile::new("x", text.as_bytes()), &DrawOptions::default()).svg.unwrap();
    assert!(!svg.contains("<script") && !svg.contains("\"onload") && !svg.contains('\u{202e}') && !svg.contains('\0'));
}
