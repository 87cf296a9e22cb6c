-- Operations go in waves: how fast, whether they are held, and what their guests were to be before.

ALTER TABLE operations ADD COLUMN wave TEXT NOT NULL DEFAULT '';
ALTER TABLE operations ADD COLUMN paused BIGINT NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));

ALTER TABLE items ADD COLUMN was_desired TEXT NOT NULL DEFAULT 'stopped';
ALTER TABLE items ADD COLUMN was_overlay BIGINT NOT NULL DEFAULT 1;
ALTER TABLE items ADD COLUMN was_boot BIGINT NOT NULL DEFAULT 1;
ALTER TABLE items ADD COLUMN begun BIGINT;
ALTER TABLE items ADD COLUMN ended BIGINT;
