//! A new file under another name, which gets its own when all tables are in it: so a file that is there is whole, and
//! one that is empty was emptied by somebody.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bloom_runtime::store::StoreError;
use redb::Database;

use super::guard::Guarded;
use super::schema::prepare;
use super::{at, opening, owner};

/// Makes the file where there is none. What a crash left of an earlier try is made anew.
pub(super) fn where_missing(path: &Path) -> Result<(), StoreError> {
    if path.try_exists().map_err(|error| at(path, &error))? {
        return Ok(());
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    let failed = |error: io::Error| at(draft, &error);
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(draft)
        .map_err(failed)?;
    // Who holds this lock may make the file: nobody else renames a draft.
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => {
            StoreError::Locked { path: path.display().to_string(), holder: owner::holder(path) }
        }
        fs::TryLockError::Error(error) => failed(error),
    })?;
    if path.try_exists().map_err(|error| at(path, &error))? {
        // Another process made it in the meantime, maybe of this very draft.
        return Ok(());
    }
    file.set_len(0).map_err(failed)?;
    // The copy shares the lock, which so lasts until the file has its name.
    let copy = file.try_clone().map_err(failed)?;
    let database = Database::builder().create_file(copy).map_err(|error| opening(draft, error))?;
    let database = Guarded::once(database)?;
    prepare(&database, Some(draft))?;
    fs::rename(draft, path).map_err(failed)?;
    // The file is there after a power cut only when its folder's entry is on disk too.
    if let Some(folder) = path.parent() {
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| at(folder, &error))?;
    }
    drop(database);
    Ok(())
}
