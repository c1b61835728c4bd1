-- Who did what, to what, when and from where. What it names may be gone by then, so it refers to no other table.
CREATE TABLE audit (
    id UUID PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id UUID,
    session_id UUID,
    resource_kind TEXT NOT NULL,
    resource_id UUID,
    fields TEXT NOT NULL,
    address TEXT,
    request_id TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_actor ON audit (actor_id, at, id);
CREATE INDEX audit_by_resource ON audit (resource_id, at, id);

-- A line is never changed, and for thirty days nobody takes one away.
CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at <= (extract(epoch FROM now())::BIGINT - 2592000) * 1000000 THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit is never changed, and kept for thirty days';
END
$$;
CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION keep_audit();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();
