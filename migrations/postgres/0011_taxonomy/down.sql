DROP TABLE old_paths;
ALTER TABLE authors DROP COLUMN archived_at;
DELETE FROM old_slugs WHERE alias;
ALTER TABLE old_slugs DROP COLUMN alias;
ALTER TABLE tags DROP COLUMN aliases;
