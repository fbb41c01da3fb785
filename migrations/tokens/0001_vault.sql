-- Every BLOB is a sealed value (daemon/store/sealer.h), bound to its table, primary key and column.

-- Opens with the right master key only.
CREATE TABLE key_check (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  sealed BLOB NOT NULL
) STRICT;

CREATE TABLE token (
  token_id               TEXT PRIMARY KEY,  -- app/login_user
  refresh_token          BLOB,
  previous_refresh_token BLOB,              -- until refresh_token has been used once
  access_token           BLOB NOT NULL,
  obtained_at            INTEGER NOT NULL,  -- seconds since 1970, UTC; so are the others
  expires_at             INTEGER NOT NULL,
  refresh_at             INTEGER,
  scope                  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE password (
  mailbox  TEXT PRIMARY KEY,
  password BLOB NOT NULL
) STRICT, WITHOUT ROWID;
