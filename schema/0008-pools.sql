-- Pools: ownerless guests ahead of demand.

CREATE TABLE pools (
    id       BIGINT NOT NULL PRIMARY KEY,
    image    TEXT   NOT NULL,
    profile  TEXT   NOT NULL,
    kind     TEXT   NOT NULL CHECK (kind IN ('vm', 'container')),
    stopped  BIGINT NOT NULL DEFAULT 0,
    parked   BIGINT NOT NULL DEFAULT 0,
    schedule TEXT   NOT NULL DEFAULT '',
    demand   BIGINT,
    draining BIGINT NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
    failures BIGINT NOT NULL DEFAULT 0,
    failed   BIGINT NOT NULL DEFAULT 0,
    reason   TEXT   NOT NULL DEFAULT '',
    made     BIGINT NOT NULL DEFAULT 0,
    taken    BIGINT NOT NULL DEFAULT 0,
    pace     BIGINT NOT NULL DEFAULT 0,
    UNIQUE (image, profile, kind)
);

CREATE TABLE arrivals (
    pool  BIGINT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    time  BIGINT NOT NULL,
    count BIGINT NOT NULL
);
CREATE INDEX arrivals_of_pool ON arrivals (pool, time);

ALTER TABLE guests ADD COLUMN pool BIGINT;
ALTER TABLE guests ADD COLUMN size TEXT NOT NULL DEFAULT '';
CREATE INDEX guests_of_pools ON guests (pool) WHERE pool IS NOT NULL;
