-- Schema 1. Never edited after release.

CREATE TABLE record (
  k INTEGER PRIMARY KEY,          -- local row number: the sequence of the write that made it; search and history refer to it
  id BLOB NOT NULL UNIQUE,        -- 16 bytes of UUID, the same on every device
  kind TEXT NOT NULL,             -- case, consult, person, ...; unknown kinds are carried along
  at_ms INTEGER NOT NULL,         -- when it was typed, UTC milliseconds
  at_offset_min INTEGER,          -- the wall clock's offset then; NULL where the text said Z
  when_ms INTEGER NOT NULL,       -- when it happened: performed_at of a case, else at
  day INTEGER NOT NULL,           -- the same as a day of the record's own wall calendar, from 1970-01-01
  alive INTEGER NOT NULL,         -- 0: deleted, restorable
  removed_ms INTEGER,             -- when it was deleted
  hlc INTEGER NOT NULL,           -- the highest stamp in the record
  lseq INTEGER NOT NULL,          -- local sequence: grows with every write of any record
  meta BLOB NOT NULL,             -- packed stamps and types of fields, see record/meta.rs
  fields TEXT NOT NULL,           -- JSON object, nested as exported
  procedure ANY AS (fields ->> '$.procedure') VIRTUAL,
  role ANY AS (fields ->> '$.role') VIRTUAL,
  attending ANY AS (fields ->> '$.attending') VIRTUAL,
  interesting ANY AS (fields ->> '$.interesting') VIRTUAL
) STRICT;

-- The sync queue: what lies beyond a peer's acknowledgement. What was never edited is found by its k.
CREATE UNIQUE INDEX record_lseq ON record (lseq, hlc) WHERE lseq <> k;
-- One index serves the list, its filters, its orders and every walk over the book without touching the rows.
-- Of a lesson only that it is there. It is a length because a bare test for NULL is never read from an index.
CREATE INDEX record_list ON record (kind, alive, when_ms, k, day, procedure, role, attending, interesting, at_ms,
  length(fields ->> '$.lesson'), fields ->> '$.air_kerma_mgy', fields ->> '$.tags');

-- The recently deleted; costs nothing for the others.
CREATE INDEX record_removed ON record (removed_ms) WHERE alive = 0;

-- What a field held before a write, for reading and for undo; local, never sent.
CREATE TABLE history (
  h INTEGER PRIMARY KEY,
  k INTEGER NOT NULL REFERENCES record (k) ON DELETE CASCADE,
  lseq INTEGER NOT NULL,          -- the write that replaced it
  path TEXT NOT NULL,             -- labs.inr; @alive for delete and restore
  value TEXT,                     -- JSON; NULL: the field was not there
  hlc INTEGER NOT NULL,           -- the stamp of the value that was replaced
  device INTEGER NOT NULL,
  replaced_ms INTEGER NOT NULL    -- when; kept for 90 days
) STRICT;
CREATE INDEX history_k ON history (k, lseq);
CREATE INDEX history_replaced ON history (replaced_ms);

-- What is left of a record that was erased for good (absorbing) or purged after deletion.
CREATE TABLE tomb (
  id BLOB PRIMARY KEY,
  erased INTEGER NOT NULL,        -- 1: erased for good, beats any edit; 0: purged
  hlc INTEGER NOT NULL,
  device INTEGER NOT NULL,
  lseq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tomb_lseq ON tomb (lseq, hlc);

-- Entries still being typed; local, without history or sequence.
CREATE TABLE draft (
  id BLOB PRIMARY KEY,
  form TEXT NOT NULL,
  record BLOB,                    -- the record that is edited; NULL: a new one
  opened INTEGER NOT NULL,        -- that record's lseq when the form was opened
  typed TEXT NOT NULL,            -- JSON array of path and text
  begun_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Facts about this copy of the book: book id, device id, identity of the file, logical clock.
CREATE TABLE local (
  name TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the search index has come; what was written since is taken in by the dozen, and before a search.
INSERT INTO local (name, value) VALUES ('indexed', 0);

-- Every text that the user wrote and that is indexed, without ids and times.
CREATE VIEW search_doc AS
  SELECT k, procedure,
    (SELECT group_concat(value, char(10)) FROM json_tree(record.fields)
      WHERE type = 'text' AND (key IS NOT 'procedure' OR fullkey <> '$.procedure')
        AND value NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*') AS body
  FROM record WHERE alive = 1 AND lseq <= (SELECT value FROM local WHERE name = 'indexed');

CREATE VIRTUAL TABLE search USING fts5 (
  procedure, body,
  content = 'search_doc', content_rowid = 'k',
  columnsize = 0, prefix = '2',
  tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
INSERT INTO search (search, rank) VALUES ('automerge', 16);
-- A page of the index in a page of the file, which SQLCipher makes 80 bytes smaller.
INSERT INTO search (search, rank) VALUES ('pgsz', 3970);

-- One view a kind, for reading the book in plain SQL.
CREATE VIEW cases AS
  SELECT lower(hex(id)) AS id, datetime(when_ms / 1000, 'unixepoch') AS performed_utc, procedure, role, attending,
    fields ->> '$.setting' AS setting, fields ->> '$.indication' AS indication,
    fields ->> '$.fluoro_min' AS fluoro_min, fields ->> '$.air_kerma_mgy' AS air_kerma_mgy,
    fields ->> '$.dap_gycm2' AS dap_gycm2, fields ->> '$.complications' AS complications,
    fields ->> '$.lesson' AS lesson, fields ->> '$.note' AS note, fields
  FROM record WHERE kind = 'case' AND alive = 1;
CREATE VIEW consults AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.template' AS template,
    fields ->> '$.question' AS question, fields ->> '$.assessment' AS assessment, fields
  FROM record WHERE kind = 'consult' AND alive = 1;
CREATE VIEW follow_ups AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.patient' AS patient,
    fields ->> '$.day' AS day, fields ->> '$.drain_ml_24h' AS drain_ml_24h, fields ->> '$.plan' AS plan, fields
  FROM record WHERE kind = 'follow_up' AND alive = 1;
CREATE VIEW checklist_runs AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.checklist' AS checklist,
    procedure, fields
  FROM record WHERE kind = 'checklist_run' AND alive = 1;
CREATE VIEW questions AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.text' AS text,
    fields ->> '$.status' AS status, fields ->> '$.answer' AS answer, fields
  FROM record WHERE kind = 'question' AND alive = 1;
CREATE VIEW people AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.surname' AS surname,
    role, fields
  FROM record WHERE kind = 'person' AND alive = 1;
CREATE VIEW talks AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.title' AS title,
    fields ->> '$.status' AS status, fields
  FROM record WHERE kind = 'talk' AND alive = 1;
CREATE VIEW feedback AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.given_by' AS given_by,
    fields ->> '$.to_work_on' AS to_work_on, fields
  FROM record WHERE kind = 'feedback' AND alive = 1;
CREATE VIEW letters AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.writer' AS writer,
    fields ->> '$.status' AS status, fields
  FROM record WHERE kind = 'letter' AND alive = 1;
CREATE VIEW imaging_findings AS
  SELECT lower(hex(id)) AS id, datetime(at_ms / 1000, 'unixepoch') AS at_utc, fields ->> '$.modality' AS modality,
    fields ->> '$.region' AS region, fields ->> '$.finding' AS finding, fields
  FROM record WHERE kind = 'imaging_finding' AND alive = 1;
