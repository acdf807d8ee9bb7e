//! `bloom tool watch`: builds and checks on every change.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bloom_author::project::Project;
use clap::Args;

use super::{build, check, trouble};
use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::{self, Out};
use crate::session::Session;
use crate::telling;

/// How often the sources are looked at: sooner than anybody notices, and a few dozen files cost nothing.
const LOOK: Duration = Duration::from_millis(250);

/// Folders that builds and package managers write to.
const WRITTEN: [&str; 6] = ["target", "build", "dist", "node_modules", "__pycache__", "zig-out"];

#[derive(Args, Debug)]
pub(crate) struct Watch {
    #[arg(value_name = "DIR", default_value = ".")]
    path: PathBuf,
}

impl Watch {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let mut project = Project::find(&self.path).map_err(|error| trouble::of_project(error, catalogue))?;
        loop {
            // Before the build, so that what changes meanwhile counts.
            let mut seen = Sources::of(&project);
            if let Err(error) = round(&project, session, out).await {
                let _ = telling::explain(&error, session);
            }
            out.flush()?;
            let folder = project.folder.display().to_string();
            writeln!(output::stderr(), "{}", text!(catalogue, "tool-watching", folder = folder))?;
            while !out.is_closed() {
                tokio::time::sleep(LOOK).await;
                let now = Sources::of(&project);
                if now != seen {
                    // Saved in several steps, perhaps: it is built once they are over.
                    seen = now;
                    tokio::time::sleep(LOOK).await;
                    if Sources::of(&project) == seen {
                        break;
                    }
                }
            }
            if out.is_closed() {
                return Ok(Exit::Completed);
            }
            // The file that says how it is built may be what changed; while it is wrong, the one before it counts.
            match Project::open(&project.folder) {
                Ok(changed) => project = changed,
                Err(error) => drop(telling::explain(&trouble::of_project(error, catalogue), session)),
            }
        }
    }
}

async fn round(project: &Project, session: &Session, out: &mut Out) -> anyhow::Result<()> {
    let _ = build::of_project(project, session)?;
    let _ = check::checked(&project.folder, None, session).await?.write(session, out)?;
    Ok(())
}

/// The sources, each with its size and when it was changed.
#[derive(Debug, PartialEq, Eq)]
struct Sources(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Sources {
    fn of(project: &Project) -> Self {
        let mut sources = BTreeMap::new();
        collect(&project.folder, project, &mut sources);
        Self(sources)
    }
}

/// What cannot be looked at is not there.
fn collect(folder: &Path, project: &Project, sources: &mut BTreeMap<PathBuf, (u64, Option<SystemTime>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let hidden = name.as_encoded_bytes().first() == Some(&b'.');
        // A link to a folder could lead into a circle.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            if !hidden && !WRITTEN.iter().any(|written| name == *written) {
                collect(&path, project, sources);
            }
        } else if !hidden && path != project.component() && path != project.output() && name != "Cargo.lock" {
            let _ = sources.insert(path, (metadata.len(), metadata.modified().ok()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bloom_author::template::{self, Language};

    use super::*;

    #[test]
    fn sources_change_the_picture_and_what_a_build_writes_does_not() {
        let folder = tempfile::tempdir().unwrap();
        template::write(&folder.path().join("t"), "t", Language::C).unwrap();
        let project = Project::open(&folder.path().join("t")).unwrap();
        let write = |path: &str, text: &str| {
            let path = project.folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let first = Sources::of(&project);
        for written in ["t.wasm", "build/t.wasm", "target/debug/x", "node_modules/a/b.js", ".git/index", "src/.t.c.swp"]
        {
            write(written, "written");
            assert_eq!(Sources::of(&project), first, "{written}");
        }
        for source in ["src/tool.c", "manifest.json", "samples/new.json", "bloom-tool.toml"] {
            let before = Sources::of(&project);
            write(source, "changed");
            assert_ne!(Sources::of(&project), before, "{source}");
        }
    }
}
