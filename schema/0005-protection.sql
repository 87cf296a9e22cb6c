-- Guests that are neither rebuilt nor retired until somebody takes that back.

ALTER TABLE guests ADD COLUMN protected BIGINT NOT NULL DEFAULT 0 CHECK (protected IN (0, 1));
