//! Files of DRAKON Editor (`.drn`), which are databases of `SQLite`.
//!
//! The bytes may come from anybody: the database is opened from memory and read only, nothing of its schema is trusted but
//! two plain tables, and reading stops after so many steps.

use bloom_compiler::drn::{Item, Sheet};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, Row};

use crate::catalogue::text;
use crate::failure::Explained;
use crate::flow::FlowFile;
use crate::session::Session;

/// Steps of the database's machine, in thousands: what a file of the largest size needs, and a hundred times that.
const MOST_STEPS: u32 = 500_000;

/// Why there is nothing to import.
enum Refusal {
    NotDatabase,
    /// It has no tables of DRAKON Editor.
    OtherApplication,
    Damaged(rusqlite::Error),
}

/// The diagrams of a file, in the order of their ids.
pub(crate) fn read(file: &FlowFile, session: &Session) -> anyhow::Result<Vec<Sheet>> {
    let refusal = match sheets(&file.bytes) {
        Ok(sheets) if sheets.is_empty() => text!(session.catalogue, "import-empty", name = &file.name),
        Ok(sheets) => return Ok(sheets),
        Err(Refusal::NotDatabase) if is_json(&file.bytes) => {
            text!(session.catalogue, "import-native", name = &file.name)
        }
        Err(Refusal::NotDatabase) => text!(session.catalogue, "import-no-database", name = &file.name),
        Err(Refusal::OtherApplication) => text!(session.catalogue, "import-other", name = &file.name),
        Err(Refusal::Damaged(error)) => {
            text!(session.catalogue, "import-damaged", name = &file.name, detail = error.to_string())
        }
    };
    Err(Explained::failed(refusal).into())
}

fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first().is_some_and(|byte| b"{[".contains(byte))
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Damaged(error)
    }
}

fn sheets(bytes: &[u8]) -> Result<Vec<Sheet>, Refusal> {
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Err(Refusal::NotDatabase);
    }
    let mut database = Connection::open_in_memory()?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    database.deserialize_read_exact(MAIN_DB, bytes, bytes.len(), true)?;
    database.pragma_update(None, "cell_size_check", true)?;
    let mut steps = 0_u32;
    database.progress_handler(
        1_000,
        Some(move || {
            steps = steps.saturating_add(1);
            steps > MOST_STEPS
        }),
    )?;
    let plain = |name: &str| {
        let sql = "select count(*) from sqlite_schema where name = ?1 and type = 'table' and sql like 'create table%'";
        database.query_row(sql, [name], |row| row.get::<_, i64>(0)).map(|count| count == 1)
    };
    if !plain("diagrams")? || !plain("items")? {
        return Err(Refusal::OtherApplication);
    }
    // Both were added later.
    let upper = if has_column(&database, "items", "text2")? { "text2" } else { "''" };
    let about = if has_column(&database, "diagrams", "description")? { "description" } else { "''" };
    let mut diagrams =
        database.prepare(&format!("select diagram_id, name, {about} from diagrams order by diagram_id"))?;
    let mut items = database.prepare(&format!(
        "select item_id, type, text, {upper}, x, y, w, h, a, b from items where diagram_id = ?1 order by item_id"
    ))?;
    let rows = diagrams.query_map([], |row| Ok((integer(row, 0)?, string(row, 1)?, string(row, 2)?)))?;
    let mut sheets = Vec::new();
    for row in rows {
        let (id, name, description) = row?;
        let items = items.query_map([id], item)?.collect::<Result<_, _>>()?;
        sheets.push(Sheet { name, description, items });
    }
    Ok(sheets)
}

fn has_column(database: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let sql = "select count(*) from pragma_table_info(?1) where name = ?2";
    database.query_row(sql, [table, column], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: integer(row, 0)?,
        kind: string(row, 1)?,
        text: string(row, 2)?,
        upper: string(row, 3)?,
        x: integer(row, 4)?,
        y: integer(row, 5)?,
        w: integer(row, 6)?,
        h: integer(row, 7)?,
        a: integer(row, 8)?,
        b: integer(row, 9)?,
    })
}

/// A number, however it was stored: the editor leaves out what an item does not need.
fn integer(row: &Row<'_>, column: usize) -> rusqlite::Result<i64> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => number,
        #[expect(clippy::cast_possible_truncation, reason = "what is out of range is told as such later")]
        ValueRef::Real(number) => number.round() as i64,
        ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0),
        ValueRef::Null | ValueRef::Blob(_) => 0,
    })
}

fn string(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Null => String::new(),
    })
}
