//! The database's file, watched: `SQLite` goes on writing to a file that somebody has deleted or replaced, and everything
//! that it then acknowledges is lost with the process.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The file that was opened, as the file system knows it.
#[derive(Clone, Debug)]
pub(super) struct OpenedFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OpenedFile {
    /// The file at `path`, which is open by now.
    pub(super) fn at(path: PathBuf) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(&path)?;
        Ok(Self { path, device: metadata.dev(), inode: metadata.ino() })
    }

    /// That it still stands where it stood.
    ///
    /// # Errors
    /// When it is gone, or another one stands there.
    pub(super) fn stands(&self) -> std::io::Result<()> {
        let metadata = std::fs::metadata(&self.path)?;
        if (metadata.dev(), metadata.ino()) == (self.device, self.inode) {
            return Ok(());
        }
        Err(std::io::Error::other("the database file was replaced; restart to use the new one"))
    }
}
