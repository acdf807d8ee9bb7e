//! Artifacts.

use bloom_runtime::record::{Artifact, ArtifactId};
use bloom_runtime::store::StoreError;

use super::{Content, Key, Rows, Stage, Table, keep_content, must_be_new, read, row};

/// Makes one, with its content.
pub(super) fn create(stage: &mut Stage<'_>, artifact: &Artifact, content: Content) -> Result<(), StoreError> {
    let id = artifact.id.as_str();
    must_be_new(stage, Table::Artifacts, "artifact", id)?;
    keep_content(stage, artifact.content, content)?;
    stage.put(Table::Artifacts, id.into(), row::encode(artifact));
    let place = |under: Key| under.signed(artifact.created_at).text(id).build();
    stage.put(Table::ArtifactsByTime, place(Key::new()), id.into());
    if let Some(task) = &artifact.task {
        stage.put(Table::ArtifactsByTask, place(Key::new().text(task.as_str())), id.into());
    }
    Ok(())
}

pub(in super::super) fn artifact(rows: &impl Rows, id: &ArtifactId) -> Result<Option<Artifact>, StoreError> {
    if let Some(artifact) = read(rows, Table::Artifacts, id.as_str())? {
        return Ok(Some(artifact));
    }
    let Some((run, seq)) = id.event() else { return Ok(None) };
    let place = Key::new().text(run.as_str()).number(seq).build();
    let Some(number) = rows.get(Table::EventsByRun, &place)? else { return Ok(None) };
    let Some(event) = rows.get(Table::Events, &number)? else { return Ok(None) };
    let event = row::decode_event(&event, |digest| rows.get(Table::Blobs, digest.as_bytes()))?;
    Ok(Artifact::handed_out(&run, &event))
}
