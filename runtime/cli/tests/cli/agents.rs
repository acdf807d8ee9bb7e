//! Diagrams as pseudocode, and the folders of agents.

use std::fs;

use serde_json::Value;

use crate::support::{Place, fixture, json};

#[test]
fn a_diagram_and_its_pseudocode_are_one_program() {
    let place = Place::new();
    let diagram = fixture("archivist/archivist.drakon");
    let program = |file: &std::path::Path| -> Value {
        json(place.bloom().arg("compile").arg(file))["integrity"]["program"].clone()
    };
    for locale in ["uk", "en"] {
        let printed = place.path(&format!("{locale}/archivist.md"));
        fs::create_dir_all(printed.parent().unwrap()).unwrap();
        place.bloom().arg("pseudocode").arg(&diagram).args(["--locale", locale, "-o"]).arg(&printed).assert().success();
        assert_eq!(program(&printed), program(&diagram), "{locale}");
    }
}

#[test]
fn an_agent_is_exported_checked_and_its_policy_kept() {
    let place = Place::new();
    let diagram = fs::read(fixture("archivist/archivist.drakon")).unwrap();
    let diagram = place.write("agents/archivist/drakon/archivist.drakon", diagram);
    let folder = place.path("agents/archivist");
    let export = || {
        let mut export = place.bloom();
        export.args(["agent", "export", "--locale", "uk"]).arg(&folder);
        export
    };
    export().assert().success();
    let agent = folder.join("_agent.md");
    let written = fs::read_to_string(&agent).unwrap();
    assert!(written.contains("ПОЧАТОК \"Щоденний аналіз\"") && written.contains("generated_from"), "{written}");
    place.bloom().args(["agent", "check"]).arg(&folder).assert().success();

    // The front matter names the flow, and what it may call.
    let narrow = written.replace("version: \"0.1.0\"", "version: \"3.1.4\"").replace("  - write-memory\n", "");
    fs::write(&agent, &narrow).unwrap();
    let refused = place.bloom().arg("check").arg(&diagram).output().unwrap();
    let told = String::from_utf8(refused.stdout).unwrap();
    assert!(told.contains("D108") && told.contains("write-memory"), "{told}");
    fs::write(&agent, written.replace("version: \"0.1.0\"", "version: \"3.1.4\"")).unwrap();
    let document: Value = json(place.bloom().arg("compile").arg(&diagram));
    assert_eq!(document["flow"]["version"], "3.1.4");

    // What a person changed stays, in the front matter and in the body.
    export().assert().success();
    let again = fs::read_to_string(&agent).unwrap();
    assert!(again.contains("version: \"3.1.4\""), "{again}");
    fs::write(&agent, format!("{again}\nBe brief.\n")).unwrap();
    let kept = export().output().unwrap();
    assert_eq!(kept.status.code(), Some(2), "{}", String::from_utf8_lossy(&kept.stderr));
    assert!(fs::read_to_string(&agent).unwrap().ends_with("Be brief.\n"));
    export().arg("--force").assert().success();
    assert!(!fs::read_to_string(&agent).unwrap().contains("Be brief."));

    let broken = fs::read_to_string(&agent).unwrap().replace("status: \"draft\"", "status: \"busy\"");
    fs::write(&agent, broken.replace("slug:", "slugs:")).unwrap();
    let checked = place.bloom().args(["agent", "check"]).arg(&folder).output().unwrap();
    let told = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{told}");
    assert!(told.contains("D113") && told.contains("D114") && told.contains("D115"), "{told}");
    let refused = place.bloom().arg("check").arg(&diagram).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
}
