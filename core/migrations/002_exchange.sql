-- Schema 2: what the exchange between devices keeps beside the records.

-- Values beside the one that is shown, long texts too, of writes that did not know of each other; they
-- stay until somebody chooses.
CREATE TABLE sibling (
  k INTEGER NOT NULL REFERENCES record (k) ON DELETE CASCADE,
  path TEXT NOT NULL,
  hlc INTEGER NOT NULL,
  device INTEGER NOT NULL,
  value TEXT,                     -- JSON; NULL: the field was taken away
  author_hlc INTEGER,             -- the stamp of who wrote it, where an undo brought it back; else NULL
  author_device INTEGER,
  PRIMARY KEY (k, path, hlc, device)
) STRICT, WITHOUT ROWID;

-- What a purged record had taken in, for each device its highest stamp (CBOR): an edit beyond brings it back.
ALTER TABLE tomb ADD COLUMN seen BLOB;

-- The devices that this one is paired with. What they are called, and which of their keys are revoked, is
-- in records of the kinds device and revocation: that is known everywhere.
CREATE TABLE peer (
  fingerprint BLOB PRIMARY KEY,   -- of its key, 32 bytes
  replica INTEGER,                -- its device id when it was last heard; another one: it starts anew
  sent INTEGER NOT NULL,          -- up to which of our local sequence it has everything
  received INTEGER NOT NULL,      -- up to which of its local sequence we have everything
  receipt BLOB,                   -- its own proof that it has written as much
  synced_ms INTEGER,              -- when both sides last had everything
  addresses TEXT NOT NULL,        -- JSON list, where it was reached last comes first
  bundles_made INTEGER NOT NULL,  -- how many bundle files were made for it
  bundles_read INTEGER NOT NULL,  -- the number of its last bundle that was read
  aside_bytes INTEGER NOT NULL DEFAULT 0  -- what is kept of what it sent and could not be taken in
) STRICT, WITHOUT ROWID;

-- Stretches of our local sequence that came from a peer just as they stand: it has them.
CREATE TABLE echo (
  fingerprint BLOB NOT NULL REFERENCES peer (fingerprint) ON DELETE CASCADE,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (fingerprint, first)
) STRICT, WITHOUT ROWID;

-- Records that one side could not take in. They never stop the others. What was set aside here outlives the
-- pairing: a revocation may be among it.
CREATE TABLE refused (
  fingerprint BLOB NOT NULL,
  id BLOB NOT NULL,
  why TEXT NOT NULL,
  bytes BLOB,                     -- what the peer sent, for a later version; empty: too much to keep; NULL: it refused ours
  version TEXT NOT NULL,          -- of the program that set it aside: another one tries again
  PRIMARY KEY (fingerprint, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refused_id ON refused (id);

-- Records that were written since the index came by, and whose words are still those in the index.
CREATE TABLE same_words (k INTEGER PRIMARY KEY) STRICT;

DROP TABLE search;
DROP VIEW search_doc;
-- The words of each record, in the index or not yet: every text that the user wrote; the names of devices
-- are none.
CREATE VIEW words AS
  SELECT k, lseq, procedure,
    (SELECT group_concat(value, char(10)) FROM json_tree(record.fields)
      WHERE type = 'text' AND (key IS NOT 'procedure' OR fullkey <> '$.procedure')
        AND value NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*') AS body
  FROM record WHERE alive = 1 AND kind NOT IN ('device', 'revocation');
-- What is in the index.
CREATE VIEW search_doc AS
  SELECT k, procedure, body, NULL AS more FROM words
  WHERE lseq <= (SELECT value FROM local WHERE name = 'indexed') OR k IN (SELECT k FROM same_words);

-- Anew, and taken in before the next search: with a column for other spellings of words, which
-- store/spelling.rs makes. No SQL could, so the view has nothing there.
CREATE VIRTUAL TABLE search USING fts5 (
  procedure, body, more,
  content = 'search_doc', content_rowid = 'k',
  columnsize = 0, prefix = '2',
  tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
INSERT INTO search (search, rank) VALUES ('automerge', 16);
INSERT INTO search (search, rank) VALUES ('pgsz', 3970);
UPDATE local SET value = 0 WHERE name = 'indexed';

-- What each record says, as a hash that is equal on every device; sums of these are compared.
CREATE TABLE digest (
  id BLOB PRIMARY KEY,
  sum BLOB NOT NULL               -- 16 bytes
) STRICT, WITHOUT ROWID;

-- What values certainly mean that are not written as a form stores them: a JSON object, NULL for nearly every
-- record. Lists, filters and sums ask it first.
ALTER TABLE record ADD COLUMN readings TEXT;
-- To be worked out when the book is opened.
UPDATE record SET readings = '{}' WHERE kind = 'case';
DROP INDEX record_list;
-- One index serves the list, its filters, its orders and every walk over the book without touching the rows.
-- Of a lesson only that it is there. It is a length because a bare test for NULL is never read from an index.
CREATE INDEX record_list ON record (kind, alive, when_ms, k, day,
  coalesce(readings ->> '$.procedure', fields ->> '$.procedure'),
  coalesce(readings ->> '$.role', fields ->> '$.role'),
  attending,
  coalesce(readings ->> '$.interesting', fields ->> '$.interesting'), at_ms,
  length(fields ->> '$.lesson'), coalesce(readings ->> '$.air_kerma_mgy', fields ->> '$.air_kerma_mgy'),
  fields ->> '$.tags');
-- What is read again when the words that are read have changed; costs nothing for the others.
CREATE INDEX record_readings ON record (k) WHERE readings IS NOT NULL;
