-- Sessions and audit records say which gateway wrote them, and in which of its lives (incarnations). Ids come from
-- counters, so that two writers never take the same one. Rows of an older Curfew have no gateway yet; the one that
-- opens the database adopts them.

CREATE TABLE gateways (
    name TEXT PRIMARY KEY,
    incarnation BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO counters (name, last) SELECT 'requests', COALESCE(MAX(id), 0) FROM requests;
INSERT INTO counters (name, last) SELECT 'grants', COALESCE(MAX(id), 0) FROM grants;
INSERT INTO counters (name, last) SELECT 'sessions', COALESCE(MAX(id), 0) FROM sessions;

ALTER TABLE grants ADD COLUMN ended_by TEXT;

ALTER TABLE sessions ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN incarnation BIGINT NOT NULL DEFAULT 0;

CREATE TABLE audit_of_gateways (
    seq BIGINT NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    gateway TEXT NOT NULL,
    incarnation BIGINT NOT NULL,
    PRIMARY KEY (gateway, incarnation, seq)
);
INSERT INTO audit_of_gateways (seq, at, actor, action, subject, detail, prev, hash, gateway, incarnation)
    SELECT seq, at, actor, action, subject, detail, prev, hash, '', 0 FROM audit;
DROP TABLE audit;
ALTER TABLE audit_of_gateways RENAME TO audit;
CREATE INDEX audit_by_seq ON audit (seq);
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE checkpoints_of_gateways (
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL,
    gateway TEXT NOT NULL,
    incarnation BIGINT NOT NULL,
    PRIMARY KEY (gateway, incarnation, seq)
);
INSERT INTO checkpoints_of_gateways (seq, hash, at, key_id, signature, gateway, incarnation)
    SELECT seq, hash, at, key_id, signature, '', 0 FROM audit_checkpoints;
DROP TABLE audit_checkpoints;
ALTER TABLE checkpoints_of_gateways RENAME TO audit_checkpoints;

-- Which users and targets a record is about, so that the log can be asked for theirs alone. Derived from the records.
CREATE TABLE audit_names (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    seq BIGINT NOT NULL,
    gateway TEXT NOT NULL,
    incarnation BIGINT NOT NULL,
    PRIMARY KEY (kind, name, seq, gateway, incarnation)
);
