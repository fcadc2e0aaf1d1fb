//! The table `digest`, and the sums of it in `local`.

use rusqlite::{OptionalExtension as _, params};

use crate::error::Result;
use crate::ids::RecordId;
use crate::record::sums::{Digest, Sums};
use crate::store::{Connection, local, sql};

const SUMMED: &str = "summed";
const SUMS: &str = "sums";

/// Up to which local sequence records are counted in, and their sums.
pub(super) fn sums(conn: &Connection) -> Result<(u64, Sums)> {
    if let Some((summed, Some(sums))) = kept(conn)? {
        return Ok((summed, sums));
    }
    // There are none yet, or they are unreadable.
    forget(conn)?;
    Ok((0, Sums::default()))
}

/// The same as it is kept: `None` where nothing was summed up yet, no sums where they are unreadable.
pub(super) fn kept(conn: &Connection) -> Result<Option<(u64, Option<Sums>)>> {
    let Some(summed) = local::number(conn, SUMMED)? else { return Ok(None) };
    let sums = local::blob(conn, SUMS)?.as_deref().and_then(Sums::from_bytes);
    Ok(Some((u64::try_from(summed).unwrap_or(0), sums)))
}

pub(super) fn forget(conn: &Connection) -> Result<()> {
    conn.execute("DELETE FROM digest", []).map_err(sql)?;
    conn.execute("DELETE FROM local WHERE name IN (?1, ?2)", [SUMMED, SUMS]).map_err(sql)?;
    Ok(())
}

pub(super) fn keep_sums(conn: &Connection, summed: u64, sums: &Sums) -> Result<()> {
    local::set(conn, SUMMED, &summed)?;
    local::set(conn, SUMS, &sums.bytes())
}

pub(super) fn digest(conn: &Connection, id: RecordId) -> Result<Option<Digest>> {
    conn.prepare_cached("SELECT sum FROM digest WHERE id = ?1")
        .and_then(|mut statement| {
            statement.query_row([id.bytes()], |row| row.get(0).map(Digest)).optional()
        })
        .map_err(sql)
}

pub(super) fn put(conn: &Connection, id: RecordId, digest: Option<Digest>) -> Result<()> {
    let id = id.bytes();
    match digest {
        Some(Digest(sum)) => conn
            .prepare_cached("INSERT OR REPLACE INTO digest (id, sum) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute(params![id, sum])),
        None => conn
            .prepare_cached("DELETE FROM digest WHERE id = ?1")
            .and_then(|mut statement| statement.execute([id])),
    }
    .map_err(sql)?;
    Ok(())
}
