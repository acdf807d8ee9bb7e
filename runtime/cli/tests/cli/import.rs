//! `bloom import` of files that are made here, as DRAKON Editor makes them.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::support::Place;

/// The tables of the editor.
const SCHEMA: &str = "
    create table diagrams (diagram_id integer primary key, name text unique, origin text, description text, zoom double);
    create table items (item_id integer primary key, diagram_id integer, type text, text text, selected integer,
        x integer, y integer, w integer, h integer, a integer, b integer, aux_value integer, color text, format text,
        text2 text);
    create table info (key text primary key, value text);
    insert into info values ('type', 'drakon'), ('version', '32'), ('start_version', '1');
";

/// A begin, an end, a question between them with an action at its right.
const DIAGRAM: &str = "
    insert into items (item_id, diagram_id, type, text, x, y, w, h, a, b) values
        (1, D, 'beginend', 'Choose', 100, 0, 50, 20, 0, 0),
        (2, D, 'beginend', 'End', 100, 300, 50, 20, 0, 0),
        (3, D, 'vertical', '', 100, 20, 0, 260, 0, 0),
        (4, D, 'if', 'x > 1', 100, 100, 50, 20, 100, 0),
        (5, D, 'action', 'x = 2', 250, 160, 40, 20, 60, 0),
        (6, D, 'vertical', '', 250, 100, 0, 140, 0, 0),
        (7, D, 'horizontal', null, 100, 240, 150, null, null, null),
        (8, D, 'action', 'x = 1', 100, 50, 40, 10, 60, 0);
";

fn drn(place: &Place, name: &str, sql: &str) -> PathBuf {
    let path = place.write(name, "");
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

fn import(place: &Place, file: &Path) -> std::process::Output {
    place.bloom().arg("import").arg(file).arg("-o").arg(place.path("out")).output().unwrap()
}

#[test]
fn an_imported_diagram_compiles() {
    let place = Place::new();
    let sql = format!("{SCHEMA} insert into diagrams values (1, 'Choose/1', '0 0', 'What to choose', 100); {DIAGRAM}");
    let file = drn(&place, "flows.drn", &sql.replace("D,", "1,"));
    let output = import(&place, &file);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let written = place.path("out/Choose_1.drakon");
    let diagram: serde_json::Value = serde_json::from_slice(&std::fs::read(&written).unwrap()).unwrap();
    assert_eq!(diagram["name"], "Choose/1");
    assert_eq!(
        diagram["items"]["4"],
        serde_json::json!({
            "type": "question", "content": "x > 1", "flag1": 0, "one": "2", "two": "5",
        })
    );
    let checked = place.bloom().arg("check").arg(&written).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));

    let again = import(&place, &file);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there"), "{again:?}");
}

#[test]
fn a_broken_drawing_is_told_and_the_others_are_imported() {
    let place = Place::new();
    let sql = format!(
        "{SCHEMA} insert into diagrams values (1, 'Good', '', '', 100), (2, 'Bad', '', '', 100); {}
         insert into items (item_id, diagram_id, type, text, x, y, w, h, a, b) values
            (20, 2, 'beginend', 'Bad', 100, 0, 50, 20, 0, 0), (21, 2, 'vertical', '', 100, 20, 0, 50, 0, 0);",
        DIAGRAM.replace("D,", "1,")
    );
    let output = import(&place, &drn(&place, "two.drn", &sql));
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(place.path("out/Good.drakon").exists() && !place.path("out/Bad.drakon").exists());
    assert!(told.contains("D143") && told.contains("100, 70"), "{told}");
}

#[test]
fn what_is_no_file_of_the_editor_is_refused_for_its_reason() {
    let place = Place::new();
    let good =
        format!("{SCHEMA} insert into diagrams values (1, 'Good', '', '', 100); {}", DIAGRAM.replace("D,", "1,"));
    let mut cut = std::fs::read(drn(&place, "good.drn", &good)).unwrap();
    cut.truncate(cut.len() / 3);
    let mut noise = cut.clone();
    noise[100..].fill(0x5a);
    let endless =
        "create view items as with recursive r(n) as (select 1 union all select n + 1 from r) select n from r;
        create table diagrams (diagram_id, name);";
    for (file, expected) in [
        (place.write("text.drn", "hello"), "is no file of DRAKON Editor"),
        (place.write("empty.drn", ""), "is no file of DRAKON Editor"),
        (place.write("native.drakon", "{\"items\": {}}"), "there is nothing to import"),
        (drn(&place, "other.db", "create table songs (name text)"), "another application"),
        (drn(&place, "view.drn", endless), "another application"),
        (drn(&place, "none.drn", SCHEMA), "has no diagrams"),
        (place.write("cut.drn", &cut), "damaged"),
        (place.write("noise.drn", &noise), "damaged"),
        (place.write("head.drn", b"SQLite format 3\0"), "damaged"),
    ] {
        let output = import(&place, &file);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{}: {stderr}", file.display());
        assert!(stderr.contains(expected), "{}: {stderr}", file.display());
        assert!(!place.path("out").exists());
    }
}
