-- Ports of guests that are open for a limited time.

CREATE TABLE openings (
    id        BIGINT NOT NULL PRIMARY KEY,
    guest     BIGINT NOT NULL REFERENCES guests (id),
    protocol  TEXT   NOT NULL CHECK (protocol IN ('tcp', 'udp')),
    port      BIGINT NOT NULL,
    source    TEXT   NOT NULL DEFAULT '',
    host_port BIGINT,
    opened    BIGINT NOT NULL,
    closes    BIGINT NOT NULL,
    closes_at BIGINT NOT NULL,
    extended  BIGINT NOT NULL DEFAULT 0 CHECK (extended IN (0, 1)),
    who       TEXT   NOT NULL,
    reason    TEXT   NOT NULL DEFAULT '',
    UNIQUE (guest, protocol, port),
    UNIQUE (protocol, host_port)
);
