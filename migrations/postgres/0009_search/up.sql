-- What is to be indexed anew, noted by whatever changes it. A later change leaves another mark.
CREATE TABLE search_pending (
    subject_id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    -- Whether the articles that carry its name are to follow.
    spread BOOLEAN NOT NULL,
    mark UUID NOT NULL
);
CREATE INDEX search_pending_by_mark ON search_pending (mark);

-- The public's index: what stands in it anyone may read. The key grows with age, so that a walk meets the newest first.
CREATE TABLE published_documents (
    key BIGINT PRIMARY KEY NOT NULL,
    subject_id UUID NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    -- The one revision of an article that this is about.
    revision_id UUID,
    -- What it is counted by: its section, tags, authors and year.
    labels BYTEA NOT NULL
);
CREATE TABLE published_terms (
    key BIGINT PRIMARY KEY NOT NULL REFERENCES published_documents (key) ON DELETE CASCADE,
    terms TSVECTOR NOT NULL
);
CREATE INDEX published_terms_by_word ON published_terms USING gin (terms);
CREATE VIEW published_search AS SELECT d.key, d.subject_id, d.kind, d.revision_id, d.labels, t.terms
FROM published_terms t
JOIN published_documents d ON d.key = t.key;

-- The staff's index: working copies that hold something that the public's index does not.
CREATE TABLE staff_documents (
    key BIGINT PRIMARY KEY NOT NULL,
    subject_id UUID NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    revision_id UUID,
    labels BYTEA NOT NULL
);
CREATE TABLE staff_terms (
    key BIGINT PRIMARY KEY NOT NULL REFERENCES staff_documents (key) ON DELETE CASCADE,
    terms TSVECTOR NOT NULL
);
CREATE INDEX staff_terms_by_word ON staff_terms USING gin (terms);
CREATE VIEW staff_search AS SELECT d.key, d.subject_id, d.kind, d.revision_id, d.labels, t.terms
FROM staff_terms t
JOIN staff_documents d ON d.key = t.key;

-- What is there already is indexed in the background after the first start.
INSERT INTO search_pending (subject_id, kind, spread, mark)
SELECT id, 'article', FALSE, '00000000-0000-0000-0000-000000000000'::uuid FROM articles
UNION ALL SELECT id, 'author', FALSE, '00000000-0000-0000-0000-000000000000'::uuid FROM authors
UNION ALL SELECT id, 'section', FALSE, '00000000-0000-0000-0000-000000000000'::uuid FROM sections
UNION ALL SELECT id, 'tag', FALSE, '00000000-0000-0000-0000-000000000000'::uuid FROM tags;
