-- Which message of the mailbox a UID names, where the server tells it (Gmail's X-GM-MSGID): the same in each folder.
CREATE TABLE gmail_message (
  folder_id INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE,
  uid       INTEGER NOT NULL,  -- under the folder's uid_validity
  gmail_id  INTEGER NOT NULL,  -- 64 bits without a sign: those from 2^63 on are negative here
  PRIMARY KEY (folder_id, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX gmail_message_by_id ON gmail_message (gmail_id);
