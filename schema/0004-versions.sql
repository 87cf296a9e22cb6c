-- What images were built into, which version of each new guests got before, and what guests were before their upgrade.

CREATE TABLE versions (
    image    TEXT   NOT NULL,
    digest   TEXT   NOT NULL,
    built    BIGINT NOT NULL,
    removing BIGINT NOT NULL DEFAULT 0 CHECK (removing IN (0, 1)),
    PRIMARY KEY (image, digest)
);

INSERT INTO versions (image, digest, built) SELECT name, digest, promoted FROM images;

INSERT INTO versions (image, digest, built)
    SELECT DISTINCT image, want_version, 0 FROM guests WHERE phase <> 'gone' AND want_version <> ''
    ON CONFLICT DO NOTHING;

INSERT INTO versions (image, digest, built)
    SELECT DISTINCT image, have_version, 0 FROM guests WHERE phase <> 'gone' AND have_version <> ''
    ON CONFLICT DO NOTHING;

INSERT INTO versions (image, digest, built)
    SELECT DISTINCT image, good, 0 FROM guests WHERE phase <> 'gone' AND good <> ''
    ON CONFLICT DO NOTHING;

ALTER TABLE images ADD COLUMN previous TEXT NOT NULL DEFAULT '';

ALTER TABLE guests ADD COLUMN previous TEXT NOT NULL DEFAULT '';

ALTER TABLE items ADD COLUMN was_version TEXT NOT NULL DEFAULT '';

ALTER TABLE items ADD COLUMN canary BIGINT NOT NULL DEFAULT 0 CHECK (canary IN (0, 1));

ALTER TABLE operations ADD COLUMN settle BIGINT NOT NULL DEFAULT 0;
