-- The registry's tables as all migrations leave them, for reading: nothing is made from this file, and a test holds it
-- against a migrated database. Change the tables by a new migration, and then here.
--
-- Times are milliseconds since 1970 UTC, addresses IPv4 in host byte order, truth is 0 or 1.
-- A statement ends with a semicolon at the end of a line.

-- The migrations that this database has seen.
CREATE TABLE migrations (
    name    TEXT   NOT NULL PRIMARY KEY,
    applied BIGINT NOT NULL
);

-- Small durable notes: the registry's UUID, the subnet that was chosen, ...
CREATE TABLE notes (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The last number given out under each name. Numbers are never used twice, whatever is removed:
-- 'guest', 'operation', 'event', 'address' (the last address given out), 'names/<owner>' (n of {owner}-{n}),
-- 'heals/<action>' (how many there were), ...
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE owners (
    name  TEXT   NOT NULL PRIMARY KEY,
    login TEXT   UNIQUE,
    quota BIGINT NOT NULL CHECK (quota >= 0)
);

-- The ssh keys of an owner, in the order in which they were given.
CREATE TABLE owner_keys (
    owner    TEXT   NOT NULL REFERENCES owners (name) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    line     TEXT   NOT NULL,
    PRIMARY KEY (owner, position)
);

-- The version that new guests of an image get.
CREATE TABLE images (
    name     TEXT   NOT NULL PRIMARY KEY,
    digest   TEXT   NOT NULL,
    promoted BIGINT NOT NULL,
    previous TEXT   NOT NULL DEFAULT ''   -- what they got before; '': nothing else
);

-- What images were built into. Nothing refers to one that is being removed, and nothing will.
CREATE TABLE versions (
    image    TEXT   NOT NULL,
    digest   TEXT   NOT NULL,
    built    BIGINT NOT NULL,   -- last
    removing BIGINT NOT NULL DEFAULT 0 CHECK (removing IN (0, 1)),
    PRIMARY KEY (image, digest)
);

-- Accepted requests for change. Without items (total 0) until finished: work that no guest is part of.
CREATE TABLE operations (
    id        BIGINT NOT NULL PRIMARY KEY,
    who       TEXT   NOT NULL,
    verb      TEXT   NOT NULL,
    arguments TEXT   NOT NULL,
    owner     TEXT,   -- whose guests it is about; NULL: anybody's
    created   BIGINT NOT NULL,
    finished  BIGINT,
    outcome   TEXT   NOT NULL,
    total     BIGINT NOT NULL,
    done      BIGINT NOT NULL DEFAULT 0,
    message   TEXT   NOT NULL DEFAULT '',
    wave      TEXT   NOT NULL DEFAULT '',   -- how fast its guests go; '': as the configuration says
    paused    BIGINT NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    settle    BIGINT NOT NULL DEFAULT 0,   -- how long its canaries are watched before the others begin, milliseconds
    CHECK (done <= total)
);

-- A guest that is gone stays as a tombstone: its id and its name are never used again. Its MAC is given back.
CREATE TABLE guests (
    id            BIGINT NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL UNIQUE,
    owner         TEXT,   -- NULL: a pool's
    kind          TEXT   NOT NULL CHECK (kind IN ('vm', 'container')),
    image         TEXT   NOT NULL,
    profile       TEXT   NOT NULL,
    host          TEXT   NOT NULL,
    address       BIGINT NOT NULL,
    mac           TEXT   UNIQUE,
    phase         TEXT   NOT NULL
                  CHECK (phase IN ('reserved', 'stopped', 'starting', 'parked', 'ready', 'stopping', 'gone')),
    desired       TEXT   NOT NULL CHECK (desired IN ('stopped', 'parked', 'ready', 'gone')),
    want_version  TEXT   NOT NULL,
    want_overlay  BIGINT NOT NULL,
    want_boot     BIGINT NOT NULL,
    have_version  TEXT   NOT NULL DEFAULT '',
    have_overlay  BIGINT NOT NULL DEFAULT 0,
    have_boot     BIGINT NOT NULL DEFAULT 0,
    good          TEXT   NOT NULL DEFAULT '',
    copy          BIGINT NOT NULL DEFAULT 0 CHECK (copy IN (0, 1)),
    since         BIGINT NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    fault_kind    TEXT,   -- NULL: no fault
    fault_message TEXT   NOT NULL DEFAULT '',
    fault_since   BIGINT NOT NULL DEFAULT 0,
    operation     BIGINT REFERENCES operations (id),
    rev           BIGINT NOT NULL DEFAULT 0,
    created       BIGINT NOT NULL,
    started_by    TEXT   NOT NULL DEFAULT '',
    host_key      TEXT   NOT NULL DEFAULT '',
    machine_id    TEXT   NOT NULL,
    autostart     TEXT   NOT NULL DEFAULT 'last' CHECK (autostart IN ('last', 'always', 'never')),
    previous      TEXT   NOT NULL DEFAULT '',   -- the version before its last upgrade
    protected     BIGINT NOT NULL DEFAULT 0 CHECK (protected IN (0, 1)),   -- neither rebuilt nor retired
    source        BIGINT NOT NULL DEFAULT 0,   -- the copy that the wanted overlay is made from; 0: a fresh one
    keep          TEXT   NOT NULL DEFAULT '',  -- "7,/home": overlay 7 is the one before but for these paths
    lease         BIGINT,                      -- until when it is lent; NULL: for ever
    lease_told    BIGINT NOT NULL DEFAULT 0,   -- how many of the steps at the end of its lease were taken
    lease_ended   BIGINT,                      -- when it was stopped for that, by the time that certainly passed
    timings       TEXT   NOT NULL DEFAULT '',  -- 'build=3 start=212 hello=40 ready=120': of its last way to ready, ms
    pool          BIGINT,                      -- whose it is while it has no owner
    size          TEXT   NOT NULL DEFAULT '',  -- what a pool's guest was made with: memory/cpus/disk
    network       TEXT   NOT NULL DEFAULT ''   -- which of the instance's; empty: the default one
);
CREATE INDEX guests_living ON guests (owner) WHERE phase <> 'gone';
CREATE INDEX guests_of_pools ON guests (pool) WHERE pool IS NOT NULL;

-- Ownerless guests ahead of demand. A member that is taken has an owner and no pool any more.
CREATE TABLE pools (
    id       BIGINT NOT NULL PRIMARY KEY,
    image    TEXT   NOT NULL,
    profile  TEXT   NOT NULL,
    kind     TEXT   NOT NULL CHECK (kind IN ('vm', 'container')),
    stopped  BIGINT NOT NULL DEFAULT 0,   -- how many there are to be
    parked   BIGINT NOT NULL DEFAULT 0,
    schedule TEXT   NOT NULL DEFAULT '',  -- entries with ';' between
    demand   BIGINT,                      -- percent of the requests that are to be served at once; NULL: whatever comes
    draining BIGINT NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
    failures BIGINT NOT NULL DEFAULT 0,   -- members in a row that could not be made
    failed   BIGINT NOT NULL DEFAULT 0,   -- the last of them
    reason   TEXT   NOT NULL DEFAULT '',  -- why
    made     BIGINT NOT NULL DEFAULT 0,   -- members, ever
    taken    BIGINT NOT NULL DEFAULT 0,
    pace     BIGINT NOT NULL DEFAULT 0,   -- how long one took to be made, milliseconds, a moving mean
    UNIQUE (image, profile, kind)
);

-- When guests of a pool's sort were asked for, by the time that certainly passed; kept for a day.
CREATE TABLE arrivals (
    pool  BIGINT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
    time  BIGINT NOT NULL,
    count BIGINT NOT NULL
);
CREATE INDEX arrivals_of_pool ON arrivals (pool, time);

-- Copies of overlays. Of one that is owed, `made` is NULL; nothing is made from one that is being removed.
CREATE TABLE copies (
    id        BIGINT NOT NULL PRIMARY KEY,
    guest     BIGINT NOT NULL REFERENCES guests (id),
    operation BIGINT REFERENCES operations (id),   -- that asked for it
    kind      TEXT   NOT NULL CHECK (kind IN ('snapshot', 'backup', 'export', 'retired')),
    name      TEXT   NOT NULL,
    file      TEXT   NOT NULL DEFAULT '',   -- of an archive; '': it lies in the state folder
    version   TEXT   NOT NULL,   -- that the guest had
    asked     BIGINT NOT NULL,
    made      BIGINT,
    expires   BIGINT,   -- by the time that certainly passed; NULL: when somebody removes it
    bytes     BIGINT NOT NULL DEFAULT 0,
    removing  BIGINT NOT NULL DEFAULT 0 CHECK (removing IN (0, 1)),
    UNIQUE (guest, name)
);

-- What was done for guests that fell silent or fell over: as many of the last hours as count.
CREATE TABLE heals (
    id      BIGINT NOT NULL PRIMARY KEY,
    guest   BIGINT NOT NULL REFERENCES guests (id),
    subject TEXT   NOT NULL DEFAULT '',   -- the service; '': the guest itself
    action  TEXT   NOT NULL,   -- 'restart': it fell silent; 'start': it was off; 'service'
    time    BIGINT NOT NULL,
    certain BIGINT NOT NULL,   -- by the time that certainly passed
    ended   BIGINT             -- NULL: not yet well again
);
CREATE INDEX heals_of_guests ON heals (guest, certain);
CREATE INDEX heals_open ON heals (id) WHERE ended IS NULL;

-- What is wanted of guests' services where it is not what their profile says, and how they were last heard to be.
CREATE TABLE services (
    guest   BIGINT NOT NULL REFERENCES guests (id),
    service TEXT   NOT NULL,
    wanted  TEXT   CHECK (wanted IN ('up', 'down')),   -- NULL: what the profile says
    status  TEXT   NOT NULL DEFAULT 'unknown' CHECK (status IN ('unknown', 'up', 'down', 'failed', 'absent')),
    since   BIGINT,   -- when that was heard first; NULL: never
    PRIMARY KEY (guest, service)
);
CREATE INDEX services_down ON services (guest) WHERE status IN ('down', 'failed');

-- Ports of guests that are open for a limited time. One that is closed has no row.
CREATE TABLE openings (
    id        BIGINT NOT NULL PRIMARY KEY,
    guest     BIGINT NOT NULL REFERENCES guests (id),
    protocol  TEXT   NOT NULL CHECK (protocol IN ('tcp', 'udp')),
    port      BIGINT NOT NULL,
    source    TEXT   NOT NULL DEFAULT '',   -- who may come in, 192.168.7.0/24; '': everybody
    host_port BIGINT,   -- of the host, where it is published; NULL: nowhere
    opened    BIGINT NOT NULL,
    closes    BIGINT NOT NULL,   -- by the time that certainly passed
    closes_at BIGINT NOT NULL,   -- as the wall clock was when it was opened or extended: counts after a reboot, when it is sooner
    extended  BIGINT NOT NULL DEFAULT 0 CHECK (extended IN (0, 1)),
    who       TEXT   NOT NULL,
    reason    TEXT   NOT NULL DEFAULT '',
    UNIQUE (guest, protocol, port),
    UNIQUE (protocol, host_port)
);

-- One row per address that is not free: used by a guest, or resting in quarantine until free_at.
CREATE TABLE addresses (
    address BIGINT NOT NULL PRIMARY KEY,
    free_at BIGINT   -- NULL: in use
);
CREATE INDEX addresses_resting ON addresses (free_at) WHERE free_at IS NOT NULL;

-- How far an operation is with one guest. A guest has at most one pending item that is no act: a later operation supersedes it. What
-- was wanted of it before is put back when the operation is cancelled before it has begun with it.
CREATE TABLE items (
    operation BIGINT NOT NULL REFERENCES operations (id),
    guest     BIGINT NOT NULL REFERENCES guests (id),
    outcome   TEXT   NOT NULL
              CHECK (outcome IN ('pending', 'done', 'failed', 'unchanged', 'refused', 'superseded', 'cancelled')),
    reason    TEXT   NOT NULL DEFAULT '',
    was_desired TEXT   NOT NULL DEFAULT 'stopped',
    was_overlay BIGINT NOT NULL DEFAULT 1,
    was_boot    BIGINT NOT NULL DEFAULT 1,
    begun       BIGINT,   -- when it began to start or stop; NULL: not yet
    ended       BIGINT,   -- NULL: pending
    was_version TEXT   NOT NULL DEFAULT '',
    canary      BIGINT NOT NULL DEFAULT 0 CHECK (canary IN (0, 1)),   -- the others wait until it is done
    act         BIGINT NOT NULL DEFAULT 0 CHECK (act IN (0, 1)),   -- done once, beside whatever moves the guest
    PRIMARY KEY (operation, guest)
);
CREATE UNIQUE INDEX items_pending ON items (guest) WHERE outcome = 'pending' AND act = 0;
CREATE INDEX items_acting ON items (operation) WHERE outcome = 'pending' AND act = 1;

-- What happened, in order. `owner` is the one who may see it besides administrators.
CREATE TABLE events (
    id        BIGINT NOT NULL PRIMARY KEY,
    time      BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    guest     TEXT   NOT NULL,
    owner     TEXT,
    operation BIGINT REFERENCES operations (id),
    message   TEXT   NOT NULL,
    became    TEXT   -- the phase that its guest got into with it, but for a fresh one's; 'ended': its operation
);
CREATE INDEX events_of_owner ON events (owner, id);
CREATE INDEX events_of_health ON events (guest, id) WHERE kind IN ('health', 'fault');

-- The first answer to a request that came with an idempotency key, kept for a day.
CREATE TABLE idempotency (
    caller  TEXT   NOT NULL,
    key     TEXT   NOT NULL,
    request TEXT   NOT NULL,
    answer  TEXT   NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
