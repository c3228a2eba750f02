-- Lists are read from their newest entry backwards, narrowed to a person, a target or a stretch of time, among millions of
-- past entries. Times lead to a bound for the numbers.

CREATE INDEX requests_by_person_and_age ON requests (person, id);
DROP INDEX requests_by_person;
CREATE INDEX requests_by_time ON requests (asked_at, id);
CREATE INDEX requests_by_grant ON requests (grant_id);
CREATE INDEX request_targets_by_target ON request_targets (target, request);

CREATE INDEX grants_by_time ON grants (starts_at, id);
CREATE INDEX grant_targets_by_target ON grant_targets (target, grant_id);

CREATE INDEX sessions_by_person_and_age ON sessions (person, id);
DROP INDEX sessions_by_person;
CREATE INDEX sessions_by_target ON sessions (target, id);
CREATE INDEX sessions_by_time ON sessions (started_at, id);

CREATE INDEX audit_by_time_and_seq ON audit (at, seq);
DROP INDEX audit_by_time;
