CREATE TABLE comments (
    id BLOB PRIMARY KEY NOT NULL,
    article_id BLOB NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    parent_id BLOB REFERENCES comments (id) ON DELETE CASCADE,
    root_id BLOB NOT NULL,
    depth INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user_id BLOB REFERENCES users (id) ON DELETE SET NULL,
    name TEXT NOT NULL,
    email TEXT,
    website TEXT,
    body TEXT NOT NULL,
    body_html TEXT NOT NULL,
    status TEXT NOT NULL,
    -- It is approved, and so is all that it answers.
    visible BOOLEAN NOT NULL,
    version INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    edited_at BIGINT
);
CREATE INDEX comments_by_thread ON comments (article_id, depth, created_at, id);
CREATE INDEX comments_by_root ON comments (root_id, created_at, id);
CREATE INDEX comments_by_parent ON comments (parent_id);
CREATE INDEX comments_by_status ON comments (status, created_at, id);
CREATE INDEX comments_by_created_at ON comments (created_at, id);

-- What the public may see: comments below articles that are published.
CREATE VIEW published_comments AS SELECT c.*
FROM comments c
JOIN articles a ON a.id = c.article_id AND a.published_id IS NOT NULL AND a.deleted_at IS NULL
WHERE c.visible;
