-- Copies of overlays: snapshots, backups, exports, and what retired guests leave for a while.

CREATE TABLE copies (
    id        BIGINT NOT NULL PRIMARY KEY,
    guest     BIGINT NOT NULL REFERENCES guests (id),
    operation BIGINT REFERENCES operations (id),
    kind      TEXT   NOT NULL CHECK (kind IN ('snapshot', 'backup', 'export', 'retired')),
    name      TEXT   NOT NULL,
    file      TEXT   NOT NULL DEFAULT '',
    version   TEXT   NOT NULL,
    asked     BIGINT NOT NULL,
    made      BIGINT,
    expires   BIGINT,
    bytes     BIGINT NOT NULL DEFAULT 0,
    removing  BIGINT NOT NULL DEFAULT 0 CHECK (removing IN (0, 1)),
    UNIQUE (guest, name)
);

ALTER TABLE guests ADD COLUMN source BIGINT NOT NULL DEFAULT 0;
ALTER TABLE guests ADD COLUMN keep TEXT NOT NULL DEFAULT '';
ALTER TABLE guests ADD COLUMN lease BIGINT;
ALTER TABLE guests ADD COLUMN lease_told BIGINT NOT NULL DEFAULT 0;
ALTER TABLE guests ADD COLUMN lease_ended BIGINT;
