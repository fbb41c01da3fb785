-- How often the server has numbered the folder anew, each time soon after the time before, and when it last did.
ALTER TABLE folder ADD COLUMN renumberings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN renumbered_at INTEGER; -- seconds since 1970, UTC
