-- Text and whole numbers only, so that SQLite and Postgres read the same file. Times are milliseconds since 1970 in
-- UTC, but for the audit log, which keeps the text that its hashes cover.

CREATE TABLE requests (
    id BIGINT PRIMARY KEY,
    state TEXT NOT NULL,
    person TEXT NOT NULL,
    role TEXT NOT NULL,
    login TEXT,
    asked_ms BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    reason TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    starts_at BIGINT,
    needed BIGINT NOT NULL,
    grant_id BIGINT,
    extends BIGINT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    decided_note TEXT
);
CREATE INDEX requests_by_state ON requests (state, person);
CREATE INDEX requests_by_person ON requests (person);

CREATE TABLE request_targets (
    request BIGINT NOT NULL REFERENCES requests (id),
    position BIGINT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (request, position)
);

CREATE TABLE approvals (
    request BIGINT NOT NULL REFERENCES requests (id),
    position BIGINT NOT NULL,
    approver TEXT NOT NULL,
    at BIGINT NOT NULL,
    note TEXT,
    PRIMARY KEY (request, position),
    UNIQUE (request, approver)
);

CREATE TABLE grants (
    id BIGINT PRIMARY KEY,
    request BIGINT NOT NULL REFERENCES requests (id),
    person TEXT NOT NULL,
    role TEXT NOT NULL,
    login TEXT,
    starts_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    started BIGINT NOT NULL,
    used BIGINT NOT NULL,
    ended_at BIGINT,
    ended_why TEXT,
    ended_note TEXT
);
CREATE INDEX grants_by_person ON grants (person);
CREATE INDEX grants_by_end ON grants (ended_at, expires_at);

CREATE TABLE grant_targets (
    grant_id BIGINT NOT NULL REFERENCES grants (id),
    position BIGINT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (grant_id, position)
);

CREATE TABLE sessions (
    id BIGINT PRIMARY KEY,
    grant_id BIGINT NOT NULL REFERENCES grants (id),
    person TEXT NOT NULL,
    target TEXT NOT NULL,
    login TEXT NOT NULL,
    role TEXT NOT NULL,
    protocol TEXT NOT NULL,
    client TEXT NOT NULL,
    client_version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_why TEXT
);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX sessions_by_grant ON sessions (grant_id);
CREATE INDEX sessions_by_end ON sessions (ended_at);

CREATE TABLE recordings (
    session BIGINT NOT NULL REFERENCES sessions (id),
    channel BIGINT NOT NULL,
    kind TEXT NOT NULL,
    command TEXT,
    path TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    sealed_at BIGINT,
    seal TEXT,
    PRIMARY KEY (session, channel)
);

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE audit_checkpoints (
    seq BIGINT PRIMARY KEY,
    hash TEXT NOT NULL,
    at TEXT NOT NULL,
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL
);
