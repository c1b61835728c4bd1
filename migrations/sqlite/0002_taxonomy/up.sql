CREATE TABLE tags (
    id BLOB PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    article_count BIGINT NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tags_by_name ON tags (name, id);
CREATE INDEX tags_by_created_at ON tags (created_at, id);
CREATE INDEX tags_by_article_count ON tags (article_count, id);

-- `path` and `trail` repeat what the parents say, so that a reader needs no walk up the tree.
CREATE TABLE sections (
    id BLOB PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    parent_id BLOB REFERENCES sections (id),
    position INTEGER NOT NULL,
    path TEXT NOT NULL UNIQUE,
    trail TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX sections_by_parent ON sections (parent_id);
CREATE INDEX sections_by_position ON sections (position, id);
CREATE INDEX sections_by_name ON sections (name, id);
