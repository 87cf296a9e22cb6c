-- Which of the instance's networks a guest is plugged into; empty: the default one.

ALTER TABLE guests ADD COLUMN network TEXT NOT NULL DEFAULT '';
