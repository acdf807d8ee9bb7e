//! What stands in rows: a byte that names the format, then the content.
//!
//! The content is compact JSON: of an event it is what is hashed, and of a record a denser format would spare less than one part
//! in a hundred of what a step takes (`docs/performance.md`). One can take the next number without touching old rows. Index rows
//! hold the bare id or number that they point to, blobs the bare bytes.

use bloom_interpreter::history::{Event, Sealed};
use bloom_ir::Digest;
use bloom_runtime::store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Compact JSON.
const JSON: u8 = 1;
/// Compact JSON of an event without its payload, which is a blob under `payload_sha256`.
const JSON_PAYLOAD_BESIDE: u8 = 2;

/// Payloads over this many bytes are kept beside the log.
pub(super) const INLINE: usize = 64 << 10;

pub(super) fn encode<T: Serialize>(content: &T) -> Vec<u8> {
    let mut row = vec![JSON];
    serde_json::to_writer(&mut row, content)
        .unwrap_or_else(|_| unreachable!("string keys and finite numbers always serialise, and memory takes them"));
    row
}

pub(super) fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, StoreError> {
    match row {
        [JSON, content @ ..] => serde_json::from_slice(content).map_err(damaged),
        _ => Err(unknown(row)),
    }
}

/// An event's row, and what is kept beside it.
pub(super) struct EventRow {
    pub(super) row: Vec<u8>,
    pub(super) beside: Option<(Digest, Vec<u8>)>,
}

pub(super) fn encode_event(event: &Sealed) -> EventRow {
    let (line, beside) = event.to_parts(INLINE);
    let format = if beside.is_some() { JSON_PAYLOAD_BESIDE } else { JSON };
    let row = [&[format], line.as_slice()].concat();
    EventRow { row, beside: beside.map(|payload| (event.payload_sha256, payload)) }
}

/// Reads an event's row; `blob` gets what is kept beside it.
pub(super) fn decode_event(
    row: &[u8],
    blob: impl FnOnce(Digest) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<Event, StoreError> {
    let [JSON_PAYLOAD_BESIDE, content @ ..] = row else { return decode(row) };
    let event: Event = serde_json::from_slice(content).map_err(damaged)?;
    let Some(payload) = blob(event.payload_sha256)? else {
        let missing = format!("the payload {} of event {} is not there", event.payload_sha256, event.seq);
        return Err(StoreError::Damaged(missing));
    };
    event.with_payload(&payload).map_err(damaged)
}

/// The id that an index row holds.
pub(super) fn id(row: &[u8]) -> Result<&str, StoreError> {
    str::from_utf8(row).map_err(|_| unknown(row))
}

/// The number that an index row or a key holds.
pub(super) fn number(row: &[u8]) -> Result<u64, StoreError> {
    row.try_into().map(u64::from_be_bytes).map_err(|_| unknown(row))
}

fn unknown(row: &[u8]) -> StoreError {
    let start: Vec<u8> = row.iter().copied().take(8).collect();
    StoreError::Damaged(format!("a row of {} bytes that begins with {start:02x?} has no known format", row.len()))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Damaged(format!("a row cannot be read: {error}"))
}
