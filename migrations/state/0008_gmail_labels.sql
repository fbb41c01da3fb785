-- Labels of a Gmail mailbox that no folder stands for, since Gmail does not show them over IMAP: those that were told of.
CREATE TABLE gmail_label (
  mailbox_id INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
  label      BLOB NOT NULL,  -- as X-GM-LABELS has it; "\All" for All Mail itself
  PRIMARY KEY (mailbox_id, label)
) STRICT, WITHOUT ROWID;
