-- What is wanted of guests' services where it is not what their profile says, and how they were last heard to be.
CREATE TABLE services (
    guest   BIGINT NOT NULL REFERENCES guests (id),
    service TEXT   NOT NULL,
    wanted  TEXT   CHECK (wanted IN ('up', 'down')),
    status  TEXT   NOT NULL DEFAULT 'unknown' CHECK (status IN ('unknown', 'up', 'down', 'failed', 'absent')),
    since   BIGINT,
    PRIMARY KEY (guest, service)
);

-- An act is done once on a guest that is ready, beside whatever moves that guest.
ALTER TABLE items ADD COLUMN act BIGINT NOT NULL DEFAULT 0 CHECK (act IN (0, 1));
DROP INDEX items_pending;
CREATE UNIQUE INDEX items_pending ON items (guest) WHERE outcome = 'pending' AND act = 0;
CREATE INDEX items_acting ON items (operation) WHERE outcome = 'pending' AND act = 1;
