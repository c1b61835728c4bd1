-- Who did what, to what, when and from where. What it names may be gone by then, so it refers to no other table.
CREATE TABLE audit (
    id BLOB PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BLOB,
    session_id BLOB,
    resource_kind TEXT NOT NULL,
    resource_id BLOB,
    fields TEXT NOT NULL,
    address TEXT,
    request_id TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_actor ON audit (actor_id, at, id);
CREATE INDEX audit_by_resource ON audit (resource_id, at, id);

-- A line is never changed, and for thirty days nobody takes one away.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is never changed');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN OLD.at > (CAST(strftime('%s', 'now') AS INTEGER) - 2592000) * 1000000 BEGIN
    SELECT RAISE(ABORT, 'the audit is kept for thirty days');
END;
