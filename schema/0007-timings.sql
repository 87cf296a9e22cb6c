-- How long each part of a guest's last way to ready took.

ALTER TABLE guests ADD COLUMN timings TEXT NOT NULL DEFAULT '';
