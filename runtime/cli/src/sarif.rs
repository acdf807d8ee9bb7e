//! Findings in the Static Analysis Results Interchange Format (SARIF 2.1.0, OASIS), for editors and code hosts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bloom_ir::diagnostic::{Place, Severity};
use bloom_ir::document::Locale;
use bloom_ir::{Diagnostic, Digest};
use serde_json::{Value, json};

use crate::page::Page;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One log with one run over all files.
pub(crate) fn log(files: &[(&Path, &[Diagnostic])], locale: Locale) -> Value {
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for diagnostic in files.iter().flat_map(|(_, diagnostics)| *diagnostics) {
        rules.insert(diagnostic.code.0, 0);
    }
    for (index, place) in rules.values_mut().enumerate() {
        *place = index;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut results = Vec::new();
    for (path, diagnostics) in files {
        let uri = uri(path);
        for diagnostic in *diagnostics {
            results.push(result(diagnostic, &uri, &rules, locale, &mut seen));
        }
    }
    let artifacts: Vec<Value> = files.iter().map(|(path, _)| json!({ "location": { "uri": uri(path) } })).collect();
    let rules: Vec<Value> = rules.keys().map(|code| rule(code, locale)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "bloom",
                "fullName": "BLOOM Runtime",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "language": locale.tag(),
                "rules": rules,
            } },
            "language": locale.tag(),
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true }],
            "artifacts": artifacts,
            "results": results,
        }],
    })
}

/// A code with its page, which is in both languages.
fn rule(code: &str, locale: Locale) -> Value {
    let Some(page) = Page::of(code) else { return json!({ "id": code }) };
    let (own, other) = match locale {
        Locale::En => (Locale::En, Locale::Uk),
        Locale::Uk => (Locale::Uk, Locale::En),
    };
    let plain = |locale| {
        let text = page.text(locale);
        format!("{}\n\n{}", text.title, text.body.replace("**", "").replace('`', ""))
    };
    json!({
        "id": code,
        "shortDescription": { "text": page.text(own).title },
        "help": { "text": format!("{}\n\n{}", plain(own), plain(other)), "markdown": page.markdown },
    })
}

fn result(
    diagnostic: &Diagnostic,
    uri: &str,
    rules: &BTreeMap<&str, usize>,
    locale: Locale,
    seen: &mut BTreeMap<String, usize>,
) -> Value {
    let code = diagnostic.code.0;
    let mut message = diagnostic.message(locale);
    if let Some(hint) = diagnostic.hint(locale) {
        message = format!("{message}\n{hint}");
    }
    let mut physical = json!({ "artifactLocation": { "uri": uri } });
    let mut logical = Vec::new();
    let place = match &diagnostic.place {
        Place::File => String::new(),
        Place::Item { id, text, span } => {
            logical.push(json!({ "name": id, "fullyQualifiedName": format!("{uri}#{id}"), "kind": "element" }));
            format!("{id}\0{}", offending(text, span.as_ref()))
        }
        Place::Line { line, text, span } => {
            let mut region = json!({ "startLine": line, "snippet": { "text": text } });
            if let Some(span) = span {
                let column = |end: usize| text.get(..end).map_or(0, |before| before.chars().count()) + 1;
                region["startColumn"] = column(span.start).into();
                region["endColumn"] = column(span.end).into();
            }
            physical["region"] = region;
            // Without its number: the fingerprint of a finding outlives lines that are added above it.
            format!("{text}\0{}", offending(text, span.as_ref()))
        }
        Place::Node { node, pointer, item } => {
            logical.push(json!({ "fullyQualifiedName": pointer, "kind": "value" }));
            if let Some(item) = item {
                logical.push(json!({ "name": item, "kind": "element" }));
            }
            format!("{}{pointer}", node.as_ref().map(ToString::to_string).unwrap_or_default())
        }
    };
    let key = format!("{code}\0{uri}\0{place}");
    let count = seen.entry(key.clone()).and_modify(|count| *count += 1).or_default();
    let fingerprint = Digest::of(format!("{key}\0{count}").as_bytes()).hex();
    let mut location = json!({ "physicalLocation": physical });
    if !logical.is_empty() {
        location["logicalLocations"] = logical.into();
    }
    json!({
        "ruleId": code,
        "ruleIndex": rules.get(code),
        "level": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": { "text": message },
        "locations": [location],
        "partialFingerprints": { "bloomPlace/v1": fingerprint },
    })
}

fn offending<'a>(text: &'a str, span: Option<&std::ops::Range<usize>>) -> &'a str {
    span.and_then(|span| text.get(span.clone())).unwrap_or(text)
}

/// A path as a reference of RFC 3986: relative where the path is.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    if path.is_absolute() {
        uri.push_str("file://");
    }
    let path = path.to_string_lossy();
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => {
                // Writing into a String cannot fail.
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use bloom_compiler::{Options, SourceFile, compile};

    use super::*;

    fn found(name: &str, text: &str) -> Vec<Diagnostic> {
        compile(&SourceFile::new(name, text.as_bytes()), &Options::default()).diagnostics
    }

    #[test]
    fn icons_are_logical_places_and_lines_are_regions() {
        let diagram = found("a.drakon", r#"{"items": {"2": {"type": "branch", "branchId": 0, "one": "9"}}}"#);
        let program = found("b.md", "BEGIN\n  x ← поле + yy\n  LOG x\nEND\n");
        let files = [(Path::new("тека/a.drakon"), &diagram[..]), (Path::new("b.md"), &program[..])];
        let log = log(&files, Locale::En);
        let run = &log["runs"][0];
        let [icon, line, ..] = run["results"].as_array().unwrap().as_slice() else { panic!("{run}") };
        assert_eq!(icon["locations"][0]["logicalLocations"][0]["name"], "2");
        let uri = &icon["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(uri, "%D1%82%D0%B5%D0%BA%D0%B0/a.drakon");
        let region = &line["locations"][0]["physicalLocation"]["region"];
        assert_eq!(
            (&region["startLine"], &region["startColumn"], &region["endColumn"]),
            (&json!(2), &json!(7), &json!(11))
        );
        for result in run["results"].as_array().unwrap() {
            let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            let help = rule["help"]["text"].as_str().unwrap();
            assert!(help.contains("Why.") && help.contains("Чому."), "{help}");
        }
    }

    #[test]
    fn a_fingerprint_belongs_to_one_finding_and_outlives_its_line_number() {
        let fingerprints = |text: &str| {
            let found = found("b.md", text);
            let log = log(&[(Path::new("b.md"), &found[..])], Locale::En);
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            results.iter().map(|it| it["partialFingerprints"]["bloomPlace/v1"].clone()).collect::<Vec<_>>()
        };
        let before = fingerprints("BEGIN\n  LOG a\n  LOG a\nEND\n");
        assert_eq!(before.len(), 2);
        assert_ne!(before[0], before[1]);
        assert_eq!(before, fingerprints("BEGIN\n  # more\n  LOG a\n  LOG a\nEND\n"));
    }
}
