//! Backups: one encrypted file under a passphrase or the recovery code.

use std::path::Path;

use rusqlite::Connection;

use super::Place;
use super::key::BookKey;
use super::key_file::KeyFile;
use crate::error::Result;

pub(crate) fn copy_aside(_folder: &Path, _why: &str) -> Result<()> {
    Ok(())
}

pub(crate) fn before_migration(
    _conn: &Connection,
    _place: &Place,
    _file: &KeyFile,
    _key: &BookKey,
) -> Result<()> {
    Ok(())
}
