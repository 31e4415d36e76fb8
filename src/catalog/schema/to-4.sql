-- There may be several accounts. All parts so far are of the first one.
ALTER TABLE part ADD COLUMN account TEXT;
