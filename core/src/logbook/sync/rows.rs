//! The tables `peer`, `echo` and `refused`.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::Result;
use crate::ids::{DeviceId, RecordId};
use crate::record;
use crate::store::{Connection, sql};
use crate::sync::Fingerprint;
use crate::sync::frame::{Receipt, WhyRefused};
use crate::time::UtcMillis;

/// What is kept of one peer of what cannot be taken in.
const MOST_ASIDE_BYTES: u64 = 16 << 20;
/// What this version sets aside only another one tries again.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How far each side has taken in the other.
#[derive(Default)]
pub(super) struct PeerRow {
    pub(super) replica: Option<DeviceId>,
    pub(super) sent: u64,
    pub(super) received: u64,
    /// The peer's, for that.
    pub(super) receipt: Receipt,
    pub(super) synced: Option<UtcMillis>,
    pub(super) addresses: Vec<String>,
    #[cfg_attr(not(feature = "lan"), expect(dead_code, reason = "bundles need keys"))]
    pub(super) bundles_read: u64,
}

const PEER: &str = "replica, sent, received, synced_ms, addresses, bundles_read, receipt";

fn read_peer(row: &Row<'_>, at: usize) -> rusqlite::Result<PeerRow> {
    Ok(PeerRow {
        replica: row.get::<_, Option<u64>>(at)?.map(DeviceId),
        sent: row.get(at + 1)?,
        received: row.get(at + 2)?,
        synced: row.get::<_, Option<i64>>(at + 3)?.map(UtcMillis),
        // Where they cannot be read, the device is looked for.
        addresses: serde_json::from_str(&row.get::<_, String>(at + 4)?).unwrap_or_default(),
        bundles_read: row.get(at + 5)?,
        receipt: row.get::<_, Option<[u8; 16]>>(at + 6)?.map(Receipt).unwrap_or_default(),
    })
}

/// One peer; one that is not known has nothing.
pub(super) fn peer(conn: &Connection, peer: Fingerprint) -> Result<PeerRow> {
    let query = format!("SELECT {PEER} FROM peer WHERE fingerprint = ?1");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let row = statement.query_row([peer.0], |row| read_peer(row, 0)).optional().map_err(sql)?;
    Ok(row.unwrap_or_default())
}

pub(super) fn is_peer(conn: &Connection, peer: Fingerprint) -> Result<bool> {
    conn.prepare_cached("SELECT 1 FROM peer WHERE fingerprint = ?1")
        .and_then(|mut statement| statement.exists([peer.0]))
        .map_err(sql)
}

pub(super) fn peers(conn: &Connection) -> Result<Vec<(Fingerprint, PeerRow)>> {
    let query = format!("SELECT fingerprint, {PEER} FROM peer");
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let rows = statement
        .query_map([], |row| Ok((Fingerprint(row.get(0)?), read_peer(row, 1)?)))
        .and_then(Iterator::collect);
    rows.map_err(sql)
}

fn run(conn: &Connection, change: &str, values: impl rusqlite::Params) -> Result<()> {
    conn.prepare_cached(change).and_then(|mut statement| statement.execute(values)).map_err(sql)?;
    Ok(())
}

/// Makes a device a peer, or begins anew with one that was.
pub(super) fn add_peer(conn: &Connection, peer: Fingerprint) -> Result<()> {
    let change = "INSERT OR IGNORE INTO peer (fingerprint, sent, received, addresses, bundles_made, bundles_read)
                  VALUES (?1, 0, 0, '[]', 0, 0)";
    run(conn, change, [peer.0])
}

pub(super) fn keep_addresses(
    conn: &Connection,
    peer: Fingerprint,
    addresses: &[String],
) -> Result<()> {
    let addresses = serde_json::Value::from(addresses.to_vec()).to_string();
    run(conn, "UPDATE peer SET addresses = ?2 WHERE fingerprint = ?1", params![peer.0, addresses])
}

/// The peer is a new incarnation: neither what it sent nor what it had counts any more.
pub(super) fn restart(conn: &Connection, peer: Fingerprint, replica: DeviceId) -> Result<()> {
    run(conn, "DELETE FROM echo WHERE fingerprint = ?1", [peer.0])?;
    run(
        conn,
        "UPDATE peer SET replica = ?2, sent = 0, received = 0, receipt = NULL, bundles_read = 0
         WHERE fingerprint = ?1",
        params![peer.0, replica.0],
    )
}

/// Counts a bundle for the peer; gives its number.
#[cfg(feature = "lan")]
pub(super) fn count_bundle(conn: &Connection, peer: Fingerprint) -> Result<u64> {
    let change = "UPDATE peer SET bundles_made = bundles_made + 1 WHERE fingerprint = ?1
                  RETURNING bundles_made";
    let mut statement = conn.prepare_cached(change).map_err(sql)?;
    statement.query_row([peer.0], |row| row.get(0)).map_err(sql)
}

#[cfg(feature = "lan")]
pub(super) fn note_bundle(conn: &Connection, peer: Fingerprint, number: u64) -> Result<()> {
    let change = "UPDATE peer SET bundles_read = ?2 WHERE fingerprint = ?1";
    run(conn, change, params![peer.0, number])
}

/// We are a new incarnation.
pub(in crate::logbook) fn forget_sent(conn: &Connection) -> Result<()> {
    run(conn, "DELETE FROM echo", [])?;
    run(conn, "UPDATE peer SET sent = 0", [])
}

/// This copy of the book is on another device: it is paired with nobody. What was set aside here stays known
/// by its id: a revocation may be among it.
pub(in crate::logbook) fn forget_peers(conn: &Connection) -> Result<()> {
    run(conn, "DELETE FROM echo", [])?;
    run(conn, "DELETE FROM refused WHERE bytes IS NULL", [])?;
    run(conn, "UPDATE refused SET bytes = x''", [])?;
    run(conn, "DELETE FROM peer", [])
}

pub(super) fn note_sent(conn: &Connection, peer: Fingerprint, to: u64) -> Result<()> {
    run(conn, "UPDATE peer SET sent = ?2 WHERE fingerprint = ?1", params![peer.0, to])?;
    run(conn, "DELETE FROM echo WHERE fingerprint = ?1 AND last <= ?2", params![peer.0, to])
}

pub(super) fn note_received(
    conn: &Connection,
    peer: Fingerprint,
    to: u64,
    receipt: Receipt,
) -> Result<()> {
    let change = "UPDATE peer SET received = ?2, receipt = ?3 WHERE fingerprint = ?1";
    run(conn, change, params![peer.0, to, receipt.0])
}

pub(super) fn note_in_step(conn: &Connection, peer: Fingerprint, now: UtcMillis) -> Result<()> {
    run(conn, "UPDATE peer SET synced_ms = ?2 WHERE fingerprint = ?1", params![peer.0, now.0])
}

pub(super) fn note_echo(conn: &Connection, peer: Fingerprint, first: u64, last: u64) -> Result<()> {
    let change = "INSERT INTO echo (fingerprint, first, last)
                  SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM peer WHERE fingerprint = ?1)";
    run(conn, change, params![peer.0, first, last])
}

/// What came from the peer beyond `after` and stands as it came.
pub(super) fn echo(conn: &Connection, peer: Fingerprint, after: u64) -> Result<Vec<(u64, u64)>> {
    let query = "SELECT first, last FROM echo WHERE fingerprint = ?1 AND last > ?2 ORDER BY first";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let rows = statement
        .query_map(params![peer.0, after], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect);
    rows.map_err(sql)
}

/// How many records the peer lacks, and the stamp of the one that has waited longest.
pub(super) fn waiting(
    conn: &Connection,
    peer: Fingerprint,
    sent: u64,
) -> Result<(u64, Option<u64>)> {
    let query = "SELECT count(*), min(hlc) FROM (
                   SELECT k AS lseq, hlc FROM record WHERE k > ?2 AND lseq = k
                   UNION ALL SELECT lseq, hlc FROM record WHERE lseq > ?2 AND lseq <> k
                   UNION ALL SELECT lseq, hlc FROM tomb WHERE lseq > ?2) AS entry
                 WHERE ifnull((SELECT last FROM echo WHERE fingerprint = ?1 AND first <= entry.lseq
                   ORDER BY first DESC LIMIT 1), 0) < entry.lseq";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement.query_row(params![peer.0, sent], |row| Ok((row.get(0)?, row.get(1)?))).map_err(sql)
}

/// Whether the peer has what was written at `lseq`.
pub(super) fn has(conn: &Connection, peer: Fingerprint, lseq: u64) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM peer WHERE fingerprint = ?1 AND sent >= ?2)
                     OR ifnull((SELECT last FROM echo WHERE fingerprint = ?1 AND first <= ?2
                       ORDER BY first DESC LIMIT 1), 0) >= ?2";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement.query_row(params![peer.0, lseq], |row| row.get(0)).map_err(sql)
}

/// Whether there is a record of this id, or ever was, or one was set aside.
pub(super) fn was_ever(conn: &Connection, id: RecordId) -> Result<bool> {
    let (is_known, is_gone) = record::known_and_gone(conn, id)?;
    if is_known || is_gone {
        return Ok(true);
    }
    let query = "SELECT 1 FROM refused WHERE id = ?1";
    conn.prepare_cached(query).and_then(|mut statement| statement.exists([id.bytes()])).map_err(sql)
}

const WHYS: [(WhyRefused, &str); 4] = [
    (WhyRefused::Unreadable, "unreadable"),
    (WhyRefused::FarAhead, "far_ahead"),
    (WhyRefused::TooLarge, "too_large"),
    (WhyRefused::TooMuch, "too_much"),
];

/// Sets a record aside; `bytes` are the peer's, `None` where the peer set ours aside. Of a peer that has
/// too much of that only the names are kept: it sends all again once this program is a newer one.
pub(super) fn refuse(
    conn: &Connection,
    peer: Fingerprint,
    id: RecordId,
    why: WhyRefused,
    bytes: Option<&[u8]>,
) -> Result<()> {
    let why = WHYS.iter().find(|(known, _)| *known == why).map_or("", |(_, name)| name);
    forget_refused(conn, peer, id, "1")?;
    let size = bytes.map_or(0, <[u8]>::len);
    let change = "UPDATE peer SET aside_bytes = aside_bytes + ?2
                  WHERE fingerprint = ?1 AND aside_bytes + ?2 <= ?3";
    let mut statement = conn.prepare_cached(change).map_err(sql)?;
    let fits = statement.execute(params![peer.0, size, MOST_ASIDE_BYTES]).map_err(sql)? > 0;
    let bytes = bytes.map(|bytes| if fits { bytes } else { &[] });
    let change = "INSERT INTO refused (fingerprint, id, why, bytes, version)
                  SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM peer WHERE fingerprint = ?1)";
    run(conn, change, params![peer.0, id.bytes(), why, bytes, VERSION])
}

/// Forgets that a record was set aside, where the condition `fits` (SQL) holds for it.
fn forget_refused(conn: &Connection, peer: Fingerprint, id: RecordId, fits: &str) -> Result<()> {
    let query = format!(
        "DELETE FROM refused WHERE fingerprint = ?1 AND id = ?2 AND {fits} RETURNING length(bytes)"
    );
    let mut statement = conn.prepare_cached(&query).map_err(sql)?;
    let mut rows = statement.query(params![peer.0, id.bytes()]).map_err(sql)?;
    let kept: Option<u64> = match rows.next().map_err(sql)? {
        Some(row) => row.get(0).map_err(sql)?,
        None => None,
    };
    drop(rows);
    let change = "UPDATE peer SET aside_bytes = max(0, aside_bytes - ?2) WHERE fingerprint = ?1";
    if let Some(kept) = kept.filter(|kept| *kept > 0) {
        run(conn, change, params![peer.0, kept])?;
    }
    Ok(())
}

/// The records that one of both sides has set aside.
pub(super) fn refused(conn: &Connection, peer: Fingerprint) -> Result<Vec<RecordId>> {
    let query = "SELECT id FROM refused WHERE fingerprint = ?1";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let ids = statement
        .query_map([peer.0], |row| row.get(0).map(RecordId::from_bytes))
        .and_then(Iterator::collect);
    ids.map_err(sql)
}

/// Whether there are any.
pub(super) fn has_refused(conn: &Connection, peer: Fingerprint) -> Result<bool> {
    let query = "SELECT 1 FROM refused WHERE fingerprint = ?1";
    conn.prepare_cached(query).and_then(|mut statement| statement.exists([peer.0])).map_err(sql)
}

/// How many records one of both sides has set aside.
pub(super) fn count_refused(conn: &Connection, peer: Fingerprint) -> Result<u64> {
    let query = "SELECT count(*) FROM refused WHERE fingerprint = ?1";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement.query_row([peer.0], |row| row.get(0)).map_err(sql)
}

/// Whether a record is set aside.
pub(super) fn is_refused(conn: &Connection, peer: Fingerprint, id: RecordId) -> Result<bool> {
    let query = "SELECT 1 FROM refused WHERE fingerprint = ?1 AND id = ?2";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement.exists(params![peer.0, id.bytes()]).map_err(sql)
}

/// Why a record was set aside with a peer.
pub(super) fn why_refused(
    conn: &Connection,
    peer: Fingerprint,
    id: RecordId,
) -> Result<Option<WhyRefused>> {
    let query = "SELECT why FROM refused WHERE fingerprint = ?1 AND id = ?2";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    let why: Option<String> = statement
        .query_row(params![peer.0, id.bytes()], |row| row.get(0))
        .optional()
        .map_err(sql)?;
    let known = |why: String| WHYS.iter().find(|(_, name)| *name == why).map(|(known, _)| *known);
    Ok(why.map(|why| known(why).unwrap_or(WhyRefused::Unreadable)))
}

/// What another version of this program set aside next, with what the peer sent; nothing of it where that
/// was not kept.
pub(super) fn next_aside(
    conn: &Connection,
    peer: Fingerprint,
) -> Result<Option<(RecordId, Vec<u8>)>> {
    let query = "SELECT id, bytes FROM refused
                 WHERE fingerprint = ?1 AND bytes IS NOT NULL AND version <> ?2 LIMIT 1";
    let mut statement = conn.prepare_cached(query).map_err(sql)?;
    statement
        .query_row(params![peer.0, VERSION], |row| {
            Ok((RecordId::from_bytes(row.get(0)?), row.get(1)?))
        })
        .optional()
        .map_err(sql)
}

/// What was not kept of a peer is sent again, with all else.
pub(super) fn take_all_again(conn: &Connection, peer: Fingerprint) -> Result<()> {
    let change = "UPDATE refused SET version = ?2
                  WHERE fingerprint = ?1 AND bytes IS NOT NULL AND length(bytes) = 0";
    run(conn, change, params![peer.0, VERSION])?;
    run(conn, "UPDATE peer SET received = 0, receipt = NULL WHERE fingerprint = ?1", [peer.0])
}

/// A record came in a form that can be read. One of ours that no page can hold stays set aside: what came
/// is older.
pub(super) fn accept(conn: &Connection, peer: Fingerprint, id: RecordId) -> Result<()> {
    forget_refused(conn, peer, id, "NOT (why = 'too_large' AND bytes IS NULL)")
}

/// What the peer could not take in, or no page could hold, goes to it in another form.
pub(super) fn send_again(conn: &Connection, peer: Fingerprint, id: RecordId) -> Result<()> {
    forget_refused(conn, peer, id, "bytes IS NULL")
}
