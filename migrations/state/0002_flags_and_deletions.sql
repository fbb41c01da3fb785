ALTER TABLE folder ADD COLUMN listed_in_full INTEGER;             -- seconds since 1970, UTC: when every UID was last listed
ALTER TABLE folder ADD COLUMN covers INTEGER NOT NULL DEFAULT 0;  -- what the state_ columns answer for: 1 flags, 2 deletions
-- Messages that the server has no more and that are here: sets of UIDs as RFC 9051 writes them.
ALTER TABLE folder ADD COLUMN held TEXT NOT NULL DEFAULT '';      -- too many to go without the operator's word
ALTER TABLE folder ADD COLUMN confirmed TEXT NOT NULL DEFAULT ''; -- the operator has given it

-- The flags that server and file were last brought to agree on, in runs of UIDs; within a folder runs do not overlap.
CREATE TABLE flag_base (
  folder_id INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  flags     INTEGER NOT NULL,  -- bits: D 1, F 2, P 4, R 8, S 16, T 32
  PRIMARY KEY (folder_id, first)
) STRICT, WITHOUT ROWID;
