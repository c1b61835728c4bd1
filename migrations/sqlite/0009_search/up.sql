-- What is to be indexed anew, noted by whatever changes it. A later change leaves another mark.
CREATE TABLE search_pending (
    subject_id BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    -- Whether the articles that carry its name are to follow.
    spread BOOLEAN NOT NULL,
    mark BLOB NOT NULL
);
CREATE INDEX search_pending_by_mark ON search_pending (mark);

-- The public's index: what stands in it anyone may read. The key grows with age, so that a walk meets the newest first.
CREATE TABLE published_documents (
    key INTEGER PRIMARY KEY NOT NULL,
    subject_id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    -- The one revision of an article that this is about.
    revision_id BLOB,
    -- What it is counted by: its section, tags, authors and year.
    labels BLOB NOT NULL
);
CREATE VIRTUAL TABLE published_terms USING fts5 (
    title, words, forms, content = '', contentless_delete = 1, tokenize = 'ascii'
);
-- The key is that of the words, so that they are walked in its order and no further than somebody looks.
CREATE VIEW published_search AS SELECT f.rowid AS key, d.subject_id, d.kind, d.revision_id, d.labels, f.published_terms AS terms
FROM published_terms f
CROSS JOIN published_documents d ON d.key = f.rowid;

-- The staff's index: working copies that hold something that the public's index does not.
CREATE TABLE staff_documents (
    key INTEGER PRIMARY KEY NOT NULL,
    subject_id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    revision_id BLOB,
    labels BLOB NOT NULL
);
CREATE VIRTUAL TABLE staff_terms USING fts5 (
    title, words, forms, content = '', contentless_delete = 1, tokenize = 'ascii'
);
CREATE VIEW staff_search AS SELECT f.rowid AS key, d.subject_id, d.kind, d.revision_id, d.labels, f.staff_terms AS terms
FROM staff_terms f
CROSS JOIN staff_documents d ON d.key = f.rowid;

-- What is there already is indexed in the background after the first start.
INSERT INTO search_pending (subject_id, kind, spread, mark)
SELECT id, 'article', FALSE, x'00000000000000000000000000000000' FROM articles
UNION ALL SELECT id, 'author', FALSE, x'00000000000000000000000000000000' FROM authors
UNION ALL SELECT id, 'section', FALSE, x'00000000000000000000000000000000' FROM sections
UNION ALL SELECT id, 'tag', FALSE, x'00000000000000000000000000000000' FROM tags;
