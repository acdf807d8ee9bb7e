//! Where in a diagram something of a run came from.

use bloom_ir::document::NodeId;
use bloom_ir::{Document, validate};
use bloom_runtime::record::{RunId, RunRecord};

use crate::app::App;
use crate::error::ApiError;
use crate::view;

/// The icon of a node.
pub(super) struct Icon {
    pub(super) node: String,
    /// Its id in the diagram; none where the program tells none.
    pub(super) item: Option<String>,
    /// What people read in it, shortened.
    pub(super) text: Option<String>,
    run: RunId,
}

impl Icon {
    /// The icon of a node of a run's program.
    pub(super) async fn of(app: &App, run: &RunRecord, node: &str) -> Result<Self, ApiError> {
        let bytes = app.store().flow_document(run.ir).await?;
        let document = bytes.and_then(|bytes| validate::read(&bytes).ok());
        let found = document.as_ref().and_then(|document| spot(document, node));
        let (item, text) = found.map_or((None, None), |(item, text)| (Some(item), text));
        Ok(Self { node: node.to_owned(), item, text, run: run.id.clone() })
    }

    /// Where the run shows it.
    pub(super) fn path(&self) -> String {
        let run = view::segment(self.run.as_str());
        match &self.item {
            Some(item) => {
                let item = view::segment(item);
                format!("/runs/{run}/effects?item={item}")
            }
            None => format!("/runs/{run}"),
        }
    }

    /// Its text, else the node's name.
    pub(super) fn name(&self) -> &str {
        self.text.as_deref().unwrap_or(&self.node)
    }
}

fn spot(document: &Document, node: &str) -> Option<(String, Option<String>)> {
    let map = &document.source.as_ref()?.map;
    let spot = map.get(&NodeId::new(node))?;
    // The text stands with the first node of the icon.
    let text = spot.text.clone().or_else(|| {
        let mut same = map.values().filter(|other| other.item == spot.item);
        same.find_map(|other| other.text.clone())
    });
    Some((spot.item.clone(), text))
}

/// The node of an effect or an emission, by the form of its id: `n7#3`, `n2#1.0/n7#3`.
pub(super) fn node_of(effect: &str) -> &str {
    let last = effect.rsplit('/').next().unwrap_or(effect);
    last.rsplit_once('#').map_or(last, |(node, _)| node)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_node_stands_last_in_the_id() {
        assert_eq!(["n7#3", "n2#1.0/n7#3", "n7"].map(super::node_of), ["n7"; 3]);
    }
}
