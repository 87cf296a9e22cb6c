-- What was done for guests that fell silent or fell over.

CREATE TABLE heals (
    id      BIGINT NOT NULL PRIMARY KEY,
    guest   BIGINT NOT NULL REFERENCES guests (id),
    subject TEXT   NOT NULL DEFAULT '',
    action  TEXT   NOT NULL,
    time    BIGINT NOT NULL,
    certain BIGINT NOT NULL,
    ended   BIGINT
);
CREATE INDEX heals_of_guests ON heals (guest, certain);
CREATE INDEX heals_open ON heals (id) WHERE ended IS NULL;
CREATE INDEX events_of_health ON events (guest, id) WHERE kind IN ('health', 'fault');
CREATE INDEX services_down ON services (guest) WHERE status IN ('down', 'failed');
