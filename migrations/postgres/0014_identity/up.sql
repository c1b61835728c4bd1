-- A key is known to every process before it signs. `retired_at` may lie ahead: until then its tokens are believed.
ALTER TABLE keys ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;

-- Tries to change the password with a wrong one, in a row.
ALTER TABLE sessions ADD COLUMN wrong_passwords INTEGER NOT NULL DEFAULT 0;

-- What a key wrote names it as what a person wrote names the person: it has a row among them, with an address that nobody
-- can sign in with.
ALTER TABLE users ADD COLUMN is_key BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX users_by_name ON users (name, id);
CREATE INDEX users_by_created_at ON users (created_at, id);

-- Only hashes here, too. Without `sections` a key is for all of them; with none of them left, for nothing.
CREATE TABLE api_keys (
    id UUID PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL UNIQUE,
    begins TEXT NOT NULL,
    sections TEXT,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_keys_by_created_at ON api_keys (created_at, id);
CREATE INDEX api_keys_by_creator ON api_keys (created_by);
