-- Schema 2: what the exchange between devices keeps beside the records.

-- Values beside the one that is shown, of writes that did not know of each other; the next edit resolves them.
CREATE TABLE sibling (
  k INTEGER NOT NULL REFERENCES record (k) ON DELETE CASCADE,
  path TEXT NOT NULL,
  hlc INTEGER NOT NULL,
  device INTEGER NOT NULL,
  value TEXT,                     -- JSON; NULL: the field was taken away
  PRIMARY KEY (k, path, hlc, device)
) STRICT, WITHOUT ROWID;

-- Documents of long texts that were edited after they were shared.
CREATE TABLE txt (
  k INTEGER NOT NULL REFERENCES record (k) ON DELETE CASCADE,
  path TEXT NOT NULL,
  hlc INTEGER NOT NULL,           -- the stamp of the text that the document began with
  device INTEGER NOT NULL,
  last_hlc INTEGER NOT NULL,      -- the stamp of its last edit
  last_device INTEGER NOT NULL,
  doc BLOB NOT NULL,              -- yrs, update encoding 2
  PRIMARY KEY (k, path, hlc, device)
) STRICT;

-- What a purged record had taken in, for each device its highest stamp (CBOR): an edit beyond brings it back.
ALTER TABLE tomb ADD COLUMN seen BLOB;
