-- Faults in a row, besides `failures`: of those that a person has to mend, and of the account that had too much.
ALTER TABLE mailbox ADD COLUMN failures_for_someone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN times_over_quota INTEGER NOT NULL DEFAULT 0;
