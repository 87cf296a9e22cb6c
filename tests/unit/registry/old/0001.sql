-- A filled registry as the schema up to 0001-first leaves it: `iterdump` of a herd of three owners. Never changed again.
BEGIN TRANSACTION;
CREATE TABLE addresses (
    address BIGINT NOT NULL PRIMARY KEY,
    free_at BIGINT   -- NULL: in use
);
INSERT INTO "addresses" VALUES(171708418,NULL);
INSERT INTO "addresses" VALUES(171708419,NULL);
INSERT INTO "addresses" VALUES(171708420,NULL);
INSERT INTO "addresses" VALUES(171708421,1795253458241);
INSERT INTO "addresses" VALUES(171708422,NULL);
INSERT INTO "addresses" VALUES(171708423,NULL);
INSERT INTO "addresses" VALUES(171708424,NULL);
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO "counters" VALUES('event',60);
INSERT INTO "counters" VALUES('operation',8);
INSERT INTO "counters" VALUES('address',171708424);
INSERT INTO "counters" VALUES('guest',7);
INSERT INTO "counters" VALUES('names/alice',5);
INSERT INTO "counters" VALUES('names/carol',2);
CREATE TABLE events (
    id        BIGINT NOT NULL PRIMARY KEY,
    time      BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    guest     TEXT   NOT NULL,
    owner     TEXT,
    operation BIGINT REFERENCES operations (id),
    message   TEXT   NOT NULL
);
INSERT INTO "events" VALUES(1,1795252843425,'daemon','',NULL,NULL,'droverd 0.1.0 started');
INSERT INTO "events" VALUES(2,1795252843485,'operation','',NULL,1,'root: image-build');
INSERT INTO "events" VALUES(3,1795252848496,'image','',NULL,1,'tiny: unpacking 9 packages');
INSERT INTO "events" VALUES(4,1795252851860,'image','',NULL,1,'tiny: assembling the root');
INSERT INTO "events" VALUES(5,1795252856403,'image','',NULL,1,'tiny: tiny sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad is new');
INSERT INTO "events" VALUES(6,1795252857732,'image','',NULL,NULL,'new guests of ''tiny'' get sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad');
INSERT INTO "events" VALUES(7,1795252857748,'operation','',NULL,1,'image-build: done: sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad');
INSERT INTO "events" VALUES(8,1795252857875,'daemon','',NULL,NULL,'droverd 0.1.0 started');
INSERT INTO "events" VALUES(9,1795252857976,'operation','','alice',NULL,'owner ''alice'' created: quota 10, login none, 2 keys');
INSERT INTO "events" VALUES(10,1795252857981,'operation','','bob',NULL,'owner ''bob'' created: quota 0, login nobody, 0 keys');
INSERT INTO "events" VALUES(11,1795252857999,'operation','','carol',NULL,'owner ''carol'' created: quota 3, login none, 0 keys');
INSERT INTO "events" VALUES(12,1795252858011,'operation','','alice',2,'root: request for alice: 5 new, 0 there');
INSERT INTO "events" VALUES(13,1795252858090,'phase','alice-2','alice',2,'reserved -> stopped (build)');
INSERT INTO "events" VALUES(14,1795252858092,'phase','alice-1','alice',2,'reserved -> stopped (build)');
INSERT INTO "events" VALUES(15,1795252858093,'phase','alice-4','alice',2,'reserved -> stopped (build)');
INSERT INTO "events" VALUES(16,1795252858094,'phase','alice-3','alice',2,'reserved -> stopped (build)');
INSERT INTO "events" VALUES(17,1795252858094,'phase','alice-5','alice',2,'reserved -> stopped (build)');
INSERT INTO "events" VALUES(18,1795252858103,'phase','alice-2','alice',2,'stopped -> starting (start)');
INSERT INTO "events" VALUES(19,1795252858107,'phase','alice-1','alice',2,'stopped -> starting (start)');
INSERT INTO "events" VALUES(20,1795252858129,'phase','alice-4','alice',2,'stopped -> starting (start)');
INSERT INTO "events" VALUES(21,1795252858130,'phase','alice-3','alice',2,'stopped -> starting (start)');
INSERT INTO "events" VALUES(22,1795252858138,'phase','alice-1','alice',2,'starting -> ready (identify)');
INSERT INTO "events" VALUES(23,1795252858141,'phase','alice-5','alice',2,'stopped -> starting (start)');
INSERT INTO "events" VALUES(24,1795252858145,'phase','alice-2','alice',2,'starting -> ready (identify)');
INSERT INTO "events" VALUES(25,1795252858147,'phase','alice-4','alice',2,'starting -> ready (identify)');
INSERT INTO "events" VALUES(26,1795252858153,'phase','alice-5','alice',2,'starting -> ready (identify)');
INSERT INTO "events" VALUES(27,1795252858154,'phase','alice-3','alice',2,'starting -> ready (identify)');
INSERT INTO "events" VALUES(28,1795252858154,'operation','','alice',2,'request: done');
INSERT INTO "events" VALUES(29,1795252858161,'operation','','carol',3,'root: request for carol: 2 new, 0 there');
INSERT INTO "events" VALUES(30,1795252858177,'phase','carol-1','carol',3,'reserved -> stopped (build)');
INSERT INTO "events" VALUES(31,1795252858178,'phase','carol-2','carol',3,'reserved -> stopped (build)');
INSERT INTO "events" VALUES(32,1795252858187,'phase','carol-1','carol',3,'stopped -> starting (start)');
INSERT INTO "events" VALUES(33,1795252858188,'phase','carol-2','carol',3,'stopped -> starting (start)');
INSERT INTO "events" VALUES(34,1795252858195,'phase','carol-2','carol',3,'starting -> ready (identify)');
INSERT INTO "events" VALUES(35,1795252858199,'phase','carol-1','carol',3,'starting -> ready (identify)');
INSERT INTO "events" VALUES(36,1795252858199,'operation','','carol',3,'request: done');
INSERT INTO "events" VALUES(37,1795252858217,'operation','',NULL,4,'root: stop 1 guests');
INSERT INTO "events" VALUES(38,1795252858218,'phase','alice-2','alice',4,'ready -> stopping (stop)');
INSERT INTO "events" VALUES(39,1795252858221,'phase','alice-2','alice',4,'stopping -> stopped: is off');
INSERT INTO "events" VALUES(40,1795252858221,'operation','',NULL,4,'stop: done');
INSERT INTO "events" VALUES(41,1795252858229,'operation','',NULL,5,'root: retire 1 guests');
INSERT INTO "events" VALUES(42,1795252858232,'phase','alice-4','alice',5,'ready -> stopping (stop)');
INSERT INTO "events" VALUES(43,1795252858235,'phase','alice-4','alice',5,'stopping -> stopped: is off');
INSERT INTO "events" VALUES(44,1795252858241,'phase','alice-4','alice',5,'stopped -> gone (retire)');
INSERT INTO "events" VALUES(45,1795252858241,'operation','',NULL,5,'retire: done');
INSERT INTO "events" VALUES(46,1795252858246,'operation','',NULL,6,'root: rebuild 1 guests');
INSERT INTO "events" VALUES(47,1795252858247,'phase','alice-5','alice',6,'ready -> stopping (stop)');
INSERT INTO "events" VALUES(48,1795252858249,'phase','alice-5','alice',6,'stopping -> stopped: is off');
INSERT INTO "events" VALUES(49,1795252858252,'phase','alice-5','alice',6,'stopped -> stopped (build)');
INSERT INTO "events" VALUES(50,1795252858255,'phase','alice-5','alice',6,'stopped -> starting (start)');
INSERT INTO "events" VALUES(51,1795252858258,'phase','alice-5','alice',6,'starting -> ready (identify)');
INSERT INTO "events" VALUES(52,1795252858258,'operation','',NULL,6,'rebuild: done');
INSERT INTO "events" VALUES(53,1795252858263,'operation','',NULL,7,'root: image-build');
INSERT INTO "events" VALUES(54,1795252863980,'image','',NULL,7,'tiny: unpacking 9 packages');
INSERT INTO "events" VALUES(55,1795252869199,'image','',NULL,7,'tiny: assembling the root');
INSERT INTO "events" VALUES(56,1795252873897,'image','',NULL,7,'tiny: tiny sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad is there already');
INSERT INTO "events" VALUES(57,1795252875104,'image','',NULL,NULL,'new guests of ''tiny'' get sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad');
INSERT INTO "events" VALUES(58,1795252875120,'operation','',NULL,7,'image-build: done: sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad');
INSERT INTO "events" VALUES(59,1795252876120,'operation','',NULL,8,'bob: retire 2 guests');
INSERT INTO "events" VALUES(60,1795252876120,'fault','alice-3','alice',NULL,'no memory');
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
    machine_id    TEXT   NOT NULL
);
INSERT INTO "guests" VALUES(1,'alice-1','alice','vm','tiny','basic','local',171708418,'52:54:00:00:00:01','ready','ready','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',0,1795252858138,0,NULL,'',0,2,4,1795252858011,'cold','ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC52gVl5WfpTclrT8W2fb2RzR4SGQEk8wlI5xunkdMAY','db992c91fbe0471daf92016c560d9c16');
INSERT INTO "guests" VALUES(2,'alice-2','alice','vm','tiny','basic','local',171708419,'52:54:00:00:00:02','stopped','stopped','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',0,1795252858221,0,NULL,'',0,4,7,1795252858011,'cold','ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBt9rSPewq4JqZxMq6sk4mwVTwefnBTPNDylt3NIZcnb','f6c0f49634c34d50a75107251819156a');
INSERT INTO "guests" VALUES(3,'alice-3','alice','vm','tiny','basic','local',171708420,'52:54:00:00:00:03','stopped','ready','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',0,1795252858154,3,'start','no memory',1795252876120,2,5,1795252858011,'cold','ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJG9Ga4ZjxAArBbj/5CnVu9axDtVViQqaqUhjR5iJnom','e7a4628fcb9047eeaf779aa9e2f883a5');
INSERT INTO "guests" VALUES(4,'alice-4','alice','vm','tiny','basic','local',171708421,NULL,'gone','gone','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',0,1795252858241,0,NULL,'',0,5,8,1795252858011,'cold','','95939f55bc474c6cb44eac78adc5210f');
INSERT INTO "guests" VALUES(5,'alice-5','alice','vm','tiny','basic','local',171708422,'52:54:00:00:00:05','ready','ready','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',2,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',2,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',0,1795252858258,0,NULL,'',0,6,11,1795252858011,'cold','ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJtxtKPMJIusoPOkFo0POFd+IgO/pPplHPwOWUh1/Yhw','f00ff05756144b579ec9d55a2a3f29d8');
INSERT INTO "guests" VALUES(6,'carol-1','carol','vm','tiny','basic','local',171708423,'52:54:00:00:00:06','ready','ready','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',0,1795252858199,0,NULL,'',0,3,4,1795252858161,'cold','ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJeFu+p2L3Cl1cpStAfodMO2+x1OheCbSp1gc2EIuxdV','179968081e5e4f04a291fba58a126c9f');
INSERT INTO "guests" VALUES(7,'carol-2','carol','vm','tiny','basic','local',171708424,'52:54:00:00:00:07','stopping','gone','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1,1,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',0,1795252858195,0,NULL,'',0,8,5,1795252858161,'cold','ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKenSVpGaGjyjURk8wIEKP19Pjb51TYkAy24RfvzMdAq','b3bccbdf15f64477b1ca90d239c7d67b');
CREATE TABLE idempotency (
    caller  TEXT   NOT NULL,
    key     TEXT   NOT NULL,
    request TEXT   NOT NULL,
    answer  TEXT   NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
INSERT INTO "idempotency" VALUES('root','five','{"count":5,"owner":"alice"}','{"created":["alice-1","alice-2","alice-3","alice-4","alice-5"],"existing":[],"operation":2}',1795252858011);
CREATE TABLE images (
    name     TEXT   NOT NULL PRIMARY KEY,
    digest   TEXT   NOT NULL,
    promoted BIGINT NOT NULL
);
INSERT INTO "images" VALUES('tiny','sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad',1795252875104);
CREATE TABLE items (
    operation BIGINT NOT NULL REFERENCES operations (id),
    guest     BIGINT NOT NULL REFERENCES guests (id),
    outcome   TEXT   NOT NULL
              CHECK (outcome IN ('pending', 'done', 'failed', 'unchanged', 'refused', 'superseded', 'cancelled')),
    reason    TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (operation, guest)
);
INSERT INTO "items" VALUES(2,1,'done','');
INSERT INTO "items" VALUES(2,2,'done','');
INSERT INTO "items" VALUES(2,3,'done','');
INSERT INTO "items" VALUES(2,4,'done','');
INSERT INTO "items" VALUES(2,5,'done','');
INSERT INTO "items" VALUES(3,6,'done','');
INSERT INTO "items" VALUES(3,7,'done','');
INSERT INTO "items" VALUES(4,2,'done','');
INSERT INTO "items" VALUES(5,4,'done','');
INSERT INTO "items" VALUES(6,5,'done','');
INSERT INTO "items" VALUES(8,6,'failed','no answer');
INSERT INTO "items" VALUES(8,7,'pending','');
CREATE TABLE migrations (
    name    TEXT   NOT NULL PRIMARY KEY,
    applied BIGINT NOT NULL
);
INSERT INTO "migrations" VALUES('0001-first',1795252843380);
CREATE TABLE notes (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO "notes" VALUES('uuid','1b86a8bf-084e-47b9-82f5-4cfd13fb4858');
INSERT INTO "notes" VALUES('accelerator','0218dff9-fa06-4ebe-b6d6-faa0f5ff38f1 tcg');
INSERT INTO "notes" VALUES('subnet','10.60.16.0/20');
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
    CHECK (done <= total)
);
INSERT INTO "operations" VALUES(1,'root','image-build','{"image":"tiny"}',NULL,1795252843485,1795252857748,'done',0,0,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad');
INSERT INTO "operations" VALUES(2,'root','request','{"count":5,"owner":"alice"}','alice',1795252858011,1795252858154,'done',5,5,'');
INSERT INTO "operations" VALUES(3,'root','request','{"count":2,"owner":"carol"}','carol',1795252858161,1795252858199,'done',2,2,'');
INSERT INTO "operations" VALUES(4,'root','stop','{"globs":["alice-2"]}',NULL,1795252858217,1795252858221,'done',1,1,'');
INSERT INTO "operations" VALUES(5,'root','retire','{"globs":["alice-4"]}',NULL,1795252858229,1795252858241,'done',1,1,'');
INSERT INTO "operations" VALUES(6,'root','rebuild','{"globs":["alice-5"]}',NULL,1795252858246,1795252858258,'done',1,1,'');
INSERT INTO "operations" VALUES(7,'root','image-build','{"image":"tiny"}',NULL,1795252858263,1795252875120,'done',0,0,'sha256:3b26aab8bdad2599e52f0f8b89d77fa52f3c28f08b34ea7145caa92f157b8fad');
INSERT INTO "operations" VALUES(8,'bob','retire','{"globs":["carol-*"]}',NULL,1795252876120,NULL,'running',2,1,'');
CREATE TABLE owner_keys (
    owner    TEXT   NOT NULL REFERENCES owners (name) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    line     TEXT   NOT NULL,
    PRIMARY KEY (owner, position)
);
INSERT INTO "owner_keys" VALUES('alice',0,'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILnbzScsBDWSPpOBRlRCRkL+kzICCpmN7Zw4UH1oFHqT alice@desk');
INSERT INTO "owner_keys" VALUES('alice',1,'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPECkp4cAA62r+yT7Ztj4AJRjw4q3Dtm56pi7uznKm/n alice@laptop');
CREATE TABLE owners (
    name  TEXT   NOT NULL PRIMARY KEY,
    login TEXT   UNIQUE,
    quota BIGINT NOT NULL CHECK (quota >= 0)
);
INSERT INTO "owners" VALUES('alice',NULL,10);
INSERT INTO "owners" VALUES('bob','nobody',0);
INSERT INTO "owners" VALUES('carol',NULL,3);
CREATE INDEX guests_living ON guests (owner) WHERE phase <> 'gone';
CREATE INDEX addresses_resting ON addresses (free_at) WHERE free_at IS NOT NULL;
CREATE UNIQUE INDEX items_pending ON items (guest) WHERE outcome = 'pending';
CREATE INDEX events_of_owner ON events (owner, id);
COMMIT;
