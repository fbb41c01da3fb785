-- What the server last put up with, and what was taken from it in the last day.
ALTER TABLE mailbox ADD COLUMN rate_limit INTEGER; -- messages in 1,000 seconds; NULL: it was never too much

CREATE TABLE received (
  mailbox_id INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
  hour       INTEGER NOT NULL,  -- since 1970, UTC
  octets     INTEGER NOT NULL,
  PRIMARY KEY (mailbox_id, hour)
) STRICT, WITHOUT ROWID;
