//! Diagrams of the project, and what is none.

use std::path::Path;

use bloom_tool::testing::Host;
use serde_json::{Value, json};

use super::*;

fn read(content: impl Into<Vec<u8>>) -> Result<Output, Failure> {
    let host = Host::new().file(ROOT, "схеми/a.drakon", content);
    host.run(|| read_drakon(Input { path: "схеми/a".into() }))
}

fn of(diagram: &Value) -> Output {
    read(diagram.to_string()).unwrap()
}

#[test]
fn a_diagram_is_read_in_the_order_of_its_reader() {
    let diagram = of(&json!({
        "name": "Догляд", "params": "<p>day: int</p>",
        "items": {
            "1": { "type": "end" },
            "10": { "type": "branch", "branchId": 1, "content": "Решта", "one": "11" },
            "11": { "type": "action", "content": "c", "one": "1" },
            "2": { "type": "branch", "branchId": 0, "content": "Початок", "one": 3 },
            "3": { "type": "question", "content": "<p>Чи сухо?</p>", "flag1": 1, "one": "4", "two": "5" },
            "4": { "type": "action", "secondary": "Хто", "content": "a\nb", "one": "5" },
            "5": { "type": "action", "content": "d", "one": "10" },
            "6": { "type": "action", "content": "лишнє", "one": "99" },
            "7": { "type": "rectangle", "content": "прикраса" },
        },
    }));
    let ids: Vec<&str> = diagram.icons.iter().map(|icon| icon.id.as_str()).collect();
    assert_eq!(ids, ["2", "3", "4", "5", "10", "11", "1", "6"]);
    assert_eq!(
        diagram.text,
        "Догляд(day: int)\n\n1. branch: Початок\n2. question: Чи сухо? → yes: 3, no: 4\n3. action: Хто\n   a\n   b\n\
         4. action: d\n\n5. branch: Решта\n6. action: c\n7. end\n8. action: лишнє → nowhere\n"
    );
    let question = &diagram.icons[1];
    assert_eq!((question.kind.as_str(), question.text.as_str()), ("question", "Чи сухо?"));
    let ways: Vec<_> = question.next.iter().map(|way| (way.to.as_deref(), way.label.as_str())).collect();
    assert_eq!(ways, [(Some("4"), "yes"), (Some("5"), "no")]);
    assert_eq!(diagram.icons[7].next, [Way { to: None, label: String::new() }]);
}

#[test]
fn a_loop_is_walked_once() {
    let diagram = of(&json!({ "items": {
        "1": { "type": "branch", "branchId": 0, "one": "2" },
        "2": { "type": "arrow-loop", "one": "3" },
        "3": { "type": "question", "content": "?", "one": "2", "two": "4" },
        "4": { "type": "end" },
    } }));
    assert_eq!((diagram.name.as_str(), diagram.icons.len()), ("a", 4));
    assert!(diagram.text.contains("3. question: ? → no: 2, yes: 4"), "{}", diagram.text);
}

#[test]
fn every_icon_of_the_projects_diagrams_is_there_with_its_ways() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let diagrams = std::fs::read_dir(fixtures.join("diagrams")).unwrap().map(|entry| entry.unwrap().path());
    let diagrams = diagrams.chain([fixtures.join("archivist/archivist.drakon")]);
    let mut read = 0;
    for path in diagrams.filter(|path| path.extension().is_some_and(|extension| extension == "drakon")) {
        let bytes = std::fs::read(&path).unwrap();
        let file: Value = serde_json::from_slice(&bytes).unwrap();
        let items = file.get("items").or_else(|| file["diagram"].get("items")).unwrap().as_object().unwrap();
        let described = self::read(bytes).unwrap();
        let is_icon = |item: &&Value| item["type"] != "callout" && item["type"] != "frame";
        assert_eq!(described.icons.len(), items.values().filter(is_icon).count(), "{}", path.display());
        for icon in &described.icons {
            assert!(icon.next.iter().all(|way| way.to.is_some()), "{}: {icon:?}", path.display());
            assert!(described.text.contains(icon.text.lines().next().unwrap_or_default()), "{}", path.display());
        }
        read += 1;
    }
    assert!(read > 10, "{read}");
}

#[test]
fn what_is_no_diagram_says_what_it_is() {
    for (content, said) in [
        (b"SQLite format 3\0....".as_slice(), "bloom import"),
        (b"", "EOF"),
        (b"[1]", "no object"),
        (b"{}", "no `items`"),
        (b"\xff\xfe{", "utf-8"),
        (br#"{"items": {"1": {"type": "question", "flag1": "maybe", "one": "1"}}}"#, "neither Yes nor No"),
    ] {
        let failure = read(content).unwrap_err();
        assert!(failure.code == "not_a_diagram" && failure.message.contains(said), "{failure:?}");
        assert!(failure.message.starts_with("`flows/схеми/a.drakon`: "), "{failure:?}");
    }
    assert_eq!(read(format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000))).unwrap_err().code, "not_a_diagram");
    let host = Host::new().root(ROOT);
    assert_eq!(host.run(|| read_drakon(Input { path: "none".into() })).unwrap_err().code, "not_found");
}

#[test]
fn a_diagram_that_is_too_large_is_refused() {
    let items: serde_json::Map<String, Value> =
        (0..70_000).map(|id| (id.to_string(), json!({ "type": "action" }))).collect();
    assert_eq!(read(json!({ "items": items }).to_string()).unwrap_err().code, "diagram_too_large");
    let long = json!({ "items": { "1": { "type": "action", "content": "ї".repeat(400_000) } } });
    assert_eq!(read(long.to_string()).unwrap_err().code, "diagram_too_large");
}
