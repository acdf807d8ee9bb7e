//! What is refused, with exit status 3 and the reason; nothing of it runs.

use std::fs;

use crate::support::{Place, fixture, has_tools, json, script, signed_greeting};

/// The exit status and what was told.
fn run(place: &Place, document: &std::path::Path) -> (Option<i32>, String) {
    let reply = script(place, r#""answer": { "text": "Hello!" }"#);
    let output = place.bloom().arg("run").arg(document).args(["--input", "name=Ann", &reply]).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn one_bit_changed_anywhere_in_a_signed_document_is_refused() {
    let place = Place::new();
    let signed = fs::read(signed_greeting(&place)).unwrap();
    // Every byte in turn would take minutes; these are spread over the whole document, its hashes and its signature.
    for position in (0..signed.len()).step_by(signed.len() / 24) {
        let mut changed = signed.clone();
        changed[position] ^= 1;
        let path = place.write("changed.ir.json", &changed);
        let verified = place.bloom().arg("verify").arg(&path).output().unwrap();
        let stderr = String::from_utf8(verified.stderr).unwrap();
        assert_eq!(verified.status.code(), Some(3), "byte {position}: {stderr}");
        assert!(stderr.contains("is refused: "), "{stderr}");
    }
    let text = String::from_utf8(signed).unwrap().replace("Greet ", "Greed ");
    let (status, stderr) = run(&place, &place.write("changed.ir.json", text));
    assert_eq!(status, Some(3));
    assert!(stderr.contains("but it states") && stderr.contains("changed after it was signed"), "{stderr}");
    assert_eq!(json(place.bloom().args(["runs", "--json"])), serde_json::json!([]));
}

#[test]
fn a_signer_who_is_not_trusted_is_refused_until_trusted() {
    let (author, reader) = (Place::new(), Place::new());
    let signed = signed_greeting(&author);
    let (status, stderr) = run(&reader, &signed);
    assert_eq!(status, Some(3));
    assert!(stderr.contains("trusts none of them") && stderr.contains("bloom keys trust"), "{stderr}");

    let keys = json(author.bloom().args(["keys", "list", "--json"]));
    let public = keys["own"][0]["public_key"].as_str().unwrap();
    reader.bloom().args(["keys", "trust", public, "--name", "author"]).assert().success();
    assert_eq!(run(&reader, &signed).0, Some(0));
}

#[test]
fn a_document_without_a_signature_is_refused() {
    let place = Place::new();
    let (status, stderr) = run(&place, &place.write("greeting.json", crate::support::GREETING));
    assert_eq!(status, Some(3));
    assert!(stderr.contains("no signature") && stderr.contains("bloom compile"), "{stderr}");
}

#[test]
fn a_tool_that_is_not_the_one_that_was_signed_is_refused() {
    if !has_tools() {
        return;
    }
    let place = Place::new();
    let compiled = place.bloom().arg("compile").arg(fixture("archivist/archivist.drakon")).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&compiled.stdout).unwrap();
    let tools = "/policy/allowed_tools";
    let mut swapped = document.clone();
    swapped.pointer_mut(tools).unwrap()["read-notes"]["digest"] = format!("sha256:{}", "0".repeat(64)).into();
    let mut unknown = document;
    let read_notes = unknown.pointer_mut(tools).unwrap().as_object_mut().unwrap().remove("read-notes");
    assert!(read_notes.is_some());
    for changed in [swapped, unknown] {
        // Signed again: it is not the signature that refuses it. `bloom compile` signs nothing unsound.
        let key = fs::read_to_string(place.path("data/keys/development.pem")).unwrap();
        let key = bloom_ir::SigningKey::from_pem(&key).unwrap();
        let document = bloom_ir::validate::read(changed.to_string().as_bytes()).unwrap();
        let signed = place.write("changed.ir.json", bloom_ir::sign::seal(document, &[&key]).to_bytes());
        let answers = format!("--llm=scripted:{}", fixture("archivist/answers.json").display());
        let output = place.bloom().arg("run").arg(&signed).arg(answers).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("refused") && stderr.contains("read-notes"), "{stderr}");
    }
    assert_eq!(json(place.bloom().args(["runs", "--json"])), serde_json::json!([]));
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    signed_greeting(&place);
    let key = place.path("data/keys/development.pem");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(place.path("data")).unwrap().permissions().mode() & 0o777, 0o700);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let output = place.bloom().arg("compile").arg(place.path("greeting.json")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("chmod 600"));
}

#[test]
fn a_key_is_made_once() {
    let place = Place::new();
    place.bloom().args(["keys", "new", "release"]).assert().success();
    let before = fs::read(place.path("data/keys/release.pem")).unwrap();
    place.bloom().args(["keys", "new", "release"]).assert().failure().code(1);
    assert_eq!(fs::read(place.path("data/keys/release.pem")).unwrap(), before);
    place.bloom().args(["keys", "new", "../x"]).assert().failure().code(2);
}
