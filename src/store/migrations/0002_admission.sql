-- Admission looks at a person's grants that have not ended, and at their newest on one target, among millions of past
-- ones.

ALTER TABLE grant_targets ADD COLUMN person TEXT NOT NULL DEFAULT '';
UPDATE grant_targets SET person = (SELECT g.person FROM grants g WHERE g.id = grant_targets.grant_id);
CREATE INDEX grant_targets_by_person ON grant_targets (person, target, grant_id);

CREATE INDEX grants_by_person_and_end ON grants (person, ended_at);
CREATE INDEX grants_by_person_and_age ON grants (person, id);
DROP INDEX grants_by_person;
