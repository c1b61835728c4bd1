-- Other names of a tag, as a JSON list. Their slugs stand in `old_slugs` and lead to it.
ALTER TABLE tags ADD COLUMN aliases TEXT NOT NULL DEFAULT '[]';
ALTER TABLE old_slugs ADD COLUMN alias BOOLEAN NOT NULL DEFAULT 0;

-- Since when an author writes no more.
ALTER TABLE authors ADD COLUMN archived_at BIGINT;

-- Paths that sections had, which lead to what has them no longer.
CREATE TABLE old_paths (
    path TEXT PRIMARY KEY NOT NULL,
    section_id BLOB NOT NULL REFERENCES sections (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL
);
CREATE INDEX old_paths_by_section ON old_paths (section_id);
