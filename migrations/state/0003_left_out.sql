-- Messages that the filters of a mailbox leave out: on the server, and not to be fetched.
ALTER TABLE folder ADD COLUMN too_old TEXT NOT NULL DEFAULT ''; -- a set of UIDs as RFC 9051 writes it
ALTER TABLE folder ADD COLUMN earliest INTEGER;                 -- seconds since 1970, UTC: all of too_old came before it

CREATE TABLE too_large (
  folder_id INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,
  uid       INTEGER NOT NULL,
  size      INTEGER NOT NULL,  -- octets
  PRIMARY KEY (folder_id, uid)
) STRICT, WITHOUT ROWID;
