//! How many changes of users and handoffs there were, beside the database: what in it the node could not give back.
//! Where the database is damaged it may forget what was written last, and must not do so in silence.

use super::LedgerError;
use super::directory::io_error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The file with the number of changes.
pub(super) struct Revision(PathBuf);

impl Revision {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Compares it with what the database knows.
    ///
    /// # Errors
    /// `ChangesLost` where the database knows less, `Io`.
    pub(super) fn check(&self, stored: u64) -> Result<(), LedgerError> {
        let text = match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read.map_err(io_error(&self.0))?,
        };
        let not_a_number = |error| io_error(&self.0)(io::Error::new(io::ErrorKind::InvalidData, error));
        let written = text.trim().parse().map_err(not_a_number)?;
        if stored < written {
            return Err(LedgerError::ChangesLost { stored, written, path: self.0.clone() });
        }
        Ok(())
    }

    /// Notes a number durably, in one step.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn write(&self, revision: u64) -> Result<(), LedgerError> {
        let parent = self.0.parent().unwrap_or(Path::new("."));
        let write = || {
            let mut file = NamedTempFile::new_in(parent)?;
            writeln!(file, "{revision}")?;
            file.as_file().sync_all()?;
            file.persist(&self.0)?;
            File::open(parent)?.sync_all()
        };
        write().map_err(io_error(&self.0))
    }
}
