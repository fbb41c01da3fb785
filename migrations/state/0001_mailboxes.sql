CREATE TABLE mailbox (
  mailbox_id    INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  failures      INTEGER NOT NULL DEFAULT 0,
  retry_at      INTEGER,                     -- milliseconds since 1970, UTC
  retry_imposed INTEGER NOT NULL DEFAULT 0,  -- 1: the server said so
  retry_reason  TEXT NOT NULL DEFAULT '',
  error_code    TEXT NOT NULL DEFAULT '',
  last_sync     INTEGER,                     -- seconds since 1970, UTC
  paused        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE folder (
  folder_id          INTEGER PRIMARY KEY,
  mailbox_id         INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
  name               BLOB NOT NULL,              -- as on the wire
  delimiter          INTEGER NOT NULL,           -- 0: none
  directory          BLOB NOT NULL DEFAULT x'',  -- absolute, where its messages were delivered
  uid_validity       INTEGER,                    -- of delivered and retry
  state_uid_validity INTEGER,                    -- what the server said at the last complete pass
  state_uid_next     INTEGER,
  state_messages     INTEGER NOT NULL DEFAULT 0,
  state_mod_seq      INTEGER,
  last_sync          INTEGER,                    -- seconds since 1970, UTC
  UNIQUE (mailbox_id, name)
) STRICT;

-- Ranges of delivered UIDs, inclusive; within a folder they neither overlap nor touch.
CREATE TABLE delivered (
  folder_id INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  PRIMARY KEY (folder_id, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE retry (
  folder_id INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,
  uid       INTEGER NOT NULL,
  strikes   INTEGER NOT NULL,
  next_try  INTEGER NOT NULL,  -- seconds since 1970, UTC
  reason    TEXT NOT NULL,
  PRIMARY KEY (folder_id, uid)
) STRICT, WITHOUT ROWID;
