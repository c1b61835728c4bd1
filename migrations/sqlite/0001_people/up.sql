CREATE TABLE authors (
    id BLOB PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    bio TEXT NOT NULL,
    bio_html TEXT NOT NULL,
    website TEXT,
    image TEXT,
    links TEXT NOT NULL,
    article_count BIGINT NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX authors_by_name ON authors (name, id);
CREATE INDEX authors_by_created_at ON authors (created_at, id);
CREATE INDEX authors_by_article_count ON authors (article_count, id);

CREATE TABLE users (
    id BLOB PRIMARY KEY NOT NULL,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT,
    author_id BLOB REFERENCES authors (id),
    version INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    disabled_at BIGINT
);
CREATE INDEX users_by_author ON users (author_id);

CREATE TABLE sessions (
    id BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Only hashes: what stands here opens nothing.
CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE one_time_tokens (
    hash BLOB PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL,
    user_id BLOB REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Made at the first start and shared by all replicas; `wrapped` where a key from outside encrypts them.
CREATE TABLE keys (
    id BLOB PRIMARY KEY NOT NULL,
    purpose TEXT NOT NULL,
    secret BLOB NOT NULL,
    wrapped BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);
CREATE INDEX keys_by_purpose ON keys (purpose, created_at);
