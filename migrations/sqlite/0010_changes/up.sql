-- What last happened in public to each thing that is or was public: one row for each, which moves to the end when something
-- happens to it again. A row without a number waits for one: a transaction cannot know in which order it ends among others.
CREATE TABLE changes (
    id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    -- The one that the public knew last.
    slug TEXT NOT NULL,
    revision INTEGER,
    -- What else its address is made from: a section's path, when an article was first published, and its language.
    path TEXT,
    dated_at BIGINT,
    language TEXT,
    deleted BOOLEAN NOT NULL,
    changed_at BIGINT NOT NULL,
    sequence BIGINT UNIQUE
);
CREATE INDEX changes_by_kind ON changes (kind, sequence);
CREATE INDEX changes_by_end ON changes (changed_at) WHERE deleted;

-- How far the numbers have come, since when, and up to which one rows were forgotten.
CREATE TABLE change_stream (
    id INTEGER PRIMARY KEY NOT NULL,
    last BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,
    horizon BIGINT NOT NULL
);

-- How far the numbers had come when a process started: of a place beyond that, told before, this database knows nothing. It
-- was restored from a backup since.
CREATE TABLE change_starts (
    id BLOB PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    last BIGINT NOT NULL
);

INSERT INTO changes (id, kind, slug, revision, path, dated_at, language, deleted, changed_at, sequence)
SELECT id, kind, slug, revision, path, dated_at, language, 0, changed_at, row_number() OVER (ORDER BY changed_at, id) FROM (
    SELECT id, 'article' AS kind, slug, revision, section_path AS path, published_at AS dated_at, language, updated_at AS changed_at
        FROM published_articles
    UNION ALL SELECT id, 'author', slug, NULL, NULL, NULL, NULL, updated_at FROM authors
    UNION ALL SELECT id, 'section', slug, NULL, path, NULL, NULL, updated_at FROM sections
    UNION ALL SELECT id, 'tag', slug, NULL, NULL, NULL, NULL, updated_at FROM tags
) AS things;
INSERT INTO change_stream (id, last, settled_at, horizon) SELECT 1, count(*), 0, 0 FROM changes;
